// SPDX-License-Identifier: AGPL-3.0-or-later

package web

import (
	"cmp"
	"html/template"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"coopkit/desk"
	"coopkit/desk/store"
	"coopkit/internal/webkit"
)

const (
	fleetAnew   = 10 * time.Second // between two looks of a page that stays open
	sharedShown = 3                // faults that boxes share
)

type fleetPage struct {
	*webkit.Page
	store.Fleet
	Counts  []count
	Shared  []shared
	Rows    []fleetRow
	Shown   string
	Nothing webkit.Empty
	Pager   webkit.Pager
	Updated template.HTML
	// Where the live regions get news; empty: it was stopped.
	Live, LiveTable string
	Switch          webkit.Link
	CSV             string
	State           string // of the filter, kept by the form
	Coop            webkit.Field
	Finding         webkit.Field
	Agent           webkit.Field
	Q               webkit.Field
}

// count is a number of boxes with the link that shows them.
type count struct {
	Icon, Kind, Text, Href string
	Boxes                  string
	Here                   bool
}

type shared struct {
	Pill             webkit.Pill
	Boxes, Word      string
	What, Code, Href string
	See              string
	Since            template.HTML
}

type fleetRow struct {
	store.FleetRow
	Pill        webkit.Pill
	Place       string // co-op and town
	What        string
	Late        bool
	Since, Seen template.HTML
	Proven      template.HTML
	Week        webkit.Week
}

func filterOf(q url.Values) store.FleetFilter {
	page, _ := strconv.Atoi(q.Get("page")) // nothing, or nonsense: the first
	return store.FleetFilter{
		Level: store.Level(q.Get("state")), Coop: desk.CoopID(q.Get("coop")), Finding: q.Get("finding"),
		Version: q.Get("version"), Q: q.Get("q"), Page: page,
	}
}

// link is a path with the query changed; empty values leave it.
func link(path string, q url.Values, changes ...string) string {
	q = maps.Clone(q)
	for i := 0; i+1 < len(changes); i += 2 {
		q.Set(changes[i], changes[i+1])
	}
	for key, values := range q {
		if values[0] == "" {
			delete(q, key)
		}
	}
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}

func (d *Web) newFleetPage(r *http.Request, a asks) (fleetPage, error) {
	q := r.URL.Query()
	q.Del("part") // of a stream; links lead to whole pages
	page := fleetPage{Page: d.ui.NewPage(r, "desk.fleet.title"), State: q.Get("state")}
	var err error
	if page.Fleet, err = a.Fleet(r.Context(), filterOf(q)); err != nil {
		return page, err
	}
	page.Lead = page.lead()
	page.Title, page.Heading = page.Lead, page.Title
	page.Updated = page.Second(page.Now)
	page.counts(q)
	page.shared(q)
	for _, row := range page.Fleet.Rows {
		page.Rows = append(page.Rows, newFleetRow(page.Page, row))
	}
	page.Shown = page.T("desk.fleet.shown", "count", page.Total, "shown", len(page.Rows))
	page.CSV = link("/fleet.csv", q, "page", "", "live", "")
	page.Pager = pager(page.Page, page.T("desk.fleet.pages"), "/fleet", q, page.Fleet.Page, page.Pages)
	page.nothing(a)
	coops, err := a.Coops(r.Context())
	if err != nil {
		return page, err
	}
	page.filters(coops, q)
	page.Live, page.LiveTable = link("/fleet/events", q), link("/fleet/events", q, "part", "table")
	page.Switch = webkit.Link{Text: page.T("desk.fleet.stop"), Href: link("/fleet", q, "live", "off")}
	if q.Get("live") == "off" {
		page.Live, page.LiveTable, page.Switch = "", "", webkit.Link{Text: page.T("desk.fleet.go"), Href: link("/fleet", q, "live", "")}
	}
	return page, nil
}

// Second is a time of day with its seconds, as a page that looks anew shows it.
func (p fleetPage) Second(t time.Time) template.HTML {
	return template.HTML(`<time datetime="` + t.UTC().Format(time.RFC3339) + `">` + t.UTC().Format("15:04:05") + `</time>`) //nolint:gosec // digits
}

