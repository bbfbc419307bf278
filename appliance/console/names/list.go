// SPDX-License-Identifier: AGPL-3.0-or-later

package names

import (
	"net/http"

	"coopkit/appliance"
	"coopkit/appliance/console/area"
	"coopkit/internal/webkit"
)

// listPage is all names: what this box answers for, which addresses are in use
// and whether they lead here, certificates, redirects.
type listPage struct {
	*webkit.Page
	Zones     []zoneRow
	Hosts     []hostRow
	Certs     []certRow
	Redirects []redirectRow
	Host      webkit.Field // of a new redirect
	Target    webkit.Field
	Actions   []webkit.Action
	Empty     *webkit.Empty
}

// zoneRow is a zone of this box.
type zoneRow struct {
	Zone, Count string
	Pill        webkit.Pill
}

// hostRow is an address in use.
type hostRow struct {
	use
	Used, Managed string
	Pill          webkit.Pill
}

// redirectRow is a redirect and the button that ends it.
type redirectRow struct {
	use
	Remove webkit.Action
}

func (n *names) list(w http.ResponseWriter, r *http.Request) error {
	v, err := n.listPage(r, "", "")
	if err != nil {
		return err
	}
	return n.UI.Render(w, http.StatusOK, "names-list", v)
}

func (n *names) listPage(r *http.Request, host, target string) (*listPage, error) {
	all, err := n.world(r.Context())
	if err != nil {
		return nil, err
	}
	p := n.UI.NewPage(r, "names.title")
	v := &listPage{
		Page: p, Certs: certRows(p, all.certs, ""),
		Host:   webkit.Field{Name: "host", Label: p.T("names.redirect.host"), Hint: p.T("names.redirect.host.hint"), Value: host, Plain: true, Autocomplete: "off"},
		Target: webkit.Field{Name: "target", Kind: "url", Label: p.T("names.redirect.target"), Hint: p.T("names.redirect.target.hint"), Value: target, Autocomplete: "off"},
	}
	add := webkit.Action{Text: p.T("names.add"), Href: "/names/new", Icon: "tag"}
	if len(all.zones)+len(all.uses) == 0 {
		add.Kind = "go"
		v.Empty = &webkit.Empty{Icon: "tag", Title: p.T("names.empty.title"), Text: p.T("names.empty.text"), Actions: []webkit.Action{
			{Text: p.T("names.empty.app"), Href: "/catalogue", Kind: "go"}, {Text: p.T("names.add"), Href: "/names/new"},
		}}
	} else {
		v.Actions = []webkit.Action{add}
	}
	zones := make([]string, len(all.zones))
	for i, z := range all.zones {
		zones[i] = z.Zone
	}
	found := n.look(r.Context(), nil, zones...)
	for _, z := range all.zones {
		v.Zones = append(v.Zones, zoneRow{z.Zone, p.T("names.records", "count", len(z.Records)), zonePill(p, found.zones[z.Zone])})
	}
	v.fillHosts(all)
	if p.Lead = p.T("names.lead.none"); len(all.reach) > 0 {
		p.Lead = area.CountDoor(all.reach).Sentence(p.Locale)
	}
	return v, nil
}

// fillHosts adds the addresses in use, with how far they reach.
func (v *listPage) fillHosts(all world) {
	for _, u := range all.uses {
		row := hostRow{use: u, Managed: v.T("names.managed.elsewhere"), Pill: area.ReachPill(v.Page, area.ReachOf(all.reach, u.Host))}
		if _, ours := all.zoneOf(u.Host); ours {
			row.Managed = v.T("names.managed.here")
		}
		row.Used = u.Title
		if u.Kind != "app" {
			row.Used = v.T("names.use." + u.Kind)
		}
		if u.Kind == "redirect" {
			v.Redirects = append(v.Redirects, redirectRow{u, webkit.Action{
				Text: v.T("names.redirect.remove", "host", u.Host), Href: "/names/redirects/" + u.Host + "/remove", Kind: "sm", Post: true,
			}})
		}
		v.Hosts = append(v.Hosts, row)
	}
}

// zonePill says whether the world asks this box for a zone.
func zonePill(p *webkit.Page, c appliance.ZoneCheck) webkit.Pill {
	switch {
	case c.Unanswered:
		return webkit.Pill{Icon: "quiet", Text: p.T("names.host.unknown")}
	case c.OK:
		return webkit.Pill{Kind: "ok", Icon: "okc", Text: p.T("names.zone.ok")}
	default:
		return webkit.Pill{Kind: "note", Icon: "clock", Text: p.T("names.zone.wait")}
	}
}
