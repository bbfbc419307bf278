// SPDX-License-Identifier: AGPL-3.0-or-later

package web

import (
	"errors"
	"html/template"
	"net/http"
	"strconv"
	"time"

	"coopkit/desk"
	"coopkit/desk/store"
	"coopkit/internal/problem"
	"coopkit/internal/webkit"
)

type invitationsPage struct {
	*webkit.Page
	Rows             []invitationRow
	May              bool
	Coop, Caretaker  webkit.Field
	Valid, Confirmed webkit.Field
	Coordinates      bool
	NoCoops          webkit.Empty
	Pager            webkit.Pager
}

type invitationRow struct {
	ID, Coop, Caretaker, By string
	State                   webkit.Pill
	Made, Ends              template.HTML
	Box                     string
	Open                    bool
	Withdraw                string // what the button says to who does not see the row
}

func (d *Web) newInvitationsPage(r *http.Request, a asks) (invitationsPage, error) {
	page := invitationsPage{Page: d.ui.NewPage(r, "desk.invitations.title"), May: a.acts(), Coordinates: a.who.Role == desk.Coordinator}
	page.Lead = page.T("desk.invitations.lead")
	coops, err := a.Coops(r.Context())
	if err != nil {
		return page, err
	}
	page.NoCoops = webkit.Empty{Icon: "people", Title: page.T("desk.invitations.nocoop"), Text: page.T("desk.invitations.nocoop.text")}
	if page.Coordinates {
		page.NoCoops.Actions = []webkit.Action{{Text: page.T("desk.coops.add"), Href: "/coops", Kind: "go"}}
	}
	page.Coop = webkit.Field{Name: "coop", Label: page.T("desk.invitations.coop"), Kind: "select", Value: r.FormValue("coop")}
	page.Caretaker = webkit.Field{Name: "caretaker", Label: page.T("desk.invitations.caretaker"), Hint: page.T("desk.invitations.caretaker.hint"), Kind: "select", Value: r.FormValue("caretaker")}
	page.Caretaker.Options = []webkit.Pair{{Name: page.T("desk.nobody")}}
	names := map[desk.CoopID]string{}
	for _, c := range coops {
		names[c.ID] = c.Name
		page.Coop.Options = append(page.Coop.Options, webkit.Pair{Name: c.Name, Value: string(c.ID)})
		if c.ITCoop && (page.Coordinates || c.ID == a.who.Coop) {
			page.Caretaker.Options = append(page.Caretaker.Options, webkit.Pair{Name: c.Name, Value: string(c.ID)})
			if c.ID == a.who.Coop && r.Method == http.MethodGet {
				page.Caretaker.Value = string(c.ID)
			}
		}
	}
	page.Valid = webkit.Field{Name: "valid", Label: page.T("desk.invitations.valid"), Hint: page.T("desk.invitations.valid.hint"), Kind: "select", Value: r.FormValue("valid")}
	for _, hours := range []int{1, 4, 24} {
		page.Valid.Options = append(page.Valid.Options, webkit.Pair{Name: page.Span(time.Duration(hours) * time.Hour), Value: strconv.Itoa(hours)})
	}
	page.Confirmed = webkit.Field{Name: "confirmed", Label: page.T("desk.invitations.confirmed"), Hint: page.T("desk.invitations.confirmed.hint"), Value: r.FormValue("confirmed")}
	if !page.May {
		return page, nil
	}
	q := r.URL.Query()
	number, _ := strconv.Atoi(q.Get("page")) // nothing, or nonsense: the first
	made, err := a.Invitations(r.Context(), number)
	for _, i := range made.Rows {
		page.Rows = append(page.Rows, page.row(i, names))
	}
	page.Pager = pager(page.Page, page.T("desk.invitations.pages"), "/invitations", q, made.Page, made.Pages)
	return page, err
}

func (p invitationsPage) row(i desk.Invitation, names map[desk.CoopID]string) invitationRow {
	name := func(id desk.CoopID) string {
		if n := names[id]; n != "" || id == "" {
			return n
		}
		return string(id)
	}
	row := invitationRow{
		ID: i.ID, Coop: name(i.Coop), Caretaker: name(i.Caretaker), By: person(p.Page, i.By), Made: p.Ago(i.Created), Ends: p.Moment(i.Expires), Box: string(i.Box),
		Withdraw: p.T("desk.invitations.withdraw.of", "coop", name(i.Coop)),
	}
	switch {
	case !i.Used.IsZero():
		row.State = webkit.Pill{Kind: "ok", Icon: "okc", Text: p.T("desk.invitations.used")}
	case p.Now.After(i.Expires):
		row.State = webkit.Pill{Icon: "clock", Text: p.T("desk.invitations.expired")}
	default:
		row.State, row.Open = webkit.Pill{Kind: "note", Icon: "mail", Text: p.T("desk.invitations.open")}, true
	}
	return row
}

func (d *Web) invitationsShow(w http.ResponseWriter, r *http.Request) error {
	a, err := d.as(r)
	if err != nil {
		return err
	}
	page, err := d.newInvitationsPage(r, a)
	if err != nil {
		return err
	}
	return d.ui.Render(w, http.StatusOK, "desk-invitations", page)
}

// invite makes an invitation and leads to the page that shows its code.
func (d *Web) invite(w http.ResponseWriter, r *http.Request) error {
	a, err := d.as(r)
	if err != nil {
		return err
	}
	code, err := d.Invitation()
	if err != nil {
		return err
	}
	hours, _ := strconv.Atoi(r.PostFormValue("valid")) // nothing, or nonsense: the usual time
	made, err := a.Invite(r.Context(), code, store.Invite{
		Coop: desk.CoopID(r.PostFormValue("coop")), Caretaker: desk.CoopID(r.PostFormValue("caretaker")),
		Valid:     time.Duration(min(max(hours, 0), 1000)) * time.Hour,
		Confirmed: r.PostFormValue("confirmed") == "yes",
	})
	if err != nil {
		return d.inviteAgain(w, r, a, err)
	}
	key := d.shown.add(r, d.Now(), shownCode{coop: made.Coop, code: code.String(), ends: made.Expires})
	return d.ui.Redirect(w, r, "/invitations/made/"+key)
}

func (d *Web) inviteAgain(w http.ResponseWriter, r *http.Request, a asks, cause error) error {
	page, err := d.newInvitationsPage(r, a)
	if err != nil {
		return err
	}
	err = mistake(page.Page, cause, map[string]string{"coop-unknown": "coop", "caretaker-unknown": "caretaker", "invitation-too-long": "valid"})
	if err != nil {
		return err
	}
	for _, f := range []*webkit.Field{&page.Coop, &page.Caretaker, &page.Valid} {
		f.Error = page.Error(f.Name)
	}
	return d.ui.Render(w, http.StatusUnprocessableEntity, "desk-invitations", page)
}

func (d *Web) withdraw(w http.ResponseWriter, r *http.Request) error {
	a, err := d.as(r)
	if err != nil {
		return err
	}
	if err := a.Withdraw(r.Context(), r.PathValue("id")); err != nil {
		return err
	}
	webkit.SetFlash(w, webkit.Flash{Text: d.ui.Locale(r).T("desk.invitations.withdrawn")})
	return d.ui.Redirect(w, r, "/invitations")
}

func problemOf(err error) (*problem.Problem, bool) { return errors.AsType[*problem.Problem](err) }
