// SPDX-License-Identifier: AGPL-3.0-or-later

package web

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"html/template"
	"net/http"
	"slices"
	"time"

	"coopkit/desk"
	"coopkit/desk/store"
	"coopkit/desk/wire"
	"coopkit/internal/webkit"
)

const eventsShown = 30

type boxPage struct {
	*webkit.Page
	Box       desk.Box
	CoopName  string
	Acts      bool // forms that change the box are shown
	Pending   bool
	Suspected bool
	State     webkit.Pill
	Seen      template.HTML
	Week      webkit.Week
	Findings  []webkit.Finding
	Installs  []installRow
	Sites     []siteRow
	Certs     []certificateRow
	Facts     []webkit.Row
	Events    []eventRow
	History   history
}

type installRow struct {
	wire.Install
	Pill     webkit.Pill
	Visitors string // whether visitors from outside can open it; empty: its box does not say
}

type siteRow struct {
	wire.Site
	When template.HTML
}

type certificateRow struct {
	wire.Certificate
	Ends template.HTML
	Left string
	Soon bool
}

type eventRow struct {
	When template.HTML
	Text string
}

func boxID(r *http.Request) wire.BoxID { return wire.BoxID(r.PathValue("id")) }

// box is the one that a request is about, and the desk as its sender sees it.
func (d *Web) box(r *http.Request) (a asks, b desk.Box, err error) {
	if a, err = d.as(r); err == nil {
		b, err = a.Box(r.Context(), boxID(r))
	}
	return a, b, err
}

func (d *Web) boxShow(w http.ResponseWriter, r *http.Request) error {
	a, b, err := d.box(r)
	if err != nil {
		return err
	}
	coop := d.coopName(r.Context(), b.Coop)
	page := boxPage{
		Page: d.ui.NewPage(r, "desk.box.title", "box", b.Name, "coop", coop), Box: b, CoopName: coop,
		Acts: a.acts() && b.State != desk.BoxLeft, Pending: b.State == desk.BoxPending, Suspected: b.State == desk.BoxSuspected,
	}
	page.Crumbs = []webkit.Link{{Text: page.T("desk.fleet.title"), Href: "/fleet"}, {Text: b.Name}}
	page.Heading, page.Lead = page.Title, page.lead()
	page.Title = page.T("desk.box.title.state", "state", page.Lead, "box", b.Name)
	page.State, page.Seen = statePill(page.Page, b.State), page.Ago(b.Seen)
	days, err := a.Week(r.Context(), b.ID)
	if err != nil {
		return err
	}
	page.Week = week(page.Page, days)
	page.tell()
	page.facts(d.caretaker(r.Context(), b.Caretaker), d.fingerprint(r.Context(), b.ID))
	if err := page.happened(r, a); err != nil {
		return err
	}
	if page.History, err = newHistory(r, page.Page, a, b.ID); err != nil {
		return err
	}
	return d.ui.Render(w, http.StatusOK, "desk-box", page)
}

func (d *Web) caretaker(ctx context.Context, id desk.CoopID) string {
	if id == "" {
		return ""
	}
	return d.coopName(ctx, id)
}

// fingerprint is what two people compare to know that they mean the same key;
// a box that has left has none here.
func (d *Web) fingerprint(ctx context.Context, id wire.BoxID) string {
	keys, err := d.Store.Keys(ctx, id)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(keys.Box)
	return "SHA256 " + hex.EncodeToString(sum[:8])
}

// lead says how the box is in a sentence.
func (p *boxPage) lead() string {
	switch p.Box.State {
	case desk.BoxPending, desk.BoxSuspected, desk.BoxLeft:
		return p.T("desk.box.lead." + string(p.Box.State))
	case desk.BoxUnreachable:
		return p.T("desk.box.lead.unreachable", "time", p.DateTime(p.Box.Seen.UTC()))
	case desk.BoxLate:
		return p.T("desk.box.lead.late", "time", p.DateTime(p.Box.Seen.UTC()))
	case desk.BoxUp: // what it reports counts
	}
	if down := p.Box.Sample.Apps - p.Box.Sample.AppsUp; down > 0 {
		return p.T("desk.box.lead.down", "count", down)
	}
	if n := len(p.Box.Findings); n > 0 {
		return p.T("desk.box.lead.findings", "count", n)
	}
	return p.T("desk.box.lead.fine")
}

