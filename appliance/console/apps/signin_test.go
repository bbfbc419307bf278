// SPDX-License-Identifier: AGPL-3.0-or-later

package apps_test

import (
	"net/http"
	"strings"
	"testing"

	"coopkit/appliance"
	"coopkit/internal/problem"
)

// confirm knows one password, and one that was tried too often.
func confirm(_ *http.Request, password string) error {
	switch password {
	case "right":
		return nil
	case "often":
		return &problem.Problem{Code: "signin-locked"}
	default:
		return &problem.Problem{Code: "signin-wrong"}
	}
}

func TestSignin_isShownOnce(t *testing.T) {
	t.Parallel()
	box := wiki(t)
	c := console(t, box.Agent())
	first, err := box.Agent().Apps.Signin(t.Context(), "dokuwiki")
	if err != nil || first.Password == "" {
		t.Fatal(first, err)
	}
	if p := c.Get(t, "/apps/dokuwiki"); strings.Contains(p.Source, first.Password) || p.Value(t, "#signin form", "action") != "/apps/dokuwiki/signin" {
		t.Error("it is shown before anybody asked, or cannot be asked for")
	}
	p := c.Post(t, "/apps/dokuwiki/signin")
	if p.Status != http.StatusOK || p.Text(t, "#signin-user") != "admin" || p.Text(t, "#signin-password") != first.Password {
		t.Fatalf("%d: %s", p.Status, p.Source)
	}
	if p.Header.Get("Cache-Control") != "no-store" {
		t.Error("a browser may keep the page")
	}
	if p := c.Post(t, "/apps/dokuwiki/signin"); p.Status != http.StatusSeeOther || p.To != "/apps/dokuwiki#signin" {
		t.Errorf("the second time: %d %s", p.Status, p.To)
	}
	for _, own := range []string{"", "guess", "often"} {
		p := c.Post(t, "/apps/dokuwiki/signin", "own-password", own)
		if p.Status != http.StatusSeeOther || p.To != "/apps/dokuwiki#signin" || strings.Contains(p.Source, first.Password) {
			t.Errorf("with %q: %d %s", own, p.Status, p.Source)
		}
		if !strings.Contains(p.Header.Get("Set-Cookie"), "flash") {
			t.Errorf("with %q it says nothing: %v", own, p.Header)
		}
	}
	if p := c.Post(t, "/apps/dokuwiki/signin", "own-password", "right"); p.Status != http.StatusOK || p.Text(t, "#signin-password") != first.Password {
		t.Errorf("with the right password: %d", p.Status)
	}
	all, err := box.Agent().Jobs.List(t.Context(), 1)
	if err != nil || all[0].Kind != appliance.ChangeShowSignin || all[0].Subject != "app:dokuwiki" {
		t.Errorf("the activity has %+v, %v", all, err)
	}
	each(t, c, func(lang string) {
		p := c.Get(t, "/apps/dokuwiki")
		if len(p.All("#signin input[type=password]")) != 1 {
			t.Errorf("%s: %s", lang, p.Text(t, "#signin"))
		}
	})
}
