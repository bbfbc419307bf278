// SPDX-License-Identifier: AGPL-3.0-or-later

package account_test

import (
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// What somebody types is not lost when the session ends meanwhile.
func TestSignin_givesBackWhatWasTyped(t *testing.T) {
	b := newSite(t).browser()
	status, _, text := b.send(http.MethodPost, "/account/password", "note", `Grüße & "more"`, "password", "secret words of mine")
	if status != http.StatusUnauthorized || !strings.Contains(text, `action="/signin"`) || strings.Contains(text, "secret words") {
		t.Fatalf("the sign-in: %d\n%s", status, text)
	}
	kept := []string{"next", "/account", "kept-path", "/account/password", "kept", url.Values{"note": {`Grüße & "more"`}}.Encode()}
	for i := 2; i < len(kept); i++ {
		if !strings.Contains(text, strings.ReplaceAll(template.HTMLEscapeString(kept[i]), "+", "&#43;")) {
			t.Errorf("the sign-in does not pass on %q", kept[i])
		}
	}
	if status, _, text = b.send(http.MethodPost, "/signin", append(kept, "name", "ana", "password", "wrong")...); status == http.StatusOK || !strings.Contains(text, "kept-path") {
		t.Errorf("lost at the second try: %d", status)
	}
	status, _, text = b.send(http.MethodPost, "/signin", append(kept, "name", "ana", "password", good)...)
	for _, want := range []string{`action="/account/password"`, `name="note" value="Grüße &amp; &#34;more&#34;"`, `href="/account"`} {
		if status != http.StatusOK || !strings.Contains(text, want) {
			t.Errorf("the page after it (%d) lacks %q:\n%s", status, want, text)
		}
	}
}

func TestSignin_leadsNowhereElse(t *testing.T) {
	b := newSite(t).browser()
	status, to, _ := b.send(http.MethodPost, "/signin", "name", "ana", "password", good, "kept-path", "https://elsewhere.example/", "kept", "a=b")
	if status != http.StatusSeeOther || to != "/" {
		t.Errorf("got %d, %q", status, to)
	}
}