// statePill tells late, unreachable and reporting apart in word and shape.
func statePill(p *webkit.Page, s desk.BoxState) webkit.Pill {
	pill := map[desk.BoxState]webkit.Pill{
		desk.BoxPending: {Kind: "note", Icon: "key"}, desk.BoxUp: {Kind: "ok", Icon: "okc"}, desk.BoxLate: {Kind: "warn", Icon: "clock"},
		desk.BoxUnreachable: {Icon: "quiet"}, desk.BoxSuspected: {Kind: "crit", Icon: "oct"}, desk.BoxLeft: {Icon: "out"},
	}[s]
	pill.Text = p.T("desk.state." + string(s))
	return pill
}

// tell puts findings, apps, sites and certificates in the reader's words.
func (p *boxPage) tell() {
	for _, f := range p.Box.Findings {
		card := p.FindingCard(f.Severity, f.Code, f.Subject)
		words := p.ExplainFinding(f.Code, f.Args, webkit.Sentences{Title: f.What, Why: f.Why, Next: webkit.RemedyOf(f.Next)})
		card.Title, card.Code = words.Title, f.Code
		if f.Subject != "" {
			card.Code += " " + f.Subject
		}
		card.Meta = []template.HTML{p.H("desk.since", "time", p.DateTime(f.Since.UTC()))}
		if f.Who != "" {
			card.Meta = append(card.Meta, who(p.Page, f.Who))
		}
		card.Say(p.Page, words.What, words.Why, words.Next.Unlinked())
		p.Findings = append(p.Findings, card)
	}
	for _, i := range p.Box.Facts.Installs {
		p.Installs = append(p.Installs, installRow{i, appPill(p.Page, i.State), visitors(p.Page, i)})
	}
	for _, s := range p.Box.Facts.Sites {
		p.Sites = append(p.Sites, siteRow{s, p.Ago(s.Published.Time)})
	}
	for _, c := range p.Box.Facts.Certificates {
		left := c.Expires.Sub(p.Now)
		row := certificateRow{Certificate: c, Ends: p.Day(c.Expires.Time), Left: p.T("desk.box.certificate.left", "span", p.Span(left)), Soon: left < 14*24*time.Hour}
		if left < 0 {
			row.Left = p.T("desk.box.certificate.over", "span", p.Span(left))
		}
		p.Certs = append(p.Certs, row)
	}
}

// who says who can do something about a finding: the box sends a code, one of
// the first version English words.
func who(p *webkit.Page, actor string) template.HTML {
	switch actor {
	case "you":
		return p.H("desk.box.who.steward")
	case "isp", "your Internet provider":
		return p.H("desk.box.who.isp")
	case "itcoop", "your IT co-op":
		return p.H("desk.box.who.itcoop")
	default:
		return p.H("desk.box.who", "who", actor)
	}
}

func appPill(p *webkit.Page, state string) webkit.Pill {
	pill := map[string]webkit.Pill{
		"running": {Kind: "ok", Icon: "okc"}, "starting": {Kind: "note", Icon: "clock"}, "adding": {Kind: "note", Icon: "clock"},
		"changing": {Kind: "note", Icon: "clock"}, "stopped": {Icon: "minus"}, "failing": {Kind: "crit", Icon: "x"},
	}[state]
	if pill.Icon == "" {
		pill, state = webkit.Pill{Icon: "quiet"}, "unknown"
	}
	pill.Text = p.T("desk.app." + state)
	return pill
}

