// SPDX-License-Identifier: AGPL-3.0-or-later

package gateway

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"coopkit/internal/hostname"
	"coopkit/internal/problem"
)

func TestUnknownHost_is421AndMakesNoCertificate(t *testing.T) {
	d := open(t, local(t), Route{Host: "www.demo.coop", Kind: Held, Hold: Starting})
	d.client.Transport.(*http.Transport).TLSClientConfig.InsecureSkipVerify = true
	for _, url := range []string{"https://stranger.example/", "http://stranger.example/", "http://192.0.2.1/", "http://[2001:db8::1]:80/"} {
		a := d.get(url, "Accept-Language", "fr")
		if a.StatusCode != http.StatusMisdirectedRequest || !strings.Contains(a.body, "Il n’y a rien à l’adresse") {
			t.Errorf("%s: %d %s", url, a.StatusCode, a.body)
		}
		if a.Header.Get("Strict-Transport-Security") != "" {
			t.Errorf("%s: HSTS for a stranger", url)
		}
		if a.TLS != nil && a.TLS.PeerCertificates[0].VerifyHostname("stranger.example") == nil {
			t.Errorf("%s: a certificate for a stranger", url)
		}
	}
	for _, path := range allFiles(t, d.cfg.Storage) {
		if strings.Contains(path, "stranger") {
			t.Errorf("a certificate attempt left %s", path)
		}
	}
	if got := d.Certificates(); len(got) != 1 || got[0].Host != "www.demo.coop" || got[0].Problem != nil {
		t.Errorf("certificates: %+v", got)
	}
}

