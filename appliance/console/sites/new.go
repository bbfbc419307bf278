// SPDX-License-Identifier: AGPL-3.0-or-later

package sites

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"coopkit/appliance"
	"coopkit/appliance/console/area"
	"coopkit/internal/hostname"
	"coopkit/internal/locale"
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
	host := r.URL.Query().Get("address")
	if host == "" {
		var err error
		if host, err = s.suggest(r.Context()); err != nil {
			return err
		}
	}
	return s.UI.Render(w, http.StatusOK, "sites-new", s.newPage(r, host))
}

// suggest offers an address in a zone of this box at which nothing answers.
func (s *site) suggest(ctx context.Context) (string, error) {
	zones, err := s.Box.Names.Zones(ctx)
	if err != nil {
		return "", err
	}
	sites, err := s.Box.Sites.List(ctx)
	if err != nil {
		return "", err
	}
	for _, z := range zones {
		for _, host := range []string{z.Zone, "www." + z.Zone, "pages." + z.Zone} {
			here := func(site appliance.Site) bool { return string(site.Host) == host }
			if slices.ContainsFunc(sites, here) {
				continue
			}
			if _, err := s.Box.Sites.PlanPush(ctx, appliance.PushSite{Host: host}); err == nil {
				return host, nil
			}
		}
	}
	return "", nil
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
		v.Fail("host", wrongHost(v.Locale, p))
	}
	return host, nil
}

// wrongHost says why a site cannot be at the address.
func wrongHost(l *locale.Locale, p *problem.Problem) string {
	what, why, _ := webkit.Explain(l, p)
	switch {
	case p.Code == "host-name-invalid":
		return l.T("sites.new.host.invalid", "typed", p.Args["name"])
	case p.Code == "address-taken":
		return l.T("sites.new.host.taken", "what", what)
	case why == "":
		return area.Sentence(what)
	default:
		return area.Sentence(what) + " " + area.Sentence(why)
	}
}
