// SPDX-License-Identifier: AGPL-3.0-or-later

package apps

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/logline"
	"coopkit/internal/webkit"
)

// spans are the stretches of time that messages can be asked of, by what the
// address of the page says; the first is all there is.
var spans = []struct {
	name string
	long time.Duration
}{{"", 0}, {"15m", 15 * time.Minute}, {"1h", time.Hour}, {"24h", 24 * time.Hour}}

// messageQuery is which messages somebody wants to see, as the page's address
// says it. What it says wrongly it does not say.
type messageQuery struct {
	Service, Search string
	Span            string
	Level           logline.Level
	Checks          bool   // with the box's own checks
	Until           string // RFC 3339: only older ones; empty: to the newest
}

// longestSearch is how much of a search is looked for, in bytes.
const longestSearch = 200

func readQuery(r *http.Request) messageQuery {
	v := r.URL.Query()
	q := messageQuery{Service: v.Get("service"), Search: strings.TrimSpace(v.Get("q")), Checks: v.Get("checks") != ""}
	q.Search = strings.ToValidUTF8(q.Search[:min(len(q.Search), longestSearch)], "")
	for _, s := range spans {
		if v.Get("span") == s.name {
			q.Span = s.name
		}
	}
	if level := logline.Level(v.Get("level")); level == logline.Error || level == logline.Warning {
		q.Level = level
	}
	if _, err := time.Parse(time.RFC3339Nano, v.Get("until")); err == nil {
		q.Until = v.Get("until")
	}
	return q
}

// path is the address of a page about the same messages, below that of the app.
func (q messageQuery) path(app appliance.InstallName, page string) string {
	v := url.Values{}
	checks := ""
	if q.Checks {
		checks = "yes"
	}
	for name, value := range map[string]string{"service": q.Service, "q": q.Search, "span": q.Span, "level": string(q.Level), "checks": checks, "until": q.Until} {
		if value != "" {
			v.Set(name, value)
		}
	}
	to := "/apps/" + string(app) + "/messages" + page
	if len(v) > 0 {
		to += "?" + v.Encode()
	}
	return to
}

// request asks for the last n of the messages; 0: all.
func (q messageQuery) request(app appliance.InstallName, n int, now time.Time) appliance.AppLogs {
	req := appliance.AppLogs{
		Name: app, Service: q.Service, Tail: n, Until: q.Until, Search: q.Search, Level: string(q.Level), Checks: q.Checks, Times: true,
	}
	for _, s := range spans {
		if s.name == q.Span && s.long > 0 {
			req.Since = now.Add(-s.long).Format(time.RFC3339Nano)
		}
	}
	return req
}

// narrow reports whether the query leaves out what people and programs wrote.
func (q messageQuery) narrow() bool {
	return q.Search != "" || q.Level != "" || q.Span != "" || q.Until != ""
}

// fields are those of the form.
func (q messageQuery) fields(p *webkit.Page, app appliance.App) []webkit.Field {
	services := []webkit.Pair{{Name: p.T("apps.messages.all"), Value: ""}}
	for _, s := range app.Services {
		services = append(services, webkit.Pair{Name: s.Name, Value: s.Name})
	}
	var times []webkit.Pair
	for _, s := range spans {
		times = append(times, webkit.Pair{Name: p.T("apps.messages.span." + cmp.Or(s.name, "all")), Value: s.name})
	}
	levels := []webkit.Pair{
		{Name: p.T("apps.messages.level.all"), Value: ""},
		{Name: p.T("apps.messages.level.warning"), Value: string(logline.Warning)},
		{Name: p.T("apps.messages.level.error"), Value: string(logline.Error)},
	}
	fields := []webkit.Field{
		{Name: "q", Label: p.T("apps.messages.search"), Kind: "search", Value: q.Search},
		{Name: "span", Label: p.T("apps.messages.span"), Kind: "select", Value: q.Span, Options: times},
		{Name: "level", Label: p.T("apps.messages.level"), Kind: "select", Value: string(q.Level), Options: levels},
		{Name: "service", Label: p.T("apps.service"), Kind: "select", Value: q.Service, Options: services},
	}
	return slices.DeleteFunc(fields, func(f webkit.Field) bool { return f.Name == "service" && len(app.Services) < 2 })
}
