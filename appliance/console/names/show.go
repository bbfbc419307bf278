// SPDX-License-Identifier: AGPL-3.0-or-later

package names

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/say"
	"coopkit/internal/hostname"
	"coopkit/internal/webkit"
)

// showPage is one name: a zone of this box, or a host wherever it is managed.
type showPage struct {
	*webkit.Page
	Name       string
	Registered string // the name that somebody pays for
	Zone       string // of this box, if one contains the name
	IsZone     bool
	Labels     []Label
	Here       []hereRow // hosts in a zone of this box: their records are its own
	Looked     time.Time
	NextLook   string // when an open page looks again by itself
	Certs      []certRow
	Records    []recordRow
	Rungs      []rung
	NoAddress  bool // this box does not know under which address it is reached
}

// hereRow is a host whose record this box keeps itself.
type hereRow struct {
	use
	Pill webkit.Pill
}

// recordRow is a record of a zone, with its owner in words.
type recordRow struct {
	appliance.Record
	Owned string
}

// rung is one way to look after a name. Kind is here, off, or empty for one
// that is always on.
type rung struct{ Title, Text, Kind, Href, Word string }

func (n *names) show(w http.ResponseWriter, r *http.Request) error {
	v, err := n.examine(r)
	if err != nil {
		return err
	}
	return n.UI.Render(w, http.StatusOK, "names-show", v)
}

// examine looks everything about the name of a request up once.
func (n *names) examine(r *http.Request) (*showPage, error) {
	host, err := hostname.Parse(r.PathValue("name"))
	if err != nil {
		return nil, err
	}
	all, err := n.world(r.Context())
	if err != nil {
		return nil, err
	}
	name := string(host)
	p := n.UI.NewPage(r, "names.show.title", "name", name)
	p.Heading = name
	p.Crumbs = crumbs(p, webkit.Link{Text: name})
	v := &showPage{Page: p, Name: name, Registered: registered(name), Looked: p.Now}
	z, ours := all.zoneOf(name)
	v.Zone, v.IsZone = z.Zone, z.Zone == name
	v.Certs = certRows(p, all.certs, name)
	uses := all.below(name)
	if len(uses) == 0 && !v.IsZone {
		uses = []use{{Host: name}}
	}
	var zones []string
	if v.IsZone {
		zones = []string{name}
	}
	found := n.look(r.Context(), uses, zones...)
	checks := found.hosts
	switch {
	case v.IsZone:
		v.Records = recordRows(p, all, z)
		v.Labels = zoneLabels(p, z, found.zones[name])
		v.Here = hereRows(p, uses, checks)
	case ours:
		v.Here = hereRows(p, uses, checks)
	default:
		for _, u := range uses {
			v.NoAddress = v.NoAddress || len(checks[u.Host].Want) == 0 && !checks[u.Host].Unanswered
			v.Labels = append(v.Labels, hostLabels(p, u, checks[u.Host])...)
		}
	}
	slices.SortStableFunc(v.Labels, func(a, b Label) int { return a.order() - b.order() })
	v.Rungs = rungs(p, v, all.dns)
	p.Lead = v.lead()
	return v, nil
}

// lead answers the visit in a sentence.
func (v *showPage) lead() string {
	var done, wrong, unknown int
	for _, l := range v.Labels {
		switch l.State {
		case "ok-s":
			done++
		case "bad":
			wrong++
		case "":
			unknown++
		}
	}
	all := len(v.Labels)
	switch {
	case !v.IsZone && v.Zone != "":
		return v.T("names.lead.ours", "zone", v.Zone)
	case v.NoAddress:
		return v.T("names.lead.noaddress")
	case unknown == all:
		return v.T("names.lead.unknown")
	case v.IsZone && done == all:
		return v.T("names.lead.zone.ok")
	case v.IsZone:
		return v.T("names.lead.zone.wait")
	case done == all:
		return v.T("names.lead.ok", "count", all)
	case wrong > 0:
		return v.T("names.lead.wrong", "count", wrong, "name", v.Registered)
	default:
		return v.T("names.lead.wait", "count", all-done, "name", v.Registered)
	}
}