// lead says how the fleet is in one or two sentences.
func (p fleetPage) lead() string {
	if p.Boxes == 0 {
		return p.T("desk.fleet.lead.none")
	}
	worst := p.T("desk.fleet.lead.fine")
	for _, each := range []store.Level{store.LevelCritical, store.LevelSilent, store.LevelWarning, store.LevelPending} {
		if n := p.Levels[each]; n > 0 {
			worst = p.T("desk.fleet.lead."+string(each), "count", n)
			break
		}
	}
	return p.T("desk.fleet.lead", "boxes", p.T("desk.fleet.boxes", "count", p.Boxes), "coops", p.T("desk.fleet.coops", "count", p.Coops), "worst", worst)
}

func (p *fleetPage) counts(q url.Values) {
	add := func(level store.Level, n int, icon, kind string) {
		word := cmp.Or(string(level), "all")
		p.Counts = append(p.Counts, count{
			Icon: icon, Kind: kind, Text: p.T("desk.fleet.count." + word), Boxes: p.Number(int64(n)),
			Href: link("/fleet", q, "state", string(level), "page", ""), Here: p.State == string(level),
		})
	}
	add("", p.Boxes, "server", "")
	add(store.LevelCritical, p.Levels[store.LevelCritical], "oct", "crit")
	add(store.LevelSilent, p.Levels[store.LevelSilent], "quiet", "")
	add(store.LevelWarning, p.Levels[store.LevelWarning], "tri", "warn")
	add(store.LevelPending, p.Levels[store.LevelPending], "key", "note")
	add(store.LevelNotice, p.Levels[store.LevelNotice], "info", "note")
	add(store.LevelFine, p.Levels[store.LevelFine], "okc", "ok")
}

// shared lists findings that more than one box has: one cause, often.
func (p *fleetPage) shared(q url.Values) {
	for _, f := range p.Findings {
		if f.Boxes < 2 || len(p.Shared) == sharedShown || q.Get("finding") != "" {
			continue
		}
		p.Shared = append(p.Shared, shared{
			Pill: p.Severity(f.Severity), Boxes: p.Number(int64(f.Boxes)), Word: p.T("desk.fleet.shared.boxes"), What: p.FindingTitle(f.Code, f.Args, f.What), Code: f.Code,
			Since: p.Ago(f.Since), Href: link("/fleet", url.Values{}, "finding", f.Code), See: p.T("desk.fleet.shared.see", "count", f.Boxes),
		})
	}
}

// pager leads through the pages of the list at a path.
func pager(p *webkit.Page, label, path string, q url.Values, page, pages int) webkit.Pager {
	out := webkit.Pager{
		Label: label, Text: p.T("desk.fleet.page", "page", page, "pages", pages), PreviousWord: p.T("desk.previous"), NextWord: p.T("desk.next"),
	}
	if page > 1 {
		out.Previous = link(path, q, "page", strconv.Itoa(page-1))
	}
	if page < pages {
		out.Next = link(path, q, "page", strconv.Itoa(page+1))
	}
	return out
}

func (p *fleetPage) nothing(a asks) {
	p.Nothing = webkit.Empty{
		Icon: "server", Title: p.T("desk.fleet.empty"), Text: p.T("desk.fleet.empty.text"),
		Actions: []webkit.Action{{Text: p.T("desk.fleet.all"), Href: "/fleet"}},
	}
	if p.Boxes > 0 {
		return
	}
	p.Nothing.Title, p.Nothing.Text, p.Nothing.Actions = p.T("desk.fleet.none"), p.T("desk.fleet.none.text"), nil
	if a.acts() {
		p.Nothing.Actions = []webkit.Action{{Text: p.T("desk.invite"), Href: "/invitations", Kind: "go"}}
	}
}

func (p *fleetPage) filters(coops []desk.Coop, q url.Values) {
	field := func(name, label, all string) webkit.Field {
		return webkit.Field{Name: name, Label: label, Kind: "select", Value: q.Get(name), Options: []webkit.Pair{{Name: all}}}
	}
	p.Coop = field("coop", p.T("desk.coop"), p.T("desk.fleet.coop.all"))
	for _, c := range coops {
		p.Coop.Options = append(p.Coop.Options, webkit.Pair{Name: c.Name, Value: string(c.ID)})
	}
	p.Finding = field("finding", p.T("desk.fleet.finding"), p.T("desk.fleet.finding.all"))
	for _, f := range p.Findings {
		p.Finding.Options = append(p.Finding.Options, webkit.Pair{Name: f.Code, Value: f.Code})
	}
	p.Agent = field("version", p.T("desk.fleet.version"), p.T("desk.fleet.version.all"))
	for _, v := range p.Versions {
		p.Agent.Options = append(p.Agent.Options, webkit.Pair{Name: v, Value: v})
	}
	p.Q = webkit.Field{Name: "q", Label: p.T("desk.fleet.q"), Value: q.Get("q")}
}

