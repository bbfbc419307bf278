// SPDX-License-Identifier: AGPL-3.0-or-later

package apps

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"coopkit/appliance"
	"coopkit/appliance/console/area"
	"coopkit/internal/locale"
	"coopkit/internal/webkit"
	"coopkit/recipes"
)

// perPage recipes are on one page of the catalogue.
const perPage = 24

type cataloguePage struct {
	*webkit.Page
	Tabs    []tab
	Query   string
	Need    string
	Needs   []tab
	Showing string
	Cards   []card
	Empty   *webkit.Empty
	Pager   webkit.Pager
}

// card is one recipe of the catalogue.
type card struct {
	Title, Need, Summary, Href string
	Icon, Tint                 string
	Pills                      []webkit.Pill
	Memory, Offers             string
}

func (a *pages) catalogue(w http.ResponseWriter, r *http.Request) error {
	all, shelf, err := a.both(r)
	if err != nil {
		return err
	}
	machine, err := a.Box.Box.Host(r.Context())
	if err != nil {
		return err
	}
	p := cataloguePage{Page: a.UI.NewPage(r, "apps.title"), Query: strings.TrimSpace(r.URL.Query().Get("q")), Need: r.URL.Query().Get("need")}
	p.Title, p.Heading = p.T("apps.catalogue"), p.T("apps.title")
	p.Lead = p.T("apps.catalogue.lead")
	p.Tabs = tabs(p.Page, "catalogue", len(all), len(shelf))
	p.Needs = needs(p.Page, shelf, p.Need, p.Query)
	found := search(p.Locale, shelf, p.Need, p.Query)
	n, err := strconv.Atoi(r.URL.Query().Get("page"))
	if err != nil || n < 1 || (n-1)*perPage >= len(found) {
		n = 1
	}
	for _, rec := range found[(n-1)*perPage : min(n*perPage, len(found))] {
		p.Cards = append(p.Cards, newCard(p.Page, rec, all, machine))
	}
	p.Pager = pager(p.Page, r.URL.Query(), n, len(found))
	p.Showing = p.T("apps.showing", "count", len(p.Cards), "all", len(shelf), "free", p.Bytes(free(machine)))
	if len(found) == 0 {
		p.Showing = ""
		p.Empty = &webkit.Empty{
			Icon: "search", Title: p.T("apps.nothing"), Text: p.T("apps.nothing.text"),
			Actions: []webkit.Action{{Text: p.T("apps.nothing.action"), Href: "/catalogue"}},
		}
	}
	return a.UI.Render(w, http.StatusOK, "apps-catalogue", p)
}

// needs are the needs that the catalogue serves, as links, in the order of the
// reader's language.
func needs(p *webkit.Page, shelf []*recipes.Recipe, here, q string) []tab {
	var names []string
	for _, r := range shelf {
		if !slices.Contains(names, r.Need) {
			names = append(names, r.Need)
		}
	}
	slices.SortFunc(names, func(a, b string) int {
		return strings.Compare(fold(needName(p.Locale, a)), fold(needName(p.Locale, b)))
	})
	out := []tab{{p.T("apps.need.all"), link("", q), here == ""}}
	for _, n := range names {
		out = append(out, tab{needName(p.Locale, n), link(n, q), n == here})
	}
	return out
}

func link(need, q string) string {
	v := url.Values{}
	for name, value := range map[string]string{"need": need, "q": q} {
		if value != "" {
			v.Set(name, value)
		}
	}
	if len(v) == 0 {
		return "/catalogue"
	}
	return "/catalogue?" + v.Encode()
}

// search returns the recipes that serve a need and speak of all words, by
// title.
func search(l *locale.Locale, shelf []*recipes.Recipe, need, q string) []*recipes.Recipe {
	var out []*recipes.Recipe
	for _, r := range shelf {
		about := fold(strings.Join([]string{r.Name, in(l, r.Title), in(l, r.Summary), needName(l, r.Need), r.Need}, " "))
		if need != "" && r.Need != need || slices.ContainsFunc(strings.Fields(fold(q)), func(word string) bool { return !strings.Contains(about, word) }) {
			continue
		}
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b *recipes.Recipe) int { return strings.Compare(fold(in(l, a.Title)), fold(in(l, b.Title))) })
	return out
}

func newCard(p *webkit.Page, r *recipes.Recipe, apps []appliance.App, machine appliance.Host) card {
	c := card{
		Title: in(p.Locale, r.Title), Need: needName(p.Locale, r.Need), Summary: in(p.Locale, r.Summary), Href: "/catalogue/" + r.Name,
		Memory: p.T("apps.memory", "size", p.Bytes(uint64(max(r.Needs.MemoryMiB, 0))<<20)), Offers: offers(p, r.Offers),
	}
	c.Icon, c.Tint = area.NeedIcon(r.Need)
	if slices.ContainsFunc(apps, func(a appliance.App) bool { return a.Recipe == r.Name }) {
		c.Pills = append(c.Pills, webkit.Pill{Kind: "ok", Icon: "okc", Text: p.T("apps.onbox")})
	}
	if pill, ok := tooBig(p, r, machine); ok {
		c.Pills = append(c.Pills, pill)
	}
	return c
}

// tooBig says why an app would not run well on this box, in a pill.
func tooBig(p *webkit.Page, r *recipes.Recipe, machine appliance.Host) (webkit.Pill, bool) {
	memory := uint64(max(r.Needs.MemoryMiB, 0)) << 20
	disk := uint64(max(r.Needs.DiskMiB, 0)) << 20
	pill := webkit.Pill{Kind: "warn", Icon: "tri"}
	switch {
	case len(r.Needs.Architectures) > 0 && !slices.Contains(r.Needs.Architectures, machine.Arch):
		pill.Text = p.T("apps.otherkind")
	case memory > machine.MemoryBytes || disk > machine.DiskBytes-min(machine.DiskUsed, machine.DiskBytes):
		pill.Text = p.T("apps.toobig")
	case memory > free(machine):
		pill.Text = p.T("apps.tight")
	default:
		return pill, false
	}
	return pill, true
}

func free(m appliance.Host) uint64 { return m.MemoryBytes - min(m.MemoryUsed, m.MemoryBytes) }

// offers says who helps with an app, and what members of the Alliance save.
func offers(p *webkit.Page, all []recipes.Offer) string {
	by, discount := map[string]bool{}, 0
	for _, o := range all {
		by[o.By] = true
		discount = max(discount, o.ICADiscountPercent)
	}
	switch {
	case len(by) == 0:
		return ""
	case discount == 0:
		return p.T("apps.offers", "count", len(by))
	default:
		return p.T("apps.offers.ica", "count", len(by), "percent", p.Percent(float64(discount)/100))
	}
}

func pager(p *webkit.Page, q url.Values, n, found int) webkit.Pager {
	g := webkit.Pager{
		Label: p.T("apps.pages"), Text: p.T("apps.page", "n", n, "of", max((found+perPage-1)/perPage, 1)),
		PreviousWord: p.T("apps.page.previous"), NextWord: p.T("apps.page.next"),
	}
	to := func(n int) string {
		v := url.Values{"page": {strconv.Itoa(n)}}
		for _, name := range []string{"need", "q"} {
			if q.Get(name) != "" {
				v.Set(name, q.Get(name))
			}
		}
		return "/catalogue?" + v.Encode()
	}
	if n > 1 {
		g.Previous = to(n - 1)
	}
	if n*perPage < found {
		g.Next = to(n + 1)
	}
	return g
}
