// SPDX-License-Identifier: AGPL-3.0-or-later

package web

import (
	"context"
	"net/http"
	"slices"

	"coopkit/desk"
	"coopkit/desk/store"
	"coopkit/internal/problem"
	"coopkit/internal/signin"
	"coopkit/internal/webkit"
)

// AddPerson adds an account with a role of the desk. Besides the Problems of
// signin.AddPerson it gives "person-role-unknown", "person-coop-unknown" and
// "person-coop-missing". That the caller may do so has been decided.
func AddPerson(ctx context.Context, s *store.Store, accounts *signin.Service, n signin.NewPerson) (signin.Person, error) {
	if n.Role == "" {
		n.Role = string(desk.Technician)
	}
	if !slices.Contains(roles, desk.Role(n.Role)) {
		return signin.Person{}, &problem.Problem{
			Code: "person-role-unknown", Kind: problem.Invalid, What: "there is no such role at a desk",
			Next: []string{"take member, technician or coordinator"},
		}
	}
	coop, err := s.Coop(ctx, desk.CoopID(n.Coop))
	if err != nil {
		return signin.Person{}, err
	}
	switch {
	case n.Coop != "" && coop.Name == "":
		return signin.Person{}, &problem.Problem{
			Code: "person-coop-unknown", Kind: problem.Invalid, What: "this desk knows no such co-op",
			Next: []string{"add the co-op first", "coopkit desk coop list"},
		}
	case n.Coop == "" && desk.Role(n.Role) != desk.Coordinator:
		return signin.Person{}, &problem.Problem{
			Code: "person-coop-missing", Kind: problem.Invalid, What: "only a coordinator can be without a co-op",
			Why: "members and technicians see the boxes of their co-op, and without one there are none", Next: []string{"choose a co-op"},
		}
	}
	return accounts.AddPerson(ctx, n)
}

// disable closes an account. The last coordinator whose account is open gives a
// Problem "last-coordinator".
func (d *Web) disable(ctx context.Context, id signin.PersonID) error {
	d.closing.Lock()
	defer d.closing.Unlock()
	people, err := d.Signin.People(ctx)
	if err != nil {
		return err
	}
	coordinates := func(p signin.Person) bool { return !p.Disabled && desk.Role(p.Role) == desk.Coordinator }
	one := slices.ContainsFunc(people, func(p signin.Person) bool { return p.ID == id && coordinates(p) })
	others := slices.ContainsFunc(people, func(p signin.Person) bool { return p.ID != id && coordinates(p) })
	if one && !others {
		return &problem.Problem{
			Code: "last-coordinator", Kind: problem.Conflict,
			What: "this is the last coordinator who can sign in",
			Why:  "nobody could add co-ops and people any more, nor open a closed account",
			Next: []string{"add another coordinator first"},
		}
	}
	return d.Signin.Disable(ctx, id)
}

// personChange closes or opens the account that the path names.
func (d *Web) personChange(w http.ResponseWriter, r *http.Request, saidKey string, change func(context.Context, signin.PersonID) error) error {
	if _, err := d.manages(r); err != nil {
		return err
	}
	p, err := d.Signin.Person(r.Context(), signin.PersonID(r.PathValue("id")))
	if err != nil {
		return err
	}
	if err := change(r.Context(), p.ID); err != nil {
		return err
	}
	webkit.SetFlash(w, webkit.Flash{Text: d.ui.Locale(r).T(saidKey, "name", p.Display)})
	return d.ui.Redirect(w, r, "/people")
}