// State tells one look from another, for the live page.
func (v *showPage) State() string {
	var b strings.Builder
	for _, l := range v.Labels {
		b.WriteString(l.ID + l.State + l.Text + "\n")
	}
	for _, h := range v.Here {
		b.WriteString(h.Host + h.Pill.Kind + "\n")
	}
	for _, c := range v.Certs {
		b.WriteString(c.Host + c.Pill.Text + "\n")
	}
	return b.String()
}

// Todo reports whether there is anything to enter.
func (v *showPage) Todo() bool {
	return slices.ContainsFunc(v.Labels, func(l Label) bool { return !l.done() })
}

func hereRows(p *webkit.Page, uses []use, checks map[string]looked) []hereRow {
	var rows []hereRow
	for _, u := range uses {
		if c, ok := checks[u.Host]; ok {
			rows = append(rows, hereRow{u, hostPill(p, c)})
		}
	}
	return rows
}

// hostPill is whether a host leads here, in a word or two.
func hostPill(p *webkit.Page, c looked) webkit.Pill {
	switch {
	case c.OK:
		return webkit.Pill{Kind: "ok", Icon: "okc", Text: p.T("names.host.ok")}
	case c.Unanswered:
		return webkit.Pill{Icon: "quiet", Text: p.T("names.host.unknown")}
	case len(c.Found) == 0:
		return webkit.Pill{Kind: "note", Icon: "clock", Text: p.T("names.host.wait")}
	default:
		return webkit.Pill{Kind: "crit", Icon: "oct", Text: p.T("names.host.wrong")}
	}
}

func recordRows(p *webkit.Page, all world, z appliance.Zone) []recordRow {
	var rows []recordRow
	for _, r := range z.Records {
		rows = append(rows, recordRow{r, owner(p, all, r.Owner)})
	}
	return rows
}

// owner says in words who a record belongs to.
func owner(p *webkit.Page, all world, owner string) string {
	kind, _, _ := strings.Cut(owner, ":")
	name := say.Subject(owner)
	switch kind {
	case "app":
		return p.T("names.owner.app", "app", all.appTitle(appliance.InstallName(name)))
	case "site":
		return p.T("names.owner.site", "host", name)
	case "redirect":
		return p.T("names.owner.redirect", "host", name)
	case "zone":
		return p.T("names.owner.zone")
	case "acme":
		return p.T("names.owner.acme")
	default:
		return p.T("names.owner.you")
	}
}

// rungs are the ways to look after a name, highest first.
func rungs(p *webkit.Page, v *showPage, dns bool) []rung {
	here := 1
	if v.Zone != "" {
		here = 4
	}
	var out []rung
	for i := 5; i >= 0; i-- {
		key := "names.rung." + string(rune('0'+i))
		g := rung{Title: p.T(key), Text: p.T("names.rung.off"), Kind: "off"}
		switch {
		case i == here:
			g.Text, g.Kind = p.T("names.rung.here"), "here"
		case i == 0:
			g.Text, g.Kind = p.T("names.rung.always"), ""
		case i == 1:
			g.Text, g.Kind = p.T("names.rung.possible"), ""
		case i == 4 && dns:
			g.Text, g.Kind = p.T("names.rung.possible4"), ""
			g.Href, g.Word = "/names/new?zone="+v.Registered, p.T("names.rung.plan")
		case i == 4:
			g.Text = p.T("names.rung.nodns")
		}
		out = append(out, g)
	}
	return out
}

// again is for browsers without scripts: the page looks each time it is shown.
func (n *names) again(w http.ResponseWriter, r *http.Request) error {
	host, err := hostname.Parse(r.PathValue("name"))
	if err != nil {
		return err
	}
	return n.UI.Redirect(w, r, "/names/"+string(host)+"#main")
}
