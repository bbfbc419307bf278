// SPDX-License-Identifier: AGPL-3.0-or-later

package apps_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/control"
	"coopkit/internal/testkit"
)

func TestMessagesPage_byServiceAndLive(t *testing.T) {
	t.Parallel()
	box := wiki(t)
	c := console(t, box.Agent())
	each(t, c, func(lang string) {
		p := c.Get(t, "/apps/dokuwiki/messages?service=app")
		if got := strings.Count(p.Text(t, "pre"), "app |"); got != 3 || p.Value(t, "option[value=app][selected]", "value") != "app" {
			t.Errorf("%s: %d lines: %s", lang, got, p.Text(t, "main"))
		}
	})
	if p := c.Get(t, "/apps/dokuwiki/messages?service=nothing"); p.Status != http.StatusNotFound {
		t.Errorf("an unknown service: %d", p.Status)
	}
	live := c.Get(t, "/apps/dokuwiki/messages").Value(t, "[data-live]", "data-live")
	ctx, leave := context.WithCancel(t.Context())
	rec, done := httptest.NewRecorder(), make(chan struct{})
	go func() {
		defer close(done)
		c.Handler.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "https://console.example"+live, nil).WithContext(ctx))
	}()
	testkit.Eventually(t, 5*time.Second, "somebody follows", func() bool { return box.Following() == 1 })
	leave()
	<-done
	testkit.Eventually(t, 5*time.Second, "nobody follows", func() bool { return box.Following() == 0 })
	if got := rec.Header().Get("Content-Type"); got != "text/event-stream" {
		t.Errorf("live messages come as %s", got)
	}
	if p := c.Get(t, "/apps/nothing/messages/events"); p.Status != http.StatusNotFound {
		t.Errorf("live messages of nothing: %d", p.Status)
	}
}

func TestMessageEvents_sendTheLines(t *testing.T) {
	t.Parallel()
	box := wiki(t).Agent()
	box.Apps = ending{box.Apps}
	c := console(t, box)
	p := c.Get(t, "/apps/dokuwiki/messages/events?service=")
	if !strings.Contains(p.Source, "event: patch\ndata: <pre") || !strings.Contains(p.Source, "GET /about 200") {
		t.Errorf("got %s", p.Source)
	}
}

// ending are apps whose messages end.
type ending struct{ control.Apps }

func (e ending) Logs(ctx context.Context, req appliance.AppLogs, w io.Writer) error {
	req.Follow = false
	return e.Apps.Logs(ctx, req, w)
}

// TestMessagesPage_findsWhatPeopleLookFor: in pages, by text, level and time, and
// as a file, without what the box itself caused.
func TestMessagesPage_findsWhatPeopleLookFor(t *testing.T) {
	t.Parallel()
	box := wiki(t)
	c := console(t, box.Agent())
	at := time.Date(2020, 1, 2, 3, 4, 5, 0, time.Local) // before all that the box said when it started
	for i := range 450 {
		box.Engine.Say("dokuwiki", "app", at.Add(time.Duration(i)*time.Second), fmt.Sprintf("[info] line %d.", i))
	}
	box.Engine.Say("dokuwiki", "app", at.Add(time.Hour), "[error] \x1b[31mÑandú <b>\x1b[0m")
	p := c.Get(t, "/apps/dokuwiki/messages?service=app&until=2020-01-02T23:00:00Z")
	text := p.Text(t, "pre")
	if !strings.Contains(text, "2020-01-02 04:04:05 app | [error] Ñandú <b>") || !strings.Contains(text, "line 449.") || strings.Contains(text, "line 250.") || p.Text(t, "pre .crit") == "" {
		t.Errorf("the newest page: %s", text)
	}
	if len(p.All("[data-live]")) != 0 || !strings.Contains(p.Source, "Newest messages") {
		t.Error("an older page is live, or leads to no newer one")
	}
	older := c.Get(t, p.Value(t, "main p a.btn.sm", "href"))
	if text := older.Text(t, "pre"); !strings.Contains(text, "line 250.") || strings.Contains(text, "line 251.") || !strings.Contains(text, "line 51.") || strings.Contains(text, "line 50.") {
		t.Errorf("the page before: %.300s", text)
	}
	for query, want := range map[string]int{"q=%C3%B1and%C3%BA": 1, "level=error": 1, "q=line+44": 11, "span=15m&q=line": 0, "q=%20": 200} {
		if got := strings.Count(c.Get(t, "/apps/dokuwiki/messages?service=app&"+query).Text(t, "main"), "app |"); got != want {
			t.Errorf("%s finds %d, want %d", query, got, want)
		}
	}
	if text := c.Get(t, "/apps/dokuwiki/messages?q=nowhere").Text(t, ".inset"); !strings.Contains(text, "No messages match") {
		t.Error(text)
	}
	file := c.Get(t, "/apps/dokuwiki/messages/download?service=app&level=error")
	if file.Source != "app | "+at.Add(time.Hour).UTC().Format(time.RFC3339Nano)+" [error] \x1b[31mÑandú <b>\x1b[0m\n" {
		t.Errorf("the file: %q", file.Source)
	}
	if p := c.Get(t, "/apps/dokuwiki/messages/download?service=nothing"); p.Status != http.StatusNotFound {
		t.Errorf("a file of nothing: %d", p.Status)
	}
}

func TestMessagesPage_saysThatOnlyTheBoxCame(t *testing.T) {
	t.Parallel()
	agent := wiki(t).Agent()
	agent.Apps = checked{agent.Apps}
	c := console(t, agent)
	want := map[string]string{"en": "No messages from people yet", "es": "Aún no hay mensajes de personas", "fr": "Pas encore de messages venant de personnes"}
	each(t, c, func(lang string) {
		if text := c.Get(t, "/apps/dokuwiki/messages").Text(t, ".inset"); !strings.Contains(text, want[lang]) {
			t.Errorf("%s: %s", lang, text)
		}
	})
	if to := c.Get(t, "/apps/dokuwiki/messages?q=x").Value(t, "main p.row a", "href"); to != "/apps/dokuwiki/messages?checks=yes&q=x" {
		t.Errorf("the switch leads to %s", to)
	}
	if text := c.Get(t, "/apps/dokuwiki/messages?checks=yes").Text(t, "pre"); !strings.Contains(text, "a check") {
		t.Errorf("with checks: %s", text)
	}
}

// checked are apps that nobody visits but the box.
type checked struct{ control.Apps }

func (checked) Logs(_ context.Context, req appliance.AppLogs, w io.Writer) error {
	if !req.Checks {
		return nil
	}
	_, err := io.WriteString(w, "app | 2026-11-30T12:00:00Z a check\n")
	return err
}
