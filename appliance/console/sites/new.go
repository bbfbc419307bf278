// SPDX-License-Identifier: AGPL-3.0-or-later

package sites

import (
	"errors"
	"net/http"

	"coopkit/appliance"
	"coopkit/internal/hostname"
	"coopkit/internal/problem"
	"coopkit/internal/webkit"
)

// newPage asks for an address and for the files.
type newPage struct {
	*webkit.Page
	Host, Archive, Folder webkit.Field
	Upload                string // id of what has arrived already
	Arrived               string // how much that is
	Limit                 string
}

func (s *site) ask(w http.ResponseWriter, r *http.Request) error {
	v := s.newPage(r, r.URL.Query().Get("address"))
	return s.UI.Render(w, http.StatusOK, "sites-new", v)
}

func (s *site) newPage(r *http.Request, host string) *newPage {
	p := s.UI.NewPage(r, "sites.new.title")
	p.Lead = p.T("sites.new.lead")
	p.Crumbs = crumbs(p, webkit.Link{Text: p.T("sites.new.crumb")})
	return &newPage{
		Page: p, Limit: p.Bytes(uint64(s.sent)), //nolint:gosec // positive
		Host:    webkit.Field{Name: "host", Label: p.T("sites.new.host"), Hint: p.T("sites.new.host.hint"), Value: host, Plain: true, Autocomplete: "off"},
		Archive: webkit.Field{Name: "archive", Kind: "file", Label: p.T("sites.new.archive"), Hint: p.T("sites.new.archive.hint"), Accept: ".zip,.tar,.tgz,.gz"},
		Folder:  webkit.Field{Name: "folder", Kind: "file", Label: p.T("sites.new.folder"), Hint: p.T("sites.new.folder.hint"), Folder: true, Many: true},
	}
}

// send receives the form; what was right stays, files too.
func (s *site) send(w http.ResponseWriter, r *http.Request) error {
	f, err := s.receive(w, r)
	if err != nil {
		return err
	}
	v := s.newPage(r, f.host)
	host, err := s.fit(r, v, f.host)
	if err != nil {
		return err
	}
	d, have := s.arrived(r, f)
	switch {
	case f.fault != "":
		v.Fail("archive", f.fault)
	case have:
		v.Upload, v.Arrived = d.ID, size(v.Page, d.Files, d.Bytes)
	default:
		v.Fail("archive", v.T("sites.new.nothing"))
	}
	if len(v.Errors) == 0 {
		return s.UI.Redirect(w, r, sitePath(string(host), "publish?upload="+d.ID))
	}
	v.Host.Error, v.Archive.Error = v.Error("host"), v.Error("archive")
	return s.UI.Render(w, http.StatusUnprocessableEntity, "sites-new", v)
}

// arrived is what came with this form, or else with the one before.
func (s *site) arrived(r *http.Request, f form) (appliance.Draft, bool) {
	if f.got != nil {
		return *f.got, true
	}
	if f.upload == "" {
		return appliance.Draft{}, false
	}
	d, err := s.draft(r, f.upload)
	return d, err == nil
}

// fit checks the address by asking for a plan: what stands in the way is said
// at the field.
func (s *site) fit(r *http.Request, v *newPage, typed string) (hostname.Name, error) {
	host, err := hostname.Parse(typed)
	if err == nil {
		v.Host.Value = string(host)
		_, err = s.Box.Sites.PlanPush(r.Context(), appliance.PushSite{Host: string(host)})
	}
	p, ok := errors.AsType[*problem.Problem](err)
	if err != nil && (!ok || p.Kind != problem.Invalid && p.Kind != problem.Conflict) {
		return "", err
	}
	if err != nil {
		what, why, _ := webkit.Explain(v.Locale, p)
		v.Fail("host", v.T("sites.new.host.bad", "what", what, "why", why))
		if p.Code == "host-name-invalid" {
			v.Errors[len(v.Errors)-1].Text = v.T("sites.new.host.invalid", "typed", p.Args["name"])
		}
	}
	return host, nil
}
