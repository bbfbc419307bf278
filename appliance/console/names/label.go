// SPDX-License-Identifier: AGPL-3.0-or-later

package names

import (
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/net/publicsuffix"

	"coopkit/appliance"
	"coopkit/internal/webkit"
)

// Label is one record to copy, and how far it has come.
type Label struct {
	ID, Title, Hint   string
	Type, Name, Value string
	State             string // class of the slip: ok-s, wait, bad, or empty for unknown
	Icon, Word, Text  string
}

// order of the states: what is to be done comes first.
func (l Label) order() int { return slices.Index([]string{"bad", "wait", "", "ok-s"}, l.State) }

// done reports whether the record is in place.
func (l Label) done() bool { return l.State == "ok-s" }

// hostLabels are the records that lead a host to this box.
func hostLabels(p *webkit.Page, u use, c looked) []Label {
	var out []Label
	for _, want := range c.Want {
		typ := recordType(want)
		l := Label{Type: typ, Name: short(u.Host), Value: want, Title: title(p, u, typ), ID: labelID(u.Host, want)}
		if l.Name != u.Host {
			l.Hint = p.T("names.label.hint", "host", u.Host)
		}
		if l.Name == "@" {
			l.Hint = p.T("names.label.hint.bare", "host", u.Host)
		}
		judge(p, &l, c)
		out = append(out, l)
	}
	return out
}

func title(p *webkit.Page, u use, typ string) string {
	key := "names.label.host"
	if typ == "AAAA" {
		key = "names.label.host6"
	}
	if u.Kind == "app" {
		return p.T(key+".app", "host", u.Host, "app", u.Title)
	}
	return p.T(key, "host", u.Host)
}

// judge says how far the record of an address is, from what was found.
func judge(p *webkit.Page, l *Label, c looked) {
	others := strangers(c, l.Type)
	switch {
	case c.Unanswered:
		state(p, l, "unknown", "", "quiet", "")
	case slices.Contains(c.Found, l.Value) && len(others) > 0:
		state(p, l, "extra", "bad", "oct", p.List(others))
	case slices.Contains(c.Found, l.Value):
		state(p, l, "ok", "ok-s", "okc", "")
	case len(others) > 0:
		state(p, l, "other", "bad", "oct", p.List(others))
	default:
		state(p, l, "wait", "wait", "clock", "")
	}
}

func state(p *webkit.Page, l *Label, key, class, icon, found string) {
	l.State, l.Icon = class, icon
	l.Word, l.Text = p.T("names.state."+key), p.T("names.state."+key+".text", "found", found)
}

// strangers are the addresses of a type that were found and are not this box's.
func strangers(c looked, typ string) []string {
	var out []string
	for _, f := range c.Found {
		if recordType(f) == typ && !slices.Contains(c.Want, f) {
			out = append(out, f)
		}
	}
	return out
}

func recordType(addr string) string {
	if a, err := netip.ParseAddr(addr); err == nil && a.Is6() {
		return "AAAA"
	}
	return "A"
}

// zoneLabels are the records that make the world ask this box for a zone: its
// name servers, and where those are within the zone their addresses.
func zoneLabels(p *webkit.Page, z appliance.Zone, c appliance.ZoneCheck) []Label {
	var out []Label
	for _, r := range z.Records {
		if r.Type != "NS" || r.Name != z.Zone {
			continue
		}
		ns := strings.TrimSuffix(r.Data, ".")
		l := Label{Type: "NS", Name: z.Zone, Value: ns, Title: p.T("names.label.ns", "zone", z.Zone), ID: labelID("ns", ns)}
		judgeZone(p, &l, c)
		out = append(out, l)
		for _, glue := range z.Records {
			if glue.Name == ns && (glue.Type == "A" || glue.Type == "AAAA") {
				g := l
				g.Type, g.Name, g.Value, g.ID = glue.Type, ns, glue.Data, labelID(ns, glue.Data)
				g.Title, g.Hint = p.T("names.label.glue", "ns", ns), p.T("names.label.glue.hint")
				out = append(out, g)
			}
		}
	}
	return out
}

func judgeZone(p *webkit.Page, l *Label, c appliance.ZoneCheck) {
	switch {
	case c.Unanswered:
		state(p, l, "unknown", "", "quiet", "")
	case slices.Contains(c.Found, l.Value) && !c.OK:
		state(p, l, "zone.extra", "bad", "oct", p.List(c.Found))
	case slices.Contains(c.Found, l.Value):
		state(p, l, "ok", "ok-s", "okc", "")
	case len(c.Found) > 0:
		state(p, l, "zone.other", "wait", "clock", p.List(c.Found))
	default:
		state(p, l, "wait", "wait", "clock", "")
	}
}

// short is a host as most panels want it: below the name that was registered,
// "@" for that name itself.
func short(host string) string {
	registered := registered(host)
	if host == registered {
		return "@"
	}
	return strings.TrimSuffix(host, "."+registered)
}

// registered is the name that somebody pays for.
func registered(host string) string {
	name, err := publicsuffix.EffectiveTLDPlusOne(host)
	if err != nil {
		return host
	}
	return name
}

func labelID(parts ...string) string {
	return "label-" + strings.NewReplacer(".", "-", ":", "-").Replace(strings.Join(parts, "-"))
}

// Slip is a label on a page, for the template "names-fields".
type Slip struct {
	*webkit.Page
	Label Label
}

// Slip puts a label on this page.
func (v *showPage) Slip(l Label) Slip { return Slip{v.Page, l} }
