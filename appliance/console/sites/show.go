// SPDX-License-Identifier: AGPL-3.0-or-later

package sites

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"coopkit/appliance"
	"coopkit/internal/webkit"
)

// backLimit is how long the page waits for going back to end, which is quick;
// after it the job's own page says how it goes.
const backLimit = 5 * time.Second

type showPage struct {
	*webkit.Page
	Host, Size     string
	Now            appliance.Site
	Versions       []kept
	Actions, Risky []webkit.Action
}

// kept is a version that visitors do not see now.
type kept struct {
	appliance.Site
	Size string
	Back webkit.Action
}

func (s *site) show(w http.ResponseWriter, r *http.Request) error {
	now, all, err := s.versions(r)
	if err != nil {
		return err
	}
	host := string(now.Host)
	p := s.UI.NewPage(r, "sites.show.title", "host", host)
	p.Heading = host
	p.Lead = p.T("sites.show.lead", "n", now.Version, "when", p.Locale.Ago(now.Created, p.Now))
	p.Crumbs = crumbs(p, webkit.Link{Text: host})
	v := showPage{Page: p, Host: host, Size: size(p, now.Files, now.Bytes), Now: now}
	v.Actions = []webkit.Action{
		{Text: p.T("sites.open", "host", host), Href: now.URL, Kind: "go", Icon: "out", Outside: true},
		{Text: p.T("sites.show.new"), Href: "/sites/new?address=" + host},
		{Text: p.T("sites.show.name"), Href: "/names/" + host, Icon: "tag"},
		{Text: p.T("sites.show.copy"), Href: sitePath(host, "copy"), Kind: "quiet", Icon: "down"},
	}
	v.Risky = []webkit.Action{{Text: p.T("sites.show.remove"), Href: sitePath(host, "remove"), Kind: "risk"}}
	for _, old := range all {
		if old.Published {
			continue
		}
		v.Versions = append(v.Versions, kept{Site: old, Size: size(p, old.Files, old.Bytes), Back: webkit.Action{
			Text: backWord(p, now.Version, old.Version), Href: backPath(host, old.Version), Kind: "sm", Post: true,
		}})
	}
	return s.UI.Render(w, http.StatusOK, "sites-show", v)
}

// copy sends what is published as a zip.
func (s *site) copy(w http.ResponseWriter, r *http.Request) error {
	now, _, err := s.versions(r)
	if err != nil {
		return err
	}
	host := string(now.Host)
	return webkit.Download(w, host+".zip", "application/zip", func(to io.Writer) error { return s.Box.Sites.Export(r.Context(), host, to) })
}

func backPath(host string, n int) string { return sitePath(host, "versions", strconv.Itoa(n), "back") }

// backWord is the word for changing from a version to another: back or forward.
func backWord(p *webkit.Page, from, to int) string {
	if to > from {
		return p.T("sites.forward", "n", to)
	}
	return p.T("sites.back", "n", to)
}

// back publishes another version that is kept. It can be undone the same way,
// so nothing is asked first.
func (s *site) back(w http.ResponseWriter, r *http.Request) error {
	n, err := strconv.Atoi(r.PathValue("n"))
	if err != nil || n < 1 {
		n = -1 // no version has this number; the agent says so
	}
	now, _, err := s.versions(r)
	if err != nil {
		return err
	}
	job, err := s.Box.Sites.Rollback(r.Context(), appliance.RollbackSite{Host: string(now.Host), Version: n})
	if err != nil {
		return err
	}
	ended, err := s.await(r.Context(), job.ID)
	if err != nil {
		return err
	}
	if ended != appliance.JobDone {
		return s.UI.Redirect(w, r, fmt.Sprintf("/jobs/%d", job.ID))
	}
	p := s.UI.NewPage(r, "sites.title")
	webkit.SetFlash(w, webkit.Flash{
		Text: p.T("sites.went", "n", n), Undo: backPath(string(now.Host), now.Version), Word: backWord(p, n, now.Version),
	})
	return s.UI.Redirect(w, r, sitePath(string(now.Host)))
}

// await waits a while for a job and returns how it ended; running if it has
// not.
func (s *site) await(ctx context.Context, id appliance.JobID) (appliance.JobState, error) {
	limited, cancel := context.WithTimeout(ctx, backLimit)
	defer cancel()
	state := appliance.JobRunning
	err := s.Box.Jobs.Follow(limited, id, 0, func(e appliance.JobEvent) error {
		if e.End != "" {
			state = e.End
		}
		return nil
	})
	if err != nil && errors.Is(limited.Err(), context.DeadlineExceeded) && ctx.Err() == nil {
		return state, nil
	}
	return state, err
}
