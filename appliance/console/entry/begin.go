// SPDX-License-Identifier: AGPL-3.0-or-later

package entry

import (
	"cmp"
	"net/http"
	"strconv"

	"coopkit/appliance"
	"coopkit/appliance/say"
	"coopkit/internal/webkit"
	"coopkit/recipes"
)

// mostBegin is how many apps are suggested to begin with.
const mostBegin = 6

// beginPage asks what to begin with, by what it is for.
type beginPage struct {
	setupPage
	Apps  []beginning
	Query string // sent along to the end
}

type beginning struct{ Href, Title, Text string }

func (d *pages) begin(w http.ResponseWriter, r *http.Request) error {
	p := beginPage{setupPage: newSetup(d.UI.NewPage(r, "entry.begin.title"), questions)}
	p.Back = "/setup/name"
	if job := d.job(r); job != 0 {
		p.Query = "?job=" + strconv.FormatInt(int64(job), 10)
	}
	all, err := d.Box.Recipes.List(r.Context())
	if err != nil {
		return err
	}
	answered := map[string]bool{}
	for _, rec := range all {
		if answered[rec.Need] || len(p.Apps) == mostBegin {
			continue
		}
		answered[rec.Need] = true
		p.Apps = append(p.Apps, begins(p.Page, rec))
	}
	resumeAt(w, "") // the home page suggests the same
	return d.UI.Render(w, http.StatusOK, "entry-begin", p)
}

func begins(p *webkit.Page, r *recipes.Recipe) beginning {
	in := func(texts map[string]string) string { return cmp.Or(texts[p.Lang], texts["en"]) }
	return beginning{Href: "/catalogue/" + r.Name + "/add", Title: in(r.Summary), Text: in(r.Title)}
}

// donePage ends the set-up.
type donePage struct {
	setupPage
	Coop  string
	Names []string
	Job   string // title of the job that adds the name
	JobAt string
}

func (d *pages) done(w http.ResponseWriter, r *http.Request) error {
	p := donePage{setupPage: newSetup(d.UI.NewPage(r, "entry.done.title"), questions+1)}
	settings, err := d.Box.Box.Settings(r.Context())
	if err != nil {
		return err
	}
	p.Coop = settings.Coop
	if p.Names, err = d.already(r.Context()); err != nil {
		return err
	}
	if id := d.job(r); id != 0 {
		if job, err := d.Box.Jobs.Job(r.Context(), id); err == nil { // a number that somebody typed changes nothing
			p.Job, p.JobAt = say.Job(p.Locale, job), "/jobs/"+strconv.FormatInt(int64(id), 10)
		}
	}
	return d.UI.Render(w, http.StatusOK, "entry-done", p)
}

// job is the number of the job that adds the name, 0 if there is none.
func (d *pages) job(r *http.Request) appliance.JobID {
	id, err := strconv.ParseInt(r.FormValue("job"), 10, 64)
	if err != nil || id < 1 {
		return 0
	}
	return appliance.JobID(id)
}
