// SPDX-License-Identifier: AGPL-3.0-or-later

package apps_test

import (
	"context"
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
		if got := strings.Count(p.Text(t, "pre"), "app |"); got != 3 || p.Text(t, ".chips [aria-current]") != "app" {
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
