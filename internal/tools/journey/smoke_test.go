// SPDX-License-Identifier: AGPL-3.0-or-later

package journey

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// The helpers of this package are tried on a page of two forms, so that a
// journey that fails is the product's fault.
func TestBrowser_pressesFillsAndReadsInEveryWay(t *testing.T) {
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := r.FormValue("name")
		if name == "" {
			name = "nobody"
		}
		_, err := w.Write([]byte(`<!doctype html><title>x</title><p>Hello ` + name + r.FormValue("agree") + `</p><script>document.body.append("scripts run")</script>
			<a href="/a">Elsewhere</a><form><label for="n">Your name <small>hint</small></label><input id="n" name="name" value="old">
			<input type="checkbox" id="c" name="agree" value=" agrees"><label for="c">I agree</label><button>Say it</button></form>`))
		if err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(site.Close)
	for _, how := range []hands{mouse, keyboard, noScripts} {
		t.Run(string(how), func(t *testing.T) {
			b := newBrowser(t, how)
			b.open(site.URL)
			b.sees("Hello nobody")
			b.fill("Your name", "Amara")
			b.choose("I agree")
			b.press("Say it")
			b.sees("Hello Amara agrees")
			b.press("Elsewhere")
			b.sees("Hello nobody")
			if got := b.says("p"); got != "Hello nobody" {
				t.Errorf("it says %q", got)
			}
			scripts := ask(b, "look for scripts", evaluate(`document.body.innerText.includes("scripts run")`))
			if scripts == (how == noScripts) {
				t.Errorf("scripts run: %v", scripts)
			}
		})
	}
}
