// SPDX-License-Identifier: AGPL-3.0-or-later

package gateway

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"coopkit/internal/locale"
	"coopkit/internal/locale/localetest"
)

// maxPage is what a page may weigh, in bytes, as it is sent.
const maxPage = 8 << 10

var ourHost = Host{Coop: "Panadería <Común> & Co", Language: "es", Contact: "oficina@comun.coop"}

// shown is a page of a reason as a visitor gets it.
func shown(t *testing.T, p *pages, reason HoldReason, fields ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "https://wiki.demo.coop/x", nil)
	for i := 0; i < len(fields); i += 2 {
		r.Header.Set(fields[i], fields[i+1])
	}
	w := httptest.NewRecorder()
	p.write(w, r, http.StatusServiceUnavailable, reason, "Our <wiki>")
	return w
}

// TestPages_everyReasonInEveryLanguage: whole, small, in the co-op's name, with a
// way to reach a person, and nothing for scripts or from elsewhere.
func TestPages_everyReasonInEveryLanguage(t *testing.T) {
	p, err := newPages()
	if err != nil {
		t.Fatal(err)
	}
	localetest.Complete(t, p.words)
	p.host.Store(&ourHost)
	for _, reason := range pageReasons {
		for _, lang := range locale.Langs() {
			w := shown(t, p, reason, "Accept-Language", lang, "Accept", "text/html")
			body := w.Body.String()
			l := p.words.In(lang)
			for _, want := range []string{
				`<html lang="` + lang + `">`, "Panadería &lt;Común&gt; &amp; Co", `href="mailto:oficina@comun.coop"`, "oficina@comun.coop</a>",
				strings.ReplaceAll(l.T("gateway."+string(reason)+".title", "name", "Our &lt;wiki&gt;"), "'", "&#39;"), l.T("gateway.reach"),
			} {
				if !strings.Contains(body, want) {
					t.Errorf("%s in %s: %q is missing in\n%s", reason, lang, want, body)
				}
			}
			for _, never := range []string{"<script", "gateway.", "Coopkit", "{name}", "url("} {
				if strings.Contains(body, never) {
					t.Errorf("%s in %s has %q", reason, lang, never)
				}
			}
			if len(body) > maxPage {
				t.Errorf("%s in %s is %d bytes", reason, lang, len(body))
			}
			wait, link := again[reason], strings.Contains(body, `<a href="">`+l.T("gateway.again")+"</a>")
			if got := w.Header().Get("Retry-After"); (wait > 0) != (got == strconv.Itoa(wait)) || link != (wait > 0 && wait <= soon) || strings.Contains(body, "http-equiv") {
				t.Errorf("%s looks again after %d: Retry-After %q, link %v", reason, wait, got, link)
			}
			if w.Header().Get("Content-Language") != lang || w.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("%s in %s: %v", reason, lang, w.Header())
			}
		}
	}
	for reason := range holdReasons {
		if again[reason] == 0 {
			t.Errorf("%s has no time to look again", reason)
		}
	}
}

func TestPages_speakTheCoopsLanguageToOthers(t *testing.T) {
	p, err := newPages()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ host, accept, want string }{
		{"", "", "en"}, {"", "de, sv", "en"}, {"es", "de, sv", "es"}, {"es", "", "es"}, {"es", "fr-CA, de", "fr"}, {"fr", "es-MX,es;q=0.9", "es"}, {"tlh", "de", "en"},
	} {
		p.host.Store(&Host{Language: c.host})
		if got := shown(t, p, Starting, "Accept-Language", c.accept).Header().Get("Content-Language"); got != c.want {
			t.Errorf("a box that speaks %q answers %q in %q, want %q", c.host, c.accept, got, c.want)
		}
	}
}

func TestPages_leaveOutWhatNobodySet(t *testing.T) {
	p, err := newPages()
	if err != nil {
		t.Fatal(err)
	}
	body := shown(t, p, Stopped).Body.String()
	if strings.Contains(body, "<header>") || strings.Contains(body, "reach us") || strings.Contains(body, "·") || strings.Contains(body, "mailto") {
		t.Error(body)
	}
}

// TestPages_tellProgramsInTheirForm, RFC 9457, and nothing but the reason.
func TestPages_tellProgramsInTheirForm(t *testing.T) {
	p, err := newPages()
	if err != nil {
		t.Fatal(err)
	}
	p.host.Store(&ourHost)
	for accept, kind := range map[string]string{
		"application/json": "application/problem+json", "application/problem+json": "application/problem+json",
		"application/json, text/plain, */*": "application/problem+json", "text/plain": "text/plain; charset=utf-8", "image/png": "text/plain; charset=utf-8",
		"": "text/html; charset=utf-8", "*/*": "text/html; charset=utf-8", "text/html,application/json": "text/html; charset=utf-8",
	} {
		w := shown(t, p, Starting, "Accept", accept, "Accept-Language", "en")
		if got := w.Header().Get("Content-Type"); got != kind {
			t.Errorf("%q gets %q, want %q", accept, got, kind)
		}
		if kind != "application/problem+json" {
			continue
		}
		var got map[string]any
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || len(got) != 4 || got["type"] != "about:blank" || got["status"] != 503.0 ||
			got["title"] != "Service Unavailable" || got["detail"] != "Our <wiki> is starting." {
			t.Errorf("%v %v", got, err)
		}
	}
}

