// SPDX-License-Identifier: AGPL-3.0-or-later

package web

import (
	"net/http"

	"coopkit/desk"
	"coopkit/internal/webkit"
)

type coopsPage struct {
	*webkit.Page
	Coops         []desk.Coop
	Manages       bool
	ID, Name      webkit.Field
	Place, ITCoop webkit.Field
}

func (d *Web) newCoopsPage(r *http.Request, a asks) (coopsPage, error) {
	coops, err := a.Coops(r.Context())
	page := coopsPage{Page: d.ui.NewPage(r, "desk.coops.title"), Coops: coops, Manages: a.MayManage() == nil}
	page.Lead = page.T("desk.coops.lead", "count", len(page.Coops))
	page.Name = webkit.Field{Name: "name", Label: page.T("desk.coops.name"), Value: r.PostFormValue("name"), Autocomplete: "off"}
	page.ID = webkit.Field{Name: "id", Label: page.T("desk.coops.id"), Hint: page.T("desk.coops.id.hint"), Value: r.PostFormValue("id"), Autocomplete: "off", Plain: true}
	page.Place = webkit.Field{Name: "place", Label: page.T("desk.coops.place"), Hint: page.T("desk.coops.place.hint"), Value: r.PostFormValue("place"), Autocomplete: "off"}
	page.ITCoop = webkit.Field{Name: "it", Label: page.T("desk.coops.it"), Hint: page.T("desk.coops.it.hint"), Value: r.PostFormValue("it")}
	return page, err
}

func (d *Web) coopsShow(w http.ResponseWriter, r *http.Request) error {
	a, err := d.as(r)
	if err != nil {
		return err
	}
	page, err := d.newCoopsPage(r, a)
	if err != nil {
		return err
	}
	return d.ui.Render(w, http.StatusOK, "desk-coops", page)
}

func (d *Web) coopAdd(w http.ResponseWriter, r *http.Request) error {
	a, err := d.as(r)
	if err != nil {
		return err
	}
	c := desk.Coop{ID: desk.CoopID(r.PostFormValue("id")), Name: r.PostFormValue("name"), Place: r.PostFormValue("place"), ITCoop: r.PostFormValue("it") == "yes"}
	if err := a.AddCoop(r.Context(), c); err != nil {
		page, reading := d.newCoopsPage(r, a)
		if reading != nil {
			return reading
		}
		if err := mistake(page.Page, err, map[string]string{"coop-invalid": "id", "coop-taken": "id"}); err != nil {
			return err
		}
		page.ID.Error = page.Error("id")
		return d.ui.Render(w, http.StatusUnprocessableEntity, "desk-coops", page)
	}
	webkit.SetFlash(w, webkit.Flash{Text: d.ui.Locale(r).T("desk.coops.added", "name", c.Name)})
	return d.ui.Redirect(w, r, "/coops")
}
