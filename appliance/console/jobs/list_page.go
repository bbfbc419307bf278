// SPDX-License-Identifier: AGPL-3.0-or-later

package jobs

import (
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
	Jobs     []listed
	Filters  []filter
	Filtered bool // not all jobs are shown
	Empty    *webkit.Empty
	Pager    webkit.Pager
}

// listed is one job of the list.
type listed struct {
	Href, Text, By string
	State          webkit.Pill
	Created        time.Time
	Took           string
}

func (a *pages) list(w http.ResponseWriter, r *http.Request) error {
	n := 1
	if asked, err := strconv.Atoi(r.URL.Query().Get("page")); err == nil {
		n = min(max(asked, 1), maxPage)
	}
	every, err := a.Box.Jobs.List(r.Context(), 0)
	if err != nil {
		return err
	}
	p := listPage{Page: a.UI.NewPage(r, "jobs.title")}
	running := 0
	for _, j := range every {
		if j.State == appliance.JobRunning {
			running++
		}
	}
	p.Lead = p.T("jobs.lead.quiet")
	if running > 0 {
		p.Lead, p.Refresh = p.T("jobs.lead.running", "count", running), 5
	}
	asked := askedFor(r.URL.Query())
	all := asked.of(every)
	p.Filters, p.Filtered = asked.filters(p.Page, every), asked != ask{}
	for _, j := range all[min((n-1)*perPage, len(all)):min(n*perPage, len(all))] {
		p.Jobs = append(p.Jobs, listed{
			Href: path(j.ID), Text: say.Job(p.Locale, j), By: say.By(p.Locale, j.By), State: area.JobPill(p.Page, j.State), Created: j.Created, Took: took(p.Page, j),
		})
	}
	switch {
	case len(every) == 0:
		p.Lead = ""
		p.Empty = &webkit.Empty{
			Icon: "list", Title: p.T("jobs.empty"), Text: p.T("jobs.empty.text"),
			Actions: []webkit.Action{{Text: p.T("jobs.empty.action"), Href: "/catalogue", Kind: "go"}},
		}
	case len(all) == 0:
		p.Empty = &webkit.Empty{
			Icon: "search", Title: p.T("jobs.filter.none"), Text: p.T("jobs.filter.none.text"),
			Actions: []webkit.Action{{Text: p.T("jobs.filter.all"), Href: "/activity", Kind: "go"}},
		}
	}
	p.Pager = pager(p.Page, n, len(all) > n*perPage, asked)
	return a.UI.Render(w, http.StatusOK, "jobs-list", p)
}

func pager(p *webkit.Page, n int, more bool, asked ask) webkit.Pager {
	g := webkit.Pager{
		Label: p.T("jobs.pages"), Text: p.T("jobs.page", "n", n), PreviousWord: p.T("jobs.newer"), NextWord: p.T("jobs.older"),
	}
	if n > 1 {
		g.Previous = asked.page(n - 1)
	}
	if more && n < maxPage {
		g.Next = asked.page(n + 1)
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