func allFiles(t *testing.T, dir string) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(dir, func(p string, _ os.DirEntry, err error) error {
		all = append(all, p)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestHost_withPortDotAndCapitals(t *testing.T) {
	d := open(t, local(t), Route{Host: "www.demo.coop", Kind: Site, Root: folder(t, map[string]string{"index.html": "hello"})})
	for _, host := range []string{"www.demo.coop", "www.demo.coop:8443", "WWW.Demo.Coop", "www.demo.coop.", "www.demo.coop.:443"} {
		if a := d.get("https://www.demo.coop/", "Host", host); a.StatusCode != 200 || a.body != "hello" {
			t.Errorf("%s: %d %q", host, a.StatusCode, a.body)
		}
	}
}

func TestPlainHTTP_leadsToHTTPSAtThePublicPort(t *testing.T) {
	cfg := local(t)
	cfg.PublicHTTPSPort = 8443
	d := open(t, cfg, Route{Host: "www.demo.coop", Kind: Held, Hold: Starting})
	a := d.get("http://www.demo.coop/a%2Fb?c=d")
	if got := a.Header.Get("Location"); a.StatusCode != http.StatusPermanentRedirect || got != "https://www.demo.coop:8443/a%2Fb?c=d" {
		t.Errorf("%d %s", a.StatusCode, got)
	}
	d.publicPort = 443
	if got := d.get("http://www.demo.coop//evil.example/").Header.Get("Location"); got != "https://www.demo.coop//evil.example/" {
		t.Errorf("Location %s", got)
	}
}

func TestRedirect_keepsPathAndQueryWhenItHasNone(t *testing.T) {
	d := open(t, local(t),
		Route{Host: "demo.coop", Kind: Redirect, To: "https://www.demo.coop"},
		Route{Host: "old.demo.coop", Kind: Redirect, To: "https://www.demo.coop/new?x=1"})
	for url, want := range map[string]string{
		"https://demo.coop/a/b?c=d":  "https://www.demo.coop/a/b?c=d",
		"https://demo.coop/a%2Fb":    "https://www.demo.coop/a%2Fb",
		"https://old.demo.coop/a?b=": "https://www.demo.coop/new?x=1",
	} {
		if a := d.get(url); a.Header.Get("Location") != want {
			t.Errorf("%s → %d %s; want %s", url, a.StatusCode, a.Header.Get("Location"), want)
		}
	}
}

func TestClosed_showsNothingOfTheServiceUntilItOpens(t *testing.T) {
	var asked atomic.Int64
	r := Route{Host: "www.demo.coop", Kind: Service, Closed: true, Target: backend(t, func(http.ResponseWriter, *http.Request) { asked.Add(1) })}
	d := open(t, local(t), r)
	if a := d.get("https://www.demo.coop/wp-admin/install.php"); a.StatusCode != 503 || !strings.Contains(a.body, "is not open yet") || asked.Load() != 0 {
		t.Errorf("%d asked=%d %s", a.StatusCode, asked.Load(), a.body)
	}
	r.Closed = false
	if err := d.SetRoutes([]Route{r}); err != nil {
		t.Fatal(err)
	}
	if a := d.get("https://www.demo.coop/"); a.StatusCode != 200 || asked.Load() != 1 {
		t.Errorf("after opening: %d, asked %d", a.StatusCode, asked.Load())
	}
}

// TestSetRoutes_servesTheRest: one route that cannot be used closes no other
// one, is reported, and opens as soon as it can be used.
func TestSetRoutes_servesTheRest(t *testing.T) {
	good := Route{Host: "www.demo.coop", Kind: Redirect, To: "https://example.org"}
	d := open(t, local(t), good)
	folder := filepath.Join(t.TempDir(), "site")
	late := Route{Host: "a.demo.coop", Kind: Site, Root: folder, Title: "Bakery"}
	for name, r := range map[string]Route{
		"host":   {Host: "WWW.demo.coop", Kind: Held, Hold: Starting},
		"kind":   {Host: "a.demo.coop"},
		"target": {Host: "a.demo.coop", Kind: Service},
		"root":   late,
		"to":     {Host: "a.demo.coop", Kind: Redirect, To: "javascript:alert(1)"},
		"reason": {Host: "a.demo.coop", Kind: Held, Hold: "holiday"},
		"twice":  {Host: "www.demo.coop", Kind: Held, Hold: Starting},
	} {
		bad := d.SetRoutes([]Route{good, r})
		if len(bad) != 1 || bad[0].Route != r || !errors.Is(bad[0].Err, &problem.Problem{Code: "route-invalid"}) {
			t.Errorf("%s: %v", name, bad)
		}
		if a := d.get("https://www.demo.coop/"); a.StatusCode != http.StatusPermanentRedirect {
			t.Errorf("%s: the good one answers %d", name, a.StatusCode)
		}
	}
	d.SetRoutes([]Route{late, good})
	d.waitFor(late.Host)
	if a := d.get("https://a.demo.coop/"); a.StatusCode != 503 || !strings.Contains(a.body, "Bakery is not working") {
		t.Errorf("the bad one answers %d: %s", a.StatusCode, a.body)
	}
	if err := errors.Join(os.Mkdir(folder, 0o755), os.WriteFile(filepath.Join(folder, "index.html"), []byte("Bread"), 0o644)); err != nil {
		t.Fatal(err)
	}
	if bad := d.SetRoutes([]Route{late, good}); len(bad) > 0 {
		t.Errorf("now that its folder is there: %v", bad)
	}
	if a := d.get("https://a.demo.coop/"); a.StatusCode != 200 || a.body != "Bread" {
		t.Errorf("now that its folder is there it answers %d: %s", a.StatusCode, a.body)
	}
}

func TestPortTaken_namesTheHolder(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	cfg := local(t)
	cfg.HTTP = l.Addr().String()
	g, err := New(cfg, Deps{Log: discard})
	if err != nil {
		t.Fatal(err)
	}
	p, ok := errors.AsType[*problem.Problem](g.Listen())
	if !ok || p.Code != "port-taken" || !strings.Contains(p.Why, "gateway.test") || !strings.Contains(p.Why, strconv.Itoa(os.Getpid())) {
		t.Errorf("%+v", p)
	}
	if g.Addrs() != (Addrs{}) {
		t.Error("a listener was left open")
	}
}

func TestListen_takesSocketsThatAreOpenAlready(t *testing.T) {
	cfg := local(t)
	var err error
	if cfg.HTTPSListener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	cfg.HTTPS = "192.0.2.1:1"
	d := open(t, cfg, Route{Host: "www.demo.coop", Kind: Held, Hold: Starting})
	if a := d.get("https://www.demo.coop/"); a.StatusCode != 503 {
		t.Errorf("%d", a.StatusCode)
	}
}

// TestSwapUnderLoad changes the table all the time: between two services, and
// with other hosts that come and go. No request may fail.
func TestSwapUnderLoad(t *testing.T) {
	say := func(s string) netip.AddrPort {
		return backend(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, s) })
	}
	a := Route{Host: "www.demo.coop", Kind: Service, Target: say("a")}
	b := Route{Host: "www.demo.coop", Kind: Service, Target: say("b")}
	other := Route{Host: "other.demo.coop", Kind: Site, Root: folder(t, map[string]string{"index.html": "site"})}
	d := open(t, local(t), a, other)
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	var wg sync.WaitGroup
	var count [2]atomic.Int64
	enough := func() bool { return count[0].Load() >= 100 && count[1].Load() >= 100 }
	for range 8 {
		wg.Go(func() {
			c := d.newClient(false)
			defer c.CloseIdleConnections()
			for ctx.Err() == nil {
				got, err := do(c, http.MethodGet, "https://www.demo.coop/", nil)
				if err != nil || got.StatusCode != 200 || (got.body != "a" && got.body != "b") {
					t.Errorf("%v %+v", err, got)
					return
				}
				count[got.body[0]-'a'].Add(1)
			}
		})
	}
	swaps := 0
	for ; ctx.Err() == nil && !t.Failed() && (swaps < 200 || !enough()); swaps++ {
		next := []Route{a, {Host: hostname.Name("guest" + strconv.Itoa(swaps%4) + ".demo.coop"), Kind: Held, Hold: Starting}}
		if swaps%2 == 0 {
			next = []Route{b, other}
		}
		if err := d.SetRoutes(next); err != nil {
			t.Error(err)
			break
		}
	}
	cancel()
	wg.Wait()
	t.Logf("%d swaps, %d + %d requests", swaps, count[0].Load(), count[1].Load())
	if !enough() || swaps < 200 {
		t.Error("the load or the swaps did not happen")
	}
}

func FuzzLookup(f *testing.F) {
	for _, s := range []string{"www.demo.coop", "www.demo.coop:8443", "WWW.DEMO.COOP.", "[::1]:443", "::1", "a:b:c", ":", "", "www.demo.coop:", "www.demo.coop:x", "\x00", "www.demo.coop..", "192.0.2.1:80"} {
		f.Add(s)
	}
	e := &entry{route: Route{Host: "www.demo.coop"}}
	table := &table{hosts: map[string]*entry{"www.demo.coop": e}}
	f.Fuzz(func(t *testing.T, host string) {
		found := table.lookup(host) != nil
		rest, prefixed := strings.CutPrefix(strings.ToLower(host), "www.demo.coop")
		rest = strings.TrimPrefix(rest, ".")
		digits, hasPort := strings.CutPrefix(rest, ":")
		want := prefixed && (rest == "" || hasPort && strings.Trim(digits, "0123456789") == "")
		if found != want {
			t.Errorf("lookup(%q) found=%v, want %v", host, found, want)
		}
		if bare := bareHost(host); bareHost(bare) != bare && bareHost(bare) != strings.TrimSuffix(bare, ".") {
			t.Errorf("bareHost(%q) = %q is not stable", host, bare)
		}
	})
}
