// SPDX-License-Identifier: AGPL-3.0-or-later

package jobs

import (
	"context"
	"net/http"
	"strings"

	"coopkit/appliance"
	"coopkit/appliance/control"
	"coopkit/internal/webkit"
)

type showPage struct {
	view
	Log logView // of a job that has ended
}

func (a *pages) show(w http.ResponseWriter, r *http.Request) error {
	id, err := number(r)
	if err != nil {
		return err
	}
	job, err := a.Box.Jobs.Job(r.Context(), id)
	if err != nil {
		return err
	}
	p := a.UI.NewPage(r, "jobs.title")
	page := showPage{view: newView(p, job, progress{})}
	p.Crumbs = []webkit.Link{{Text: p.T("jobs.title"), Href: "/activity"}, {Text: p.T("jobs.job", "n", int64(id))}}
	if page.Live {
		p.Refresh = 5
		return a.UI.Render(w, http.StatusOK, "jobs-show", page)
	}
	if page.Running {
		p.Refresh = 60 // it waits
	}
	page.finish(appURL(r.Context(), a.Box.Apps, job))
	log := logTail{}
	if err := a.Box.Jobs.Follow(r.Context(), id, 0, func(e appliance.JobEvent) error { log.take(e); return nil }); err != nil {
		return err
	}
	page.Log = logView{p.T("jobs.log"), log.lines}
	return a.UI.Render(w, http.StatusOK, "jobs-show", page)
}

// stop has a job go back, and leads to its page, where that can be watched.
func (a *pages) stop(w http.ResponseWriter, r *http.Request) error {
	id, err := number(r)
	if err != nil {
		return err
	}
	if err := a.Box.Jobs.Stop(r.Context(), id); err != nil {
		return err
	}
	webkit.SetFlash(w, webkit.Flash{Kind: "ok", Text: a.UI.Locale(r).T("jobs.stopping")})
	http.Redirect(w, r, path(id), http.StatusSeeOther)
	return nil
}

// finish makes final what a job waits for.
func (a *pages) finish(w http.ResponseWriter, r *http.Request) error {
	id, err := number(r)
	if err != nil {
		return err
	}
	if err := a.Box.Jobs.Finish(r.Context(), id); err != nil {
		return err
	}
	http.Redirect(w, r, path(id), http.StatusSeeOther)
	return nil
}

// appURL is where the app that a job added answers; nothing for other jobs.
func appURL(ctx context.Context, apps control.Apps, j appliance.Job) string {
	name, ok := strings.CutPrefix(j.Subject, "app:")
	if !ok || j.Kind != appliance.ChangeAdd || j.State != appliance.JobDone {
		return ""
	}
	app, err := apps.Show(ctx, appliance.InstallName(name))
	if err != nil {
		return "" // it was removed since
	}
	return app.URL
}

// keptLines of a job's log are shown, the last ones.
const keptLines = 400

// logView is a log as the template "jobs-log" shows it.
type logView struct {
	Label string
	Lines []string
}

// logTail is the end of a job's log.
type logTail struct{ lines []string }

func (l *logTail) take(e appliance.JobEvent) {
	text := e.Text
	if e.State != "" {
		text = strings.TrimSpace(string(e.State) + " " + text)
	}
	if e.End != "" {
		text = string(e.End)
	}
	if text == "" {
		return
	}
	l.lines = append(l.lines, e.Time.UTC().Format("15:04:05")+"  "+strings.TrimSpace(e.Step+"  "+text))
	if extra := len(l.lines) - keptLines; extra > 0 {
		l.lines = l.lines[extra:]
	}
}
