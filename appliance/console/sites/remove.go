// SPDX-License-Identifier: AGPL-3.0-or-later

package sites

import (
	"net/http"
	"strings"

	"coopkit/appliance"
	"coopkit/appliance/console/area"
	"coopkit/appliance/say"
	"coopkit/internal/hostname"
	"coopkit/internal/webkit"
)

// removePage says what goes, what stays and what the way back is, and asks for
// the address.
type removePage struct {
	*webkit.Page
	Rows []webkit.Row
	Plan area.Plan
}

func (s *site) confirm(w http.ResponseWriter, r *http.Request) error {
	return s.showRemove(w, r, "", func(*removePage) int { return http.StatusOK })
}

// showRemove renders the page; with may add what is wrong and says the status.
func (s *site) showRemove(w http.ResponseWriter, r *http.Request, typed string, with func(*removePage) int) error {
	plan, err := s.Box.Sites.PlanRemove(r.Context(), appliance.RemoveSite{Host: r.PathValue("site")})
	if err != nil {
		return err
	}
	host := say.Subject(plan.Subject)
	p := s.UI.NewPage(r, "sites.remove.title", "host", host)
	p.Lead = p.T("sites.remove.lead")
	p.Crumbs = crumbs(p, webkit.Link{Text: host, Href: sitePath(host)}, webkit.Link{Text: p.T("sites.remove.crumb")})
	v := &removePage{Page: p, Plan: area.PlanView(p, plan)}
	for _, key := range []string{"goes", "stays", "back"} {
		v.Rows = append(v.Rows, webkit.Row{Name: p.T("sites.remove." + key), Texts: []string{p.T("sites.remove."+key+".text", "host", host)}})
	}
	status := with(v)
	v.Plan.Risk, v.Plan.Action, v.Plan.Agree, v.Plan.Cancel = true, sitePath(host, "remove"), p.T("sites.remove.agree"), sitePath(host)
	v.Plan.Fields = []webkit.Field{{
		Name: "typed", Label: p.T("sites.remove.typed", "host", host), Hint: p.T("sites.remove.typed.hint"),
		Value: typed, Error: p.Error("typed"), Plain: true, Autocomplete: "off",
	}}
	return s.UI.Render(w, status, "sites-remove", v)
}

func (s *site) remove(w http.ResponseWriter, r *http.Request) error {
	host, typed := r.PathValue("site"), r.FormValue("typed")
	if !same(typed, host) {
		return s.showRemove(w, r, typed, func(v *removePage) int {
			v.Fail("typed", v.T("sites.remove.typed.bad", "host", host))
			return http.StatusUnprocessableEntity
		})
	}
	return s.once.Agree(s.UI, w, r, func(hash string) (appliance.Job, error) {
		return s.Box.Sites.Remove(r.Context(), appliance.RemoveSite{Host: host, PlanHash: hash})
	}, func() error {
		return s.showRemove(w, r, "", func(v *removePage) int {
			v.Plan.ChangedSince(r.FormValue(area.FieldRows))
			return http.StatusConflict
		})
	})
}

// same reports whether what was typed is the host, as people may write it.
func same(typed, host string) bool {
	typed = strings.TrimSuffix(strings.TrimPrefix(strings.ToLower(strings.TrimSpace(typed)), "https://"), "/")
	h, err := hostname.Parse(typed)
	return err == nil && string(h) == host
}
