// SPDX-License-Identifier: AGPL-3.0-or-later

package jobs

import (
	"net/url"
	"slices"
	"strconv"

	"coopkit/appliance"
	"coopkit/appliance/say"
	"coopkit/internal/webkit"
)

// ask is which jobs somebody wants to see; empty fields mean all of them.
type ask struct{ about, by, kind string }

// The names of the fields, which stand in the address, so that a view can be
// shared.
const (
	fieldAbout = "about"
	fieldBy    = "by"
	fieldKind  = "kind"
)

func askedFor(q url.Values) ask { return ask{q.Get(fieldAbout), q.Get(fieldBy), q.Get(fieldKind)} }

// of are the jobs that are asked for.
func (a ask) of(all []appliance.Job) []appliance.Job {
	return slices.DeleteFunc(slices.Clone(all), func(j appliance.Job) bool {
		return a.about != "" && a.about != j.Subject || a.by != "" && a.by != byKey(j.By) || a.kind != "" && a.kind != string(j.Kind)
	})
}

// byKey is who asked for a job, as an address has it.
func byKey(by appliance.By) string { return string(by.Kind) + ":" + by.Name }

// page is where a page of these jobs is.
func (a ask) page(n int) string {
	q := url.Values{"page": {strconv.Itoa(n)}}
	for name, value := range map[string]string{fieldAbout: a.about, fieldBy: a.by, fieldKind: a.kind} {
		if value != "" {
			q.Set(name, value)
		}
	}
	return "/activity?" + q.Encode()
}

// filter is one choice above the list.
type filter struct {
	Name, Label string
	Options     []option
}

type option struct {
	Value, Text string
	Here        bool
}

// filters offer what there are jobs of, by the newest; nothing where there is no
// choice.
func (a ask) filters(p *webkit.Page, all []appliance.Job) []filter {
	if len(all) < 2 {
		return nil
	}
	out := []filter{
		{Name: fieldAbout, Label: p.T("jobs.filter.about"), Options: []option{{Text: p.T("jobs.filter.about.all")}}},
		{Name: fieldBy, Label: p.T("jobs.by"), Options: []option{{Text: p.T("jobs.filter.by.all")}}},
		{Name: fieldKind, Label: p.T("jobs.filter.kind"), Options: []option{{Text: p.T("jobs.filter.kind.all")}}},
	}
	for _, j := range all {
		out[0].offer(j.Subject, say.About(j), a.about)
		if by := say.By(p.Locale, j.By); by != "" {
			out[1].offer(byKey(j.By), by, a.by)
		}
		if key := "jobs.kind." + string(j.Kind); p.Has(key) {
			out[2].offer(string(j.Kind), p.T(key), a.kind)
		}
	}
	return out
}

func (f *filter) offer(value, text, chosen string) {
	if !slices.ContainsFunc(f.Options, func(o option) bool { return o.Value == value }) {
		f.Options = append(f.Options, option{value, text, value == chosen})
	}
}
