// SPDX-License-Identifier: AGPL-3.0-or-later

package apps

import (
	"context"
	"io"
	"net/http"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/logline"
	"coopkit/internal/webkit"
)

// keptLines of an app's messages are on one page.
const keptLines = 200

type messagesPage struct {
	*webkit.Page
	App      appliance.App
	Tabs     []tab
	Action   string
	Fields   []webkit.Field
	Checks   bool   // the box's own are shown
	Switch   string // shows or hides them
	Live     string // empty: an older page, which does not change
	Log      messageView
	Again    string
	Older    string
	Newest   string
	Download string
}

// messageView is what the template "apps-log" shows.
type messageView struct {
	Label, Empty string
	Lines        []messageLine
}

// messageLine is one line with the class of its level.
type messageLine struct{ At, Text, Class string }

// classes are how levels look; the text says the level too.
var classes = map[logline.Level]string{logline.Error: "crit", logline.Warning: "warn"}

func (a *pages) messages(w http.ResponseWriter, r *http.Request) error {
	app, _, err := a.install(r)
	if err != nil {
		return err
	}
	q := readQuery(r)
	lines, err := a.tail(r.Context(), q.request(app.Name, keptLines, a.Now()))
	if err != nil {
		return err
	}
	v := messagesPage{Page: a.appPage(r, app, ""), App: app, Again: r.URL.RequestURI(), Checks: q.Checks}
	p := v.Page
	v.Heading, v.Title = p.T("apps.messages.title", "name", p.Title), p.T("apps.messages.title", "name", p.Title)
	v.Lead = p.T("apps.messages.lead")
	p.Crumbs[1].Href = "/apps/" + string(app.Name)
	p.Crumbs = append(p.Crumbs, webkit.Link{Text: p.T("apps.tab.messages")})
	v.Tabs = appTabs(p, app, "messages")
	v.Action, v.Fields = messageQuery{}.path(app.Name, ""), q.fields(p, app)
	v.Log = newMessageView(p, lines)
	if v.Log.Empty, err = a.whyEmpty(r.Context(), p, app.Name, q, len(lines)); err != nil {
		return err
	}
	other := q
	other.Checks = !q.Checks
	v.Switch = other.path(app.Name, "")
	newest := q
	newest.Until = ""
	v.Download = newest.path(app.Name, "/download")
	if q.Until == "" {
		v.Live = q.path(app.Name, "/events")
	} else {
		v.Newest = newest.path(app.Name, "")
	}
	if len(lines) == keptLines {
		older := q
		older.Until = lines[0].At.UTC().Format(time.RFC3339Nano)
		v.Older = older.path(app.Name, "")
	}
	return a.UI.Render(w, http.StatusOK, "apps-messages", v)
}

// whyEmpty says why there are no messages: nothing was written, nothing but the
// box's own checks, or nothing like that.
func (a *pages) whyEmpty(ctx context.Context, p *webkit.Page, app appliance.InstallName, q messageQuery, n int) (string, error) {
	switch {
	case n > 0:
		return "", nil
	case q.narrow():
		return p.T("apps.messages.nothing"), nil
	case q.Checks:
		return p.T("apps.messages.none"), nil
	}
	q.Checks = true
	checks, err := a.tail(ctx, q.request(app, 1, a.Now()))
	if err != nil || len(checks) == 0 {
		return p.T("apps.messages.none"), err
	}
	return p.T("apps.messages.nobody"), nil
}

func newMessageView(p *webkit.Page, lines []logline.Line) messageView {
	v := messageView{Label: p.T("apps.messages.label"), Empty: p.T("apps.messages.nobody"), Lines: make([]messageLine, len(lines))}
	for i, l := range lines {
		v.Lines[i] = messageLine{l.At.Local().Format(time.DateTime), l.String(), classes[logline.LevelOf(l.Text)]}
	}
	return v
}

// tail reads the last messages of an app, newest last.
func (a *pages) tail(ctx context.Context, req appliance.AppLogs) ([]logline.Line, error) {
	lines := &lineTail{keep: req.Tail}
	if err := a.Box.Apps.Logs(ctx, req, lines); err != nil {
		return nil, err
	}
	return lines.lines(), nil
}

// maxDownload is how much of an app's messages is sent as one file. Engines keep
// less than that of a service (30 MiB).
const maxDownload = 128 << 20

// downloadMessages sends the messages that the page shows, and all before them,
// as a file of text.
func (a *pages) downloadMessages(w http.ResponseWriter, r *http.Request) error {
	app, _, err := a.install(r)
	if err != nil {
		return err
	}
	now := a.Now()
	name := string(app.Name) + "-" + now.Local().Format("2006-01-02-150405") + ".txt"
	return webkit.Download(w, name, "text/plain; charset=utf-8", func(to io.Writer) error {
		return a.Box.Apps.Logs(r.Context(), readQuery(r).request(app.Name, 0, now), &bounded{w: to, left: maxDownload})
	})
}

// bounded lets so many bytes through and drops the rest.
type bounded struct {
	w    io.Writer
	left int
}

// Write reports what it drops as written.
func (b *bounded) Write(p []byte) (int, error) {
	n := min(len(p), b.left)
	b.left -= n
	if n == 0 {
		return len(p), nil
	}
	if _, err := b.w.Write(p[:n]); err != nil {
		return 0, err
	}
	return len(p), nil
}
