// SPDX-License-Identifier: AGPL-3.0-or-later

package area

import (
	"slices"

	"coopkit/appliance"
	"coopkit/internal/locale"
	"coopkit/internal/webkit"
)

// ReachPill is how far an address reaches, in a word: can visitors from outside
// open it?
func ReachPill(p *webkit.Page, r appliance.Reach) webkit.Pill {
	pill := map[appliance.Reach]webkit.Pill{
		appliance.ReachOpen: {Kind: "ok", Icon: "okc"}, appliance.ReachWarned: {Kind: "warn", Icon: "tri"},
		appliance.ReachInside: {Kind: "note", Icon: "home"}, appliance.ReachNotSwitched: {Kind: "note", Icon: "clock"},
		appliance.ReachClosed: {Icon: "minus"},
	}[r]
	if pill.Icon == "" {
		pill, r = webkit.Pill{Icon: "quiet"}, appliance.ReachUnknown
	}
	pill.Text = p.T("area.reach." + string(r))
	return pill
}

// ReachOf is how far the address of a host reaches.
func ReachOf(all []appliance.AddressReach, host string) appliance.Reach {
	if i := slices.IndexFunc(all, func(a appliance.AddressReach) bool { return a.Host.String() == host }); i >= 0 {
		return all[i].Reach
	}
	return appliance.ReachUnknown
}

// Door counts how far the addresses of a box reach; each counts once.
type Door struct {
	All, Open, Warned, Inside, Unswitched, Unknown int
	Stopped                                        int      // closed because somebody wants it so
	Down                                           int      // closed otherwise
	Names                                          []string // that have to be switched over
}

// CountDoor counts addresses.
func CountDoor(all []appliance.AddressReach) Door {
	d := Door{All: len(all)}
	for _, a := range all {
		switch {
		case a.Stopped:
			d.Stopped++
		case a.Reach == appliance.ReachOpen:
			d.Open++
		case a.Reach == appliance.ReachWarned:
			d.Warned++
		case a.Reach == appliance.ReachInside:
			d.Inside++
		case a.Reach == appliance.ReachNotSwitched:
			d.Unswitched++
			if !slices.Contains(d.Names, a.Name) {
				d.Names = append(d.Names, a.Name)
			}
		case a.Reach == appliance.ReachClosed:
			d.Down++
		default:
			d.Unknown++
		}
	}
	return d
}

// Sentence says what visitors from outside find, what is worst first. There is
// an address at least.
func (d Door) Sentence(l *locale.Locale) string {
	if d.Stopped == d.All {
		return l.T("area.door.stopped")
	}
	text := d.wanted(l)
	if d.Stopped > 0 {
		text += " " + d.Besides(l)
	}
	return text
}

// Besides says how many addresses are stopped.
func (d Door) Besides(l *locale.Locale) string { return l.T("area.door.besides", "count", d.Stopped) }

// wanted is the sentence about the addresses that should be open. Those that are
// stopped count among all, so that none is hidden.
func (d Door) wanted(l *locale.Locale) string {
	switch {
	case d.Down > 0 && d.Down == d.All-d.Stopped:
		return d.every(l, "closed", d.All)
	case d.Down > 0:
		return l.T("area.door.closed.some", "count", d.Down, "all", d.All)
	case len(d.Names) > 1:
		return l.T("area.door.unswitched.names", "names", l.List(d.Names), "count", d.Unswitched, "all", d.All)
	case d.Unswitched == d.All:
		return l.T("area.door.unswitched", "name", d.Names[0], "count", d.All)
	case d.Unswitched > 0:
		return l.T("area.door.unswitched.some", "name", d.Names[0], "count", d.Unswitched, "all", d.All)
	}
	for _, kind := range []struct {
		name string
		n    int
	}{{"warned", d.Warned}, {"inside", d.Inside}, {"unknown", d.Unknown}, {"open", d.Open}} {
		switch {
		case kind.n == d.All:
			return d.every(l, kind.name, d.All)
		case kind.n > 0:
			return l.T("area.door."+kind.name+".some", "count", kind.n, "all", d.All)
		}
	}
	return ""
}

// every is a sentence about all addresses; two of them are both.
func (d Door) every(l *locale.Locale, kind string, n int) string {
	if n == 2 {
		return l.T("area.door." + kind + ".both")
	}
	return l.T("area.door."+kind, "count", n)
}
