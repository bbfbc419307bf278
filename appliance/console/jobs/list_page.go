// SPDX-License-Identifier: AGPL-3.0-or-later

package jobs

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/console/area"
	"coopkit/appliance/say"
	"coopkit/internal/webkit"
)

// perPage jobs are on a page, and there are not more than maxPage of them.
const (
	perPage = 25
	maxPage = 40
)

type listPage struct {
	*webkit.Page
	Jobs  []listed
	Empty *webkit.Empty
	Pager webkit.Pager
}

// listed is one job of the list.
type listed struct {
	Href, Text string
	State      webkit.Pill
	Created    time.Time
	Took       string
}

func (a *pages) list(w http.ResponseWriter, r *http.Request) error {
	n := 1
	if asked, err := strconv.Atoi(r.URL.Query().Get("page")); err == nil {
		n = min(max(asked, 1), maxPage)
	}
	all, err := a.Box.Jobs.List(r.Context(), n*perPage+1)
	if err != nil {
		return err
	}
	p := listPage{Page: a.UI.NewPage(r, "jobs.title")}
	running := 0
	for _, j := range all {
		if j.State == appliance.JobRunning {
			running++
		}
	}
	p.Lead = p.T("jobs.lead.quiet")
	if running > 0 {
		p.Lead, p.Refresh = p.T("jobs.lead.running", "count", running), 5
	}
	for _, j := range all[min((n-1)*perPage, len(all)):min(n*perPage, len(all))] {
		p.Jobs = append(p.Jobs, listed{
			Href: path(j.ID), Text: say.Job(p.Locale, j), State: area.JobPill(p.Page, j.State), Created: j.Created, Took: took(p.Page, j),
		})
	}
	if len(all) == 0 {
		p.Lead = ""
		p.Empty = &webkit.Empty{
			Icon: "list", Title: p.T("jobs.empty"), Text: p.T("jobs.empty.text"),
			Actions: []webkit.Action{{Text: p.T("jobs.empty.action"), Href: "/catalogue", Kind: "go"}},
		}
	}
	p.Pager = pager(p.Page, n, len(all) > n*perPage)
	return a.UI.Render(w, http.StatusOK, "jobs-list", p)
}

func pager(p *webkit.Page, n int, more bool) webkit.Pager {
	g := webkit.Pager{
		Label: p.T("jobs.pages"), Text: p.T("jobs.page", "n", n), PreviousWord: p.T("jobs.newer"), NextWord: p.T("jobs.older"),
	}
	if n > 1 {
		g.Previous = fmt.Sprintf("/activity?page=%d", n-1)
	}
	if more && n < maxPage {
		g.Next = fmt.Sprintf("/activity?page=%d", n+1)
	}
	return g
}

// took is how long a job ran, or has been running.
func took(p *webkit.Page, j appliance.Job) string {
	end := j.Finished
	if end.IsZero() {
		end = p.Now
	}
	return p.Span(max(end.Sub(j.Created), 0))
}