// TestPageStyle_hasTheColoursOfTheConsole, whose style sheet is too large to be
// sent with a page of one sentence.
func TestPageStyle_hasTheColoursOfTheConsole(t *testing.T) {
	console, err := os.ReadFile("../../internal/webkit/static/style.css")
	if err != nil {
		t.Fatal(err)
	}
	squeeze := regexp.MustCompile(`\s*([:;{},])\s*`)
	sheet := squeeze.ReplaceAllString(string(console), "$1")
	for _, token := range regexp.MustCompile(`--[a-z0-9-]+:[^;}]+`).FindAllString(pageCSS, -1) {
		if !strings.Contains(sheet, token+";") && !strings.Contains(sheet, token+"}") {
			t.Errorf("the console has no %s", token)
		}
	}
}

func TestHold_overTheWire(t *testing.T) {
	d := open(t, local(t),
		Route{Host: "up.demo.coop", Kind: Held, Hold: Starting, Title: "Our <wiki>"},
		Route{Host: "off.demo.coop", Kind: Held, Hold: Stopped})
	if a := d.get("https://up.demo.coop/x"); a.StatusCode != 503 || a.Header.Get("Retry-After") != "10" || !strings.Contains(a.body, "Our &lt;wiki&gt; is starting") {
		t.Errorf("%d %v\n%s", a.StatusCode, a.Header, a.body)
	}
	if a := d.get("https://off.demo.coop/", "Accept", "application/json"); a.StatusCode != 503 || !strings.Contains(a.body, "off.demo.coop is closed") {
		t.Errorf("program: %v %s", a.Header, a.body)
	}
	d.SetHost(ourHost)
	if a := d.get("https://off.demo.coop/", "Accept-Language", "fr"); !strings.Contains(a.body, "Panadería") || !strings.Contains(a.body, "nous joindre") {
		t.Errorf("in the co-op's name: %s", a.body)
	}
}

// TestRedirect_inACircleShowsAPage, is reported, and follows again as soon as it
// leads somewhere.
func TestRedirect_inACircleShowsAPage(t *testing.T) {
	cfg := local(t)
	cfg.PublicHTTPSPort = 8443
	self := Route{Host: "self.demo.coop", Kind: Redirect, To: "https://self.demo.coop:8443/start"}
	plain := Route{Host: "plain.demo.coop", Kind: Redirect, To: "http://plain.demo.coop"}
	one, two := Route{Host: "one.demo.coop", Kind: Redirect, To: "https://TWO.demo.coop:8443"}, Route{Host: "two.demo.coop", Kind: Redirect, To: "https://one.demo.coop:8443"}
	into := Route{Host: "into.demo.coop", Kind: Redirect, To: "https://one.demo.coop:8443"}
	other := Route{Host: "other.demo.coop", Kind: Redirect, To: "https://other.demo.coop:9443"} // another server
	out := Route{Host: "out.demo.coop", Kind: Redirect, To: "https://held.demo.coop:8443"}
	held := Route{Host: "held.demo.coop", Kind: Held, Hold: Stopped}
	d := open(t, cfg)
	bad := d.SetRoutes([]Route{self, plain, one, two, into, other, out, held})
	if len(bad) != 5 {
		t.Errorf("reported: %v", bad)
	}
	for _, r := range []Route{self, plain, one, two, into, other, out, held} {
		if err := d.WaitCertificate(t.Context(), r.Host); err != nil {
			t.Fatal(err)
		}
	}
	for host, want := range map[string]int{"self": 503, "plain": 503, "one": 503, "two": 503, "into": 503, "other": 308, "out": 308} {
		if a := d.get("https://" + host + ".demo.coop/"); a.StatusCode != want || want == 503 && !strings.Contains(a.body, "leads nowhere") {
			t.Errorf("%s answers %d, want %d", host, a.StatusCode, want)
		}
	}
	two.Kind, two.Hold = Held, Stopped
	if bad := d.SetRoutes([]Route{one, two, into}); len(bad) != 0 {
		t.Errorf("the circle is open, and %v", bad)
	}
	if a := d.get("https://into.demo.coop/"); a.StatusCode != 308 {
		t.Errorf("after that it answers %d", a.StatusCode)
	}
}
