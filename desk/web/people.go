// SPDX-License-Identifier: AGPL-3.0-or-later

package web

import (
	"html/template"
	"net/http"
	"time"

	"coopkit/desk"
	"coopkit/desk/store"
	"coopkit/internal/signin"
	"coopkit/internal/webkit"
	"coopkit/internal/webkit/account"
)

// tokenFor is how long a token for a person is good.
const tokenFor = 24 * time.Hour

type peoplePage struct {
	*webkit.Page
	People        []personRow
	Manages       bool
	Name, Display webkit.Field
	Coop, Role    webkit.Field
}

type personRow struct {
	store.Person
	CoopName, RoleName string
	State              webkit.Pill
	Self               bool
	Since              template.HTML
	TokenOf, CloseOf   string // what the buttons say to who does not see the row
}

var roles = []desk.Role{desk.Technician, desk.Member, desk.Coordinator}

func (d *Web) newPeoplePage(r *http.Request, a asks) (peoplePage, error) {
	page := peoplePage{Page: d.ui.NewPage(r, "desk.people.title"), Manages: a.MayManage() == nil}
	names := map[desk.CoopID]string{}
	page.Coop = webkit.Field{Name: "coop", Label: page.T("desk.coop"), Hint: page.T("desk.people.coop.hint"), Kind: "select", Value: r.PostFormValue("coop"), Options: []webkit.Pair{{Name: page.T("desk.people.nocoop")}}}
	coops, err := a.Coops(r.Context())
	if err != nil {
		return page, err
	}
	for _, c := range coops {
		names[c.ID] = c.Name
		page.Coop.Options = append(page.Coop.Options, webkit.Pair{Name: c.Name, Value: string(c.ID)})
	}
	page.Name = webkit.Field{Name: "name", Label: page.T("desk.people.name"), Hint: page.T("desk.people.name.hint"), Value: r.PostFormValue("name"), Autocomplete: "off", Plain: true}
	page.Display = webkit.Field{Name: "display", Label: page.T("desk.people.display"), Hint: page.T("desk.people.display.hint"), Value: r.PostFormValue("display"), Autocomplete: "off"}
	page.Role = webkit.Field{Name: "role", Label: page.T("desk.person.role"), Hint: page.T("desk.people.role.hint"), Kind: "select", Value: r.PostFormValue("role")}
	for _, each := range roles {
		page.Role.Options = append(page.Role.Options, webkit.Pair{Name: role(page.Page, each), Value: string(each)})
	}
	if r.Method == http.MethodGet {
		page.Role.Value, page.Coop.Value = string(desk.Technician), string(usualCoop(a, coops))
	}
	people, err := a.People(r.Context())
	page.Lead = page.T("desk.people.lead", "count", len(people))
	for _, p := range people {
		row := personRow{
			Person: p, CoopName: names[p.Coop], RoleName: role(page.Page, p.Role), Self: p.ID == page.User.ID, Since: page.Day(p.Created),
			State:   webkit.Pill{Kind: "ok", Icon: "okc", Text: page.T("desk.people.open")},
			TokenOf: page.T("desk.people.token.of", "name", p.Display), CloseOf: page.T("desk.people.close.of", "name", p.Display),
		}
		if p.Disabled {
			row.State, row.CloseOf = webkit.Pill{Icon: "minus", Text: page.T("desk.people.closed")}, page.T("desk.people.reopen.of", "name", p.Display)
		}
		page.People = append(page.People, row)
	}
	return page, err
}

// usualCoop is the co-op that a new technician most likely belongs to: that of
// whoever adds them, else the first IT co-op.
func usualCoop(a asks, coops []desk.Coop) desk.CoopID {
	if a.who.Coop != "" {
		return a.who.Coop
	}
	for _, c := range coops {
		if c.ITCoop {
			return c.ID
		}
	}
	return ""
}

func (d *Web) peopleShow(w http.ResponseWriter, r *http.Request) error {
	a, err := d.as(r)
	if err != nil {
		return err
	}
	page, err := d.newPeoplePage(r, a)
	if err != nil {
		return err
	}
	return d.ui.Render(w, http.StatusOK, "desk-people", page)
}

// manages returns who asks, if they may change people.
func (d *Web) manages(r *http.Request) (asks, error) {
	a, err := d.as(r)
	if err != nil {
		return a, err
	}
	return a, a.MayManage()
}

func (d *Web) personAdd(w http.ResponseWriter, r *http.Request) error {
	a, err := d.manages(r)
	if err != nil {
		return err
	}
	added, err := AddPerson(r.Context(), d.Store, d.Signin, signin.NewPerson{
		Name: r.PostFormValue("name"), Display: r.PostFormValue("display"), Coop: r.PostFormValue("coop"), Role: r.PostFormValue("role"),
	})
	if err == nil {
		return d.showToken(w, r, added)
	}
	page, again := d.newPeoplePage(r, a)
	if again != nil {
		return again
	}
	if m, ok := account.MistakeOf(page.Page, err); ok {
		page.Fail(m.Field, m.Text)
	} else if err := mistake(page.Page, err, map[string]string{"person-coop-unknown": "coop", "person-role-unknown": "role", "person-coop-missing": "coop"}); err != nil {
		return err
	}
	for _, f := range []*webkit.Field{&page.Name, &page.Display, &page.Coop, &page.Role} {
		f.Error = page.Error(f.Name)
	}
	return d.ui.Render(w, http.StatusUnprocessableEntity, "desk-people", page)
}

func (d *Web) personToken(w http.ResponseWriter, r *http.Request) error {
	if _, err := d.manages(r); err != nil {
		return err
	}
	p, err := d.Signin.Person(r.Context(), signin.PersonID(r.PathValue("id")))
	if err != nil {
		return err
	}
	return d.showToken(w, r, p)
}

type tokenPage struct {
	*webkit.Page
	Token, Name string
	Ends        template.HTML
}

// showToken makes a token and shows it in the answer itself: only its hash is
// kept, so there is no page to redirect to.
func (d *Web) showToken(w http.ResponseWriter, r *http.Request, p signin.Person) error {
	token, err := d.Signin.NewToken(r.Context(), p.ID, tokenFor)
	if err != nil {
		return err
	}
	page := tokenPage{Page: d.ui.NewPage(r, "desk.token.title", "name", p.Display), Token: token.Text, Name: p.Name}
	page.Lead, page.Ends = page.T("desk.token.lead"), page.Moment(token.Expires)
	page.Crumbs = []webkit.Link{{Text: page.T("desk.people.title"), Href: "/people"}, {Text: p.Display}}
	return d.ui.Render(w, http.StatusOK, "desk-token", page)
}

func (d *Web) personClose(w http.ResponseWriter, r *http.Request) error {
	return d.personChange(w, r, "desk.people.isclosed", d.disable)
}

func (d *Web) personOpen(w http.ResponseWriter, r *http.Request) error {
	return d.personChange(w, r, "desk.people.isopen", d.Signin.Enable)
}
