// SPDX-License-Identifier: AGPL-3.0-or-later

package home

import (
	"html/template"
	"slices"
	"strings"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/console/area"
	"coopkit/internal/webkit"
)

// door counts how far the addresses reach. What the checks just found to keep
// people out counts, too: "Look again" may be newer than what the box last said.
func (b box) door() area.Door {
	all := slices.Clone(b.reach)
	shut := slices.ContainsFunc(b.report.Findings, func(f appliance.Finding) bool { return f.Code == "DOOR-CLOSED" })
	for i, a := range all {
		if shut || a.Install != "" && b.critical("app:"+string(a.Install)) {
			all[i].Reach = appliance.ReachClosed
		}
	}
	return area.CountDoor(all)
}

// critical reports whether something about the subject, or a part of it, keeps
// people out now.
func (b box) critical(subject string) bool {
	return slices.ContainsFunc(b.report.Findings, func(f appliance.Finding) bool {
		return f.Severity == appliance.Critical && (f.Subject == subject || strings.HasPrefix(f.Subject, subject+"/"))
	})
}

// headline answers the visit: are we open, and does anything need me?
func headline(p *webkit.Page, b box) string {
	return state(p, b) + " " + needs(p, b.report)
}

func state(p *webkit.Page, b box) string {
	switch {
	case b.unlooked:
		return p.T("home.state.unknown")
	case len(b.reach) == 0:
		return p.T("home.state.empty")
	default:
		return b.door().Sentence(p.Locale)
	}
}

// needs counts the cards that need somebody, as they are shown: one for findings
// that say the same.
func needs(p *webkit.Page, r appliance.Report) string {
	n := map[appliance.Severity]int{}
	for _, g := range area.Groups(r.Findings) {
		n[g.Severity()]++
	}
	now, week := n[appliance.Critical], n[appliance.Warning]
	switch {
	case now > 0 && week > 0:
		return p.T("home.needs.critical", "count", now) + " " + p.T("home.needs.also", "count", week)
	case now > 0:
		return p.T("home.needs.critical", "count", now)
	case week > 0:
		return p.T("home.needs.warning", "count", week)
	case r.At.IsZero():
		return p.T("home.needs.unknown")
	default:
		return p.T("home.needs.none")
	}
}

// greeting is the line below: who reads it, and how old it is.
func greeting(p *webkit.Page, r appliance.Report) string {
	name := ""
	if p.User != nil {
		name = p.User.Name
	}
	if r.At.IsZero() {
		return p.T("home.lead.first", "name", name)
	}
	ago := p.Locale.Ago(r.At, p.Now)
	switch h := p.Now.Local().Hour(); {
	case h >= 5 && h < 12:
		return p.T("home.lead.morning", "name", name, "ago", ago)
	case h >= 12 && h < 18:
		return p.T("home.lead.afternoon", "name", name, "ago", ago)
	default:
		return p.T("home.lead.evening", "name", name, "ago", ago)
	}
}

// cell answers one question at a glance: the answer in words, then the proof.
type cell struct {
	Icon, Question, Answer string
	Proof                  []template.HTML
	Meter                  *webkit.Meter
	Href, Link             string
}

func glance(p *webkit.Page, b box) []cell {
	return []cell{doorCell(p, b), backupCell(p, b), spaceCell(p, b), insideCell(p, b)}
}

func doorCell(p *webkit.Page, b box) cell {
	c := cell{Icon: "door", Question: p.T("home.door")}
	d := b.door()
	switch {
	case b.unlooked:
		c.Answer = p.T("home.unknown")
		return c
	case d.All == 0:
		c.Answer, c.Proof = p.T("home.door.nothing"), []template.HTML{p.H("home.door.nothing.proof")}
		return c
	}
	c.Answer = p.T("home.door." + doorWord(d, valid(b.certs, p.Now)))
	if d.All > 1 {
		c.Proof = append(c.Proof, p.H("home.door.proof", "count", d.Open, "all", d.All))
	}
	if d.Stopped > 0 {
		c.Proof = append(c.Proof, template.HTML(template.HTMLEscapeString(d.Besides(p.Locale)))) //nolint:gosec // escaped
	}
	if next := firstEnd(b.certs); !next.IsZero() {
		c.Proof = append(c.Proof, p.H("home.door.next", "date", p.Day(next)))
	}
	switch {
	case d.Unswitched > 0:
		c.Href, c.Link = "/names", p.T("home.door.switch")
	case d.Inside+d.Warned+d.Unknown > 0:
		c.Href, c.Link = "/names", p.T("home.door.why")
	case d.Open < d.All:
		c.Href, c.Link = "/findings", p.T("home.door.why")
	}
	return c
}