// visitors says whether people from outside can open an app that runs.
func visitors(p *webkit.Page, i wire.Install) string {
	switch i.Reach {
	case "open", "warned", "inside", "not-switched", "unknown":
		if i.State == "running" {
			return p.T("desk.reach." + i.Reach)
		}
	}
	return ""
}

func (p *boxPage) facts(caretaker, fingerprint string) {
	f, s := p.Box.Facts, p.Box.Sample
	add := func(name, value string) {
		if value != "" {
			p.Facts = append(p.Facts, webkit.Row{Name: name, Texts: []string{value}})
		}
	}
	add(p.T("desk.box.caretaker"), caretaker)
	add(p.T("desk.box.agent"), p.ShortVersion(f.Agent))
	add(p.T("desk.box.system"), f.System)
	add(p.T("desk.box.machine"), p.T("desk.box.machine.is", "arch", f.Arch, "kernel", f.Kernel, "count", f.CPUs))
	add(p.T("desk.box.engine"), f.Engine)
	if s.Memory > 0 {
		add(p.T("desk.box.memory"), p.T("desk.box.of", "used", p.Bytes(s.MemoryUsed), "all", p.Bytes(s.Memory)))
		add(p.T("desk.box.disk"), p.T("desk.box.of", "used", p.Bytes(s.DiskUsed), "all", p.Bytes(s.Disk)))
		add(p.T("desk.box.load"), p.T("desk.box.load.is", "load", p.Decimal(s.Load)))
		add(p.T("desk.box.apps"), p.T("desk.box.apps.up", "up", s.AppsUp, "all", s.Apps))
		add(p.T("desk.box.up"), p.Span(time.Duration(s.UptimeS)*time.Second))
	}
	if f.Language != "" {
		language := f.Language
		if key := "desk.language." + f.Language; p.Has(key) {
			language = p.T(key)
		}
		add(p.T("desk.box.language"), language)
	}
	add(p.T("desk.box.key"), fingerprint)
	add(p.T("desk.box.joined"), p.Date(p.Box.Joined.UTC()))
	if p.Box.Lost > 0 {
		add(p.T("desk.box.reports"), p.T("desk.box.reports.lost", "entries", p.Box.Entries, "count", p.Box.Lost))
	} else {
		add(p.T("desk.box.reports"), p.T("desk.box.reports.all", "entries", p.Box.Entries))
	}
	if skew := p.Box.Skew; skew.Abs() >= 5*time.Second {
		wrong := p.T("desk.box.clock.ahead", "span", p.Span(skew))
		if skew < 0 {
			wrong = p.T("desk.box.clock.behind", "span", p.Span(skew))
		}
		add(p.T("desk.box.clock"), wrong)
	} else if !p.Box.Seen.IsZero() {
		add(p.T("desk.box.clock"), p.T("desk.box.clock.right"))
	}
}

// byPeople are the kinds of events whose subject is a person.
var byPeople = []store.EventKind{store.EventJoined, store.EventConfirmed, store.EventRestored, store.EventRemoved}

// person is somebody at this desk, or its command line, in the reader's words.
func person(p *webkit.Page, who string) string {
	if who == desk.CommandLine {
		return p.T("desk.commandline")
	}
	return who
}

// happened lists the newest events, each as a sentence.
func (p *boxPage) happened(r *http.Request, a asks) error {
	events, err := a.Events(r.Context(), p.Box.ID, eventsShown)
	for _, e := range events {
		subject, text := e.Subject, e.Text
		if e.Kind == store.EventFinding || e.Kind == store.EventSolved {
			subject, text = p.T("webkit.severity."+e.Severity), p.FindingTitle(e.Code, e.Args, e.Text)
		}
		if e.Kind == store.EventAgent {
			text = p.ShortVersion(text)
		}
		if slices.Contains(byPeople, e.Kind) {
			subject = person(p.Page, subject)
		}
		p.Events = append(p.Events, eventRow{p.Ago(e.At), p.T("desk.event."+string(e.Kind), "subject", subject, "text", text, "code", e.Code)})
	}
	return err
}