func newFleetRow(p *webkit.Page, r store.FleetRow) fleetRow {
	row := fleetRow{FleetRow: r, Pill: levelPill(p, r.Level), Place: r.Coop.Name, Seen: p.Ago(r.Seen), Late: r.State == desk.BoxLate, Week: week(p, r.Week)}
	if r.Coop.Place != "" {
		row.Place = p.T("desk.place", "coop", r.Coop.Name, "place", r.Coop.Place)
	}
	switch {
	case r.Level == store.LevelPending:
		row.What = p.T("desk.fleet.row.pending")
	case r.Level == store.LevelSilent:
		row.What = p.T("desk.fleet.row.silent", "time", p.DateTime(r.Since.UTC()))
	case r.Worst != nil:
		row.What = p.FindingTitle(r.Worst.Code, r.Worst.Args, r.Worst.What)
	default:
		row.What = p.T("desk.fleet.row.fine")
	}
	if r.Level != store.LevelFine {
		row.Since = p.Ago(r.Since)
	}
	switch {
	case !r.Proven.IsZero():
		row.Proven = p.Day(r.Proven)
	case !r.Backup.IsZero():
		row.Proven = p.H("desk.fleet.row.unproven")
	default:
		row.Proven = p.H("desk.fleet.row.nobackup")
	}
	return row
}

func levelPill(p *webkit.Page, level store.Level) webkit.Pill {
	switch level {
	case store.LevelPending:
		return webkit.Pill{Kind: "note", Icon: "key", Text: p.T("desk.state.pending")}
	case store.LevelFine:
		return p.Severity("ok")
	default:
		return p.Severity(string(level))
	}
}

// week is the strip of seven days; who cannot see it hears the numbers.
func week(p *webkit.Page, days [7]store.Day) webkit.Week {
	var w webkit.Week
	n := map[string]int{}
	for _, day := range days {
		kind := map[string]string{"critical": "c", "warning": "w"}[day.Worst]
		if day.Samples == 0 {
			kind = "x"
		}
		n[kind]++
		w.Days = append(w.Days, kind)
	}
	w.Label = p.T("desk.week", "fine", n[""], "warnings", n["w"], "critical", n["c"], "silent", n["x"])
	return w
}

func (d *Web) fleetShow(w http.ResponseWriter, r *http.Request) error {
	a, err := d.as(r)
	if err != nil {
		return err
	}
	page, err := d.newFleetPage(r, a)
	if err != nil {
		return err
	}
	return d.ui.Render(w, http.StatusOK, "desk-fleet", page)
}

// fleetEvents sends the list anew until the browser leaves.
func (d *Web) fleetEvents(w http.ResponseWriter, r *http.Request) error {
	a, err := d.as(r)
	if err != nil {
		return err
	}
	s, err := webkit.NewStream(w)
	if err != nil {
		return nil //nolint:nilerr // the browser went away
	}
	tick := time.NewTicker(fleetAnew)
	defer tick.Stop()
	said := ""
	for {
		if said, err = d.fleetAnew(r, a, s, said); err != nil {
			return nil //nolint:nilerr // the browser went away; what else is wrong, a new page says
		}
		select {
		case <-r.Context().Done():
			return nil
		case <-tick.C:
		}
	}
}

// fleetAnew sends the part that was asked for as it is now, and with the head
// its lead, where that is another one than the one said before.
func (d *Web) fleetAnew(r *http.Request, a asks, s *webkit.Stream, said string) (string, error) {
	page, err := d.newFleetPage(r, a)
	if err != nil {
		return said, err
	}
	table := r.URL.Query().Get("part") == "table"
	part := "desk-fleet-head"
	if table {
		part = "desk-fleet-table"
	}
	html, err := d.ui.Fragment(part, page)
	if err != nil {
		return said, err
	}
	if err := s.Send("patch", "", html); err != nil {
		return said, err
	}
	if !table && said != "" && page.Lead != said {
		if err := s.Send("said", "", page.Lead); err != nil {
			return said, err
		}
	}
	return page.Lead, nil
}