// doorWord is the answer to whether the front door is open to visitors from
// outside.
func doorWord(d area.Door, valid bool) string {
	switch {
	case d.Open == d.All && valid:
		return "open.valid"
	case d.Open == d.All:
		return "open"
	case d.Open > 0:
		return "some"
	case d.Down > 0, d.Stopped == d.All:
		return "closed"
	case d.Unswitched > 0:
		return "unswitched"
	case d.Warned > 0:
		return "warned"
	case d.Inside > 0:
		return "inside"
	default:
		return "unknown"
	}
}

// valid reports whether every certificate counts now.
func valid(certs []appliance.Certificate, now time.Time) bool {
	return len(certs) > 0 && !slices.ContainsFunc(certs, func(c appliance.Certificate) bool { return !c.NotAfter.After(now) })
}

// firstEnd is when the first of the certificates ends.
func firstEnd(certs []appliance.Certificate) (first time.Time) {
	for _, c := range certs {
		if first.IsZero() || !c.NotAfter.IsZero() && c.NotAfter.Before(first) {
			first = c.NotAfter
		}
	}
	return first
}

func backupCell(p *webkit.Page, b box) cell {
	c := cell{Icon: "box", Question: p.T("home.backups"), Answer: p.T("home.backups.none"), Proof: []template.HTML{p.H("home.backups.proof")}}
	if len(b.apps) == 0 && !b.unlooked {
		c.Answer = p.T("home.backups.nothing")
	}
	return c
}

func spaceCell(p *webkit.Page, b box) cell {
	c := cell{Icon: "server", Question: p.T("home.space")}
	if b.host == nil || b.host.DiskBytes == 0 {
		c.Answer = p.T("home.unknown")
		return c
	}
	h := b.host
	used := p.T("home.space.used", "used", p.Bytes(h.DiskUsed), "all", p.Bytes(h.DiskBytes))
	c.Answer = p.T("home.space.enough", "free", p.Bytes(h.DiskBytes-min(h.DiskUsed, h.DiskBytes)))
	c.Meter = &webkit.Meter{Label: used, Percent: int(min(h.DiskUsed*100/h.DiskBytes, 100))}
	c.Proof = []template.HTML{p.H("home.space.used", "used", p.Bytes(h.DiskUsed), "all", p.Bytes(h.DiskBytes)), p.H("home.space.memory", "used", p.Bytes(h.MemoryUsed), "all", p.Bytes(h.MemoryBytes))}
	if b.usage != nil {
		c.Href, c.Link = "#usage", p.T("home.space.course")
	}
	for _, f := range b.report.Findings {
		switch f.Code {
		case "DISK-FULL":
			c.Answer = p.T("home.space.full")
		case "DISK-NEARLY-FULL", "DISK-FILLING":
			c.Answer = p.T("home.space.nearly")
		default:
			continue
		}
		c.Meter.Kind, c.Href, c.Link = "w", "/findings", p.T("home.door.why")
		break
	}
	return c
}

// insideCell says who can get in: in this version nobody can be let in at all.
func insideCell(p *webkit.Page, b box) cell {
	c := cell{Icon: "help", Question: p.T("home.inside"), Answer: p.T("home.inside.nobody"), Href: "/settings/desk"}
	if b.desk == nil {
		c.Href = ""
		return c
	}
	l := *b.desk
	c.Link = p.T("home.inside.look")
	switch l.State {
	case appliance.DeskNone:
		c.Link = p.T("home.inside.join")
		c.Proof = []template.HTML{p.H("home.inside.none")}
	case appliance.DeskPending:
		c.Proof = []template.HTML{p.H("home.inside.pending", "desk", l.Name)}
	case appliance.DeskLinked:
		c.Proof = []template.HTML{p.H("home.inside.linked", "desk", l.Name, "ago", p.Ago(l.LastSent))}
	case appliance.DeskSilent:
		c.Proof = []template.HTML{p.H("home.inside.silent", "desk", l.Name, "ago", p.Ago(l.LastSent))}
	default:
		c.Proof = []template.HTML{p.H("home.inside.cut", "desk", l.Name)}
	}
	return c
}
