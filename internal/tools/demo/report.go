// SPDX-License-Identifier: AGPL-3.0-or-later

package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"text/template"
	"time"

	"coopkit/internal/atomicfile"
)

// summary is .demo/summary.json: what runs, for people and for programs.
type summary struct {
	DNS     string             `json:"dns"`
	HTTPS   string             `json:"https"`
	CA      string             `json:"ca"`
	Apps    []summaryApp       `json:"apps"`
	Sites   []summarySite      `json:"sites"`
	Console summaryConsole     `json:"console"`
	Desk    summaryDesk        `json:"desk"`
	Seconds map[string]float64 `json:"seconds"`
}

// summaryConsole is the box in a browser. The token can be used once, within an
// hour.
type summaryConsole struct {
	URL   string `json:"url"`
	Token string `json:"token"`
	CA    string `json:"ca"`
}

type summaryDesk struct {
	URL      string `json:"url"`
	User     string `json:"user"`
	Password string `json:"password"`
	CA       string `json:"ca"`
}

type summaryApp struct {
	Name  string       `json:"name"`
	URL   string       `json:"url"`
	Admin summaryAdmin `json:"admin"`
}

type summaryAdmin struct {
	User     string `json:"user"`
	Password string `json:"password"`
}

type summarySite struct {
	URL string `json:"url"`
}

// report writes the summary, readable by its owner alone because it holds a
// password, and says the same to people.
func (d *demo) report(s status, login signin, door access, tech deskLogin) error {
	d.seconds["total"] = round(time.Since(d.began).Seconds())
	sum := summary{
		DNS: d.dns, HTTPS: d.https, CA: s.CA,
		Apps:    []summaryApp{{Name: d.app, URL: d.url(appHost), Admin: summaryAdmin{login.User, login.Password}}},
		Sites:   []summarySite{{URL: d.url(zone)}},
		Console: summaryConsole{URL: "https://" + d.console, Token: door.Token, CA: s.CA},
		Desk:    summaryDesk{URL: tech.URL, User: tech.User, Password: tech.Password, CA: d.deskCA()},
		Seconds: d.seconds,
	}
	text, err := json.MarshalIndent(sum, "", "  ")
	if err != nil {
		return fmt.Errorf("write summary: %w", err)
	}
	path := filepath.Join(d.dir, "summary.json")
	if err := atomicfile.Write(path, append(text, '\n'), 0o600); err != nil {
		return fmt.Errorf("write summary: %w", err)
	}
	_, port, _ := strings.Cut(d.https, ":")
	_, dnsPort, _ := strings.Cut(d.dns, ":")
	return closing.Execute(d.out, map[string]any{
		"Total": d.seconds["total"], "Engine": s.Engine, "Login": login, "CA": s.CA, "Summary": path, "Socket": d.socket(),
		"Door": door, "Tech": tech,
		"App": d.url(appHost), "AppHost": appHost, "Site": d.url(zone), "Zone": zone, "Port": port, "DNSPort": dnsPort,
	})
}

var closing = template.Must(template.New("closing").Parse(`
All of it runs, after {{printf "%.0f" .Total}} seconds, on {{.Engine}}.

  WordPress   {{.App}}
  sign in at  {{.Login.URL}}
  as          {{.Login.User}}
  password    {{.Login.Password}}
  the site    {{.Site}}

  the console {{.Door.URL}}
  token       {{.Door.Token}}

  the desk    {{.Tech.URL}}
  sign in as  {{.Tech.User}}
  password    {{.Tech.Password}}

Try:
  dig @127.0.0.1 -p {{.DNSPort}} {{.AppHost}}
  curl --cacert {{.CA}} --resolve {{.AppHost}}:{{.Port}}:127.0.0.1 {{.App}}
  curl --cacert {{.CA}} --resolve {{.Zone}}:{{.Port}}:127.0.0.1 {{.Site}}
  export COOPKIT_SOCKET={{.Socket}}
  bin/coopkit app list
  bin/coopkit doctor
  bin/coopkit app add dokuwiki --address wiki.{{.Zone}}

In a browser on this machine: add "127.0.0.1 {{.Zone}} {{.AppHost}}" to /etc/hosts and let it trust the CA above.
The same is in {{.Summary}}. Remove all of it: make demo-down
`))
