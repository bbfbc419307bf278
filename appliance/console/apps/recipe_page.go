// SPDX-License-Identifier: AGPL-3.0-or-later

package apps

import (
	"io/fs"
	"net/http"
	"slices"

	"coopkit/appliance"
	"coopkit/appliance/console/area"
	"coopkit/internal/webkit"
	"coopkit/recipes"
)

type recipePage struct {
	*webkit.Page
	Recipe     *recipes.Recipe
	Icon, Tint string
	Need       string
	Which      string // version
	Pills      []webkit.Pill
	Installs   []webkit.Link
	Memory     string
	Disk       string
	Data       []string
	Offers     []offer
	Add        webkit.Action
	ReadMe     []block
}

// offer is what a co-op offers for an app.
type offer struct{ By, Kind, URL, Discount string }

func (a *pages) recipe(w http.ResponseWriter, r *http.Request) error {
	rec, err := a.Box.Recipes.Show(r.Context(), r.PathValue("recipe"))
	if err != nil {
		return err
	}
	all, err := a.Box.Apps.List(r.Context())
	if err != nil {
		return err
	}
	machine, err := a.Box.Box.Host(r.Context())
	if err != nil {
		return err
	}
	p := recipePage{Page: a.UI.NewPage(r, "apps.title"), Recipe: rec}
	p.Title = in(p.Locale, rec.Title)
	p.Crumbs = []webkit.Link{{Text: p.T("apps.catalogue"), Href: "/catalogue"}, {Text: p.Title}}
	p.Icon, p.Tint = area.NeedIcon(rec.Need)
	p.Need, p.Lead = needName(p.Locale, rec.Need), in(p.Locale, rec.Summary)
	for _, app := range shown(all) {
		if app.Recipe == rec.Name {
			p.Installs = append(p.Installs, webkit.Link{Text: p.T("apps.at", "program", app.Title, "host", host(app)), Href: "/apps/" + string(app.Name)})
		}
	}
	if pill, ok := tooBig(p.Page, rec, machine); ok {
		p.Pills = append(p.Pills, pill)
	}
	p.facts(machine)
	p.Add = webkit.Action{Text: p.T("apps.add", "title", p.Title), Href: "/catalogue/" + rec.Name + "/add", Kind: "go"}
	p.ReadMe = readMe(rec)
	return a.UI.Render(w, http.StatusOK, "apps-recipe", p)
}

// facts fills in what the app needs, keeps and who helps with it.
func (p *recipePage) facts(machine appliance.Host) {
	rec := p.Recipe
	p.Which = rec.Version
	if len(rec.Web) > 0 && rec.Images[rec.Web[0].Service].Debian != "" {
		p.Which = p.T("apps.recipe.version.debian", "version", rec.Version)
	}
	p.Memory = p.T("apps.recipe.memory", "size", p.Bytes(uint64(max(rec.Needs.MemoryMiB, 0))<<20), "free", p.Bytes(free(machine)))
	p.Disk = p.T("apps.recipe.disk", "size", p.Bytes(uint64(max(rec.Needs.DiskMiB, 0))<<20), "free", p.Bytes(machine.DiskBytes-min(machine.DiskUsed, machine.DiskBytes)))
	for _, d := range rec.Data {
		if text := p.T("apps.data." + d.Kind); !slices.Contains(p.Data, text) {
			p.Data = append(p.Data, text)
		}
	}
	for _, o := range rec.Offers {
		v := offer{By: o.By, Kind: p.T("apps.offer." + o.Kind), URL: o.URL}
		if o.ICADiscountPercent > 0 {
			v.Discount = p.T("apps.offer.ica", "percent", p.Percent(float64(o.ICADiscountPercent)/100))
		}
		p.Offers = append(p.Offers, v)
	}
}

// readMe is the recipe's own description, nothing if it is not at hand.
func readMe(r *recipes.Recipe) []block {
	if r.Files() == nil {
		return nil
	}
	text, err := fs.ReadFile(r.Files(), "README.md")
	if err != nil {
		return nil
	}
	return markdown(string(text))
}
