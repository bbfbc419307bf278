// SPDX-License-Identifier: AGPL-3.0-or-later

package apps

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"coopkit/appliance"
	"coopkit/internal/logkey"
	"coopkit/internal/webkit"
)

// keptLines of an app's messages are shown, the last ones.
const keptLines = 200

// messagesEvery spaces the patches of a page with messages; pingEvery keeps
// silent connections.
const (
	messagesEvery = time.Second
	pingEvery     = 15 * time.Second
)

type messagesPage struct {
	*webkit.Page
	App      appliance.App
	Tabs     []tab
	Services []tab
	Live     string
	Log      messageView
	Again    string
}

// messageView is what the template "apps-log" shows.
type messageView struct {
	Label, Empty string
	Lines        []string
}

func (a *pages) messages(w http.ResponseWriter, r *http.Request) error {
	app, _, err := a.install(r)
	if err != nil {
		return err
	}
	service := r.URL.Query().Get("service")
	lines, err := a.tail(r.Context(), string(app.Name), service, keptLines)
	if err != nil {
		return err
	}
	v := messagesPage{Page: a.appPage(r, app, ""), App: app, Again: r.URL.RequestURI()}
	p := v.Page
	v.Heading, v.Title = p.T("apps.messages.title", "name", p.Title), p.T("apps.messages.title", "name", p.Title)
	v.Lead = p.T("apps.messages.lead")
	p.Crumbs[1].Href = "/apps/" + string(app.Name)
	p.Crumbs = append(p.Crumbs, webkit.Link{Text: p.T("apps.tab.messages")})
	v.Tabs = appTabs(p, app, "messages")
	to := "/apps/" + string(app.Name) + "/messages"
	v.Services = []tab{{p.T("apps.messages.all"), to, service == ""}}
	for _, s := range app.Services {
		v.Services = append(v.Services, tab{s.Name, to + "?service=" + url.QueryEscape(s.Name), service == s.Name})
	}
	v.Live = to + "/events?service=" + url.QueryEscape(service)
	v.Log = newMessageView(p, lines)
	return a.UI.Render(w, http.StatusOK, "apps-messages", v)
}

func newMessageView(p *webkit.Page, lines []string) messageView {
	return messageView{Label: p.T("apps.messages.label"), Empty: p.T("apps.messages.none"), Lines: lines}
}

// tail reads the last messages of an app, of all its services or one, newest
// last.
func (a *pages) tail(ctx context.Context, name, service string, n int) ([]string, error) {
	lines := &lineTail{keep: n}
	if err := a.Box.Apps.Logs(ctx, appliance.AppLogs{Name: appliance.InstallName(name), Service: service, Tail: n}, lines); err != nil {
		return nil, err
	}
	return lines.lines(), nil
}

// messageEvents sends the messages anew when there are more, until the reader
// goes or the app has no more to say.
func (a *pages) messageEvents(w http.ResponseWriter, r *http.Request) error {
	app, _, err := a.install(r)
	if err != nil {
		return err
	}
	s, err := webkit.NewStream(w)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(r.Context())
	lines, ended := &lineTail{keep: keptLines}, make(chan error, 1)
	go func() {
		ended <- a.Box.Apps.Logs(ctx, appliance.AppLogs{Name: app.Name, Service: r.URL.Query().Get("service"), Tail: keptLines, Follow: true}, lines)
	}()
	over, err := a.relay(r, s, lines, ended)
	stop()
	if !over {
		err = errors.Join(err, <-ended) // the goroutine ends with this request
	}
	if err != nil && r.Context().Err() == nil {
		a.Log.Warn("messages not followed", slog.String(logkey.Install, string(app.Name)), slog.Any(logkey.Err, err))
	}
	return nil
}

// relay sends what lines has, until the reader goes or the source has ended,
// which it tells.
func (a *pages) relay(r *http.Request, s *webkit.Stream, lines *lineTail, ended <-chan error) (over bool, err error) {
	turn, ping := time.NewTicker(messagesEvery), time.NewTicker(pingEvery)
	defer turn.Stop()
	defer ping.Stop()
	send := func() error {
		if !lines.fresh() {
			return nil
		}
		html, err := a.UI.Fragment("apps-log", newMessageView(a.UI.NewPage(r, "apps.title"), lines.lines()))
		if err != nil {
			return err
		}
		return s.Send("patch", "", html)
	}
	for {
		select {
		case <-turn.C:
			err = send()
		case <-ping.C:
			err = s.Ping()
		case err := <-ended:
			if err == nil {
				err = send()
			}
			return true, err
		case <-r.Context().Done():
			return false, r.Context().Err()
		}
		if err != nil {
			return false, err
		}
	}
}
