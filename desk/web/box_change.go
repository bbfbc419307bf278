// SPDX-License-Identifier: AGPL-3.0-or-later

package web

import (
	"context"
	"net/http"

	"coopkit/desk"
	"coopkit/desk/wire"
	"coopkit/internal/webkit"
)

func (d *Web) boxConfirm(w http.ResponseWriter, r *http.Request) error {
	return d.boxChange(w, r, "desk.box.confirmed", asks.Confirm)
}

func (d *Web) boxRestored(w http.ResponseWriter, r *http.Request) error {
	return d.boxChange(w, r, "desk.box.isrestored", asks.Restored)
}

func (d *Web) boxChange(w http.ResponseWriter, r *http.Request, saidKey string, change func(asks, context.Context, wire.BoxID) error) error {
	a, b, err := d.box(r)
	if err != nil {
		return err
	}
	if err := change(a, r.Context(), b.ID); err != nil {
		return err
	}
	webkit.SetFlash(w, webkit.Flash{Text: d.ui.Locale(r).T(saidKey, "box", b.Name)})
	return d.ui.Redirect(w, r, "/boxes/"+string(b.ID))
}

type removePage struct {
	*webkit.Page
	Box     desk.Box
	Pending bool
}

// boxRemoveAsk says what removing costs before it is done.
func (d *Web) boxRemoveAsk(w http.ResponseWriter, r *http.Request) error {
	_, b, err := d.box(r)
	if err != nil {
		return err
	}
	page := removePage{Page: d.ui.NewPage(r, "desk.remove.title", "box", b.Name, "coop", d.coopName(r.Context(), b.Coop)), Box: b, Pending: b.State == desk.BoxPending}
	page.Lead = page.T("desk.remove.lead")
	page.Crumbs = []webkit.Link{
		{Text: page.T("desk.fleet.title"), Href: "/fleet"}, {Text: b.Name, Href: "/boxes/" + string(b.ID)}, {Text: page.T("desk.remove.crumb")},
	}
	return d.ui.Render(w, http.StatusOK, "desk-remove", page)
}

func (d *Web) boxRemove(w http.ResponseWriter, r *http.Request) error {
	a, b, err := d.box(r)
	if err != nil {
		return err
	}
	if err := a.RemoveBox(r.Context(), b.ID); err != nil {
		return err
	}
	webkit.SetFlash(w, webkit.Flash{Text: d.ui.Locale(r).T("desk.removed", "box", b.Name)})
	return d.ui.Redirect(w, r, "/fleet")
}
