// SPDX-License-Identifier: AGPL-3.0-or-later

package web

import (
	"crypto/rand"
	"html/template"
	"net/http"
	"sync"
	"time"

	"coopkit/desk"
	"coopkit/internal/problem"
	"coopkit/internal/webkit"
)

// showFor is how long the code of a new invitation can be looked at again. It is
// in the memory of the desk alone, and only for the session that made it.
const showFor = 10 * time.Minute

// shownCode is the code of an invitation that somebody has just made.
type shownCode struct {
	coop    desk.CoopID
	code    string
	ends    time.Time // of the invitation
	session string
	until   time.Time // when it is forgotten here
}

// shownCodes are those that are still shown, by a key that only their page has.
// The zero value is ready; it is safe for concurrent use.
type shownCodes struct {
	mu  sync.Mutex
	all map[string]shownCode
}

func (s *shownCodes) add(r *http.Request, now time.Time, c shownCode) (key string) {
	user, _ := webkit.UserOf(r.Context())
	c.session, c.until, key = user.Session, now.Add(showFor), rand.Text()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forget(now)
	if s.all == nil {
		s.all = map[string]shownCode{}
	}
	s.all[key] = c
	return key
}

func (s *shownCodes) find(r *http.Request, now time.Time, key string) (shownCode, bool) {
	user, _ := webkit.UserOf(r.Context())
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forget(now)
	c, ok := s.all[key]
	return c, ok && c.session == user.Session
}

// forget drops what is over; s.mu is held.
func (s *shownCodes) forget(now time.Time) {
	for key, c := range s.all {
		if !now.Before(c.until) {
			delete(s.all, key)
		}
	}
}

type invitedPage struct {
	*webkit.Page
	Code, Command string
	Ends          template.HTML
}

// invited shows the code of a new invitation; the page can be loaded again
// without making another.
func (d *Web) invited(w http.ResponseWriter, r *http.Request) error {
	c, ok := d.shown.find(r, d.Now(), r.PathValue("key"))
	if !ok {
		return &problem.Problem{
			Code: "invitation-code-gone", Kind: problem.NotFound,
			What: "the code of this invitation is no longer shown",
			Why:  "it is shown for ten minutes, to the person who made it",
			Next: []string{"if nobody wrote it down, withdraw the invitation and make a new one"},
		}
	}
	page := invitedPage{Page: d.ui.NewPage(r, "desk.invited.title", "coop", d.coopName(r.Context(), c.coop)), Code: c.code}
	page.Lead = page.T("desk.invited.lead")
	page.Command, page.Ends = "coopkit support join '"+page.Code+"'", page.Moment(c.ends)
	page.Crumbs = []webkit.Link{{Text: page.T("desk.invitations.title"), Href: "/invitations"}, {Text: page.T("desk.invited.crumb")}}
	return d.ui.Render(w, http.StatusOK, "desk-invited", page)
}
