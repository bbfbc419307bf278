// SPDX-License-Identifier: AGPL-3.0-or-later

package wire

import (
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits of what is in a message.
const (
	MaxEntryBytes = 32 << 10 // of one entry as a box writes it, so that each fits a report
	MaxOpen       = 100      // open findings of a box
	MaxInstalls   = 100
	MaxSites      = 200
	MaxNext       = 8 // things to do about a finding
	MaxArgs       = 12

	maxName    = 100 // bytes of names and versions
	maxHost    = 253
	maxCode    = 64
	maxSubject = 253
	maxArg     = 253
)

// argName is how a value of a finding is named.
var argName = regexp.MustCompile(`^[a-z][a-z_]{0,39}$`)

// Tidy returns the entry within the limits: texts and lists cut, what does not
// print replaced by a space, numbers put in range and the load rounded. A box
// does so before it keeps an entry, and a desk when it reads one. It shares
// nothing with e that it changes.
func (e Entry) Tidy() Entry {
	e.At = At(e.At.Time)
	if e.Sample != nil {
		s := e.Sample.tidy()
		e.Sample = &s
	}
	if e.Solved != nil {
		n := e.Solved.tidy()
		e.Solved = &n
	}
	if e.Finding != nil {
		f := e.Finding.tidy()
		e.Finding = &f
	}
	if e.Facts != nil {
		f := e.Facts.Tidy()
		e.Facts = &f
	}
	if e.Missing != nil {
		m := e.Missing.tidy()
		e.Missing = &m
	}
	if e.Open != nil {
		open := tidyOpen(*e.Open)
		e.Open = &open
	}
	return e
}

func (s Sample) tidy() Sample {
	s.Load = math.Round(min(max(s.Load, 0), 1e6)*100) / 100
	if math.IsNaN(s.Load) {
		s.Load = 0
	}
	s.UptimeS = max(s.UptimeS, 0)
	s.Apps = min(max(s.Apps, 0), 1e6)
	s.AppsUp = min(max(s.AppsUp, 0), s.Apps)
	s.Memory, s.MemoryUsed = min(s.Memory, maxNumber), min(s.MemoryUsed, maxNumber)
	s.Disk, s.DiskUsed = min(s.Disk, maxNumber), min(s.DiskUsed, maxNumber)
	return s
}

func (m Missing) tidy() Missing {
	m.Samples = min(max(m.Samples, 0), 1e9)
	m.From, m.To = At(m.From.Time), At(m.To.Time)
	return m
}

func (n FindingName) tidy() FindingName {
	return FindingName{Code: cut(n.Code, maxCode), Subject: cut(n.Subject, maxSubject)}
}

func (f Finding) tidy() Finding {
	f.FindingName = f.FindingName.tidy()
	if !slices.Contains(severities, f.Severity) {
		f.Severity = unknownSeverity
	}
	f.What, f.Why, f.Who = cut(f.What, MaxFindingText), cut(f.Why, MaxFindingText), cut(f.Who, maxName)
	f.Next = each(f.Next, MaxNext, func(n string) string { return cut(n, MaxFindingText) })
	f.Since = At(f.Since.Time)
	f.Args = tidyArgs(f.Args)
	return f
}

var severities = []string{"notice", "warning", "critical"}

// unknownSeverity stands for one that only a newer box knows: it is seen, and
// wakes nobody.
const unknownSeverity = "warning"

func tidyArgs(args map[string]string) map[string]string {
	var out map[string]string
	for _, name := range slices.Sorted(maps.Keys(args)) {
		if !argName.MatchString(name) || len(out) == MaxArgs {
			continue
		}
		if out == nil {
			out = make(map[string]string, len(args))
		}
		out[name] = cut(args[name], maxArg)
	}
	return out
}

// tidyOpen keeps every finding as long as it can: their explanations go first,
// then the last ones.
func tidyOpen(open []Finding) []Finding {
	out := make([]Finding, 0, min(len(open), MaxOpen))
	seen := map[FindingName]bool{}
	for _, f := range open {
		if f = f.tidy(); !seen[f.FindingName] && len(out) < MaxOpen {
			seen[f.FindingName] = true
			out = append(out, f)
		}
	}
	for i := len(out) - 1; i >= 0 && tooLong(out); i-- {
		out[i].Why, out[i].Next, out[i].Args = "", nil, nil
	}
	for len(out) > 0 && tooLong(out) {
		out = out[:len(out)*3/4]
	}
	return out
}

// Tidy does for the facts of an enrolment what Entry.Tidy does for an entry.
func (f Facts) Tidy() Facts {
	for _, s := range []*string{&f.Coop, &f.Name, &f.Agent, &f.System, &f.Arch, &f.Kernel, &f.Engine, &f.Language} {
		*s = cut(*s, maxName)
	}
	f.CPUs, f.Memory = min(max(f.CPUs, 0), 1e6), min(f.Memory, maxNumber)
	f.Installs = each(f.Installs, MaxInstalls, func(i Install) Install {
		i.Name, i.Recipe, i.Version, i.State = cut(i.Name, maxName), cut(i.Recipe, maxName), cut(i.Version, maxName), cut(i.State, maxName)
		i.Host, i.Title, i.Reach = cut(i.Host, maxHost), cut(i.Title, maxName), cut(i.Reach, maxName)
		return i
	})
	f.Sites = each(f.Sites, MaxSites, func(s Site) Site { s.Host = cut(s.Host, maxHost); return s })
	f.Certificates = each(f.Certificates, MaxSites, func(c Certificate) Certificate {
		c.Host, c.Issuer = cut(c.Host, maxHost), cut(c.Issuer, maxName)
		return c
	})
	for tooLong(f) && len(f.Certificates)+len(f.Sites)+len(f.Installs) > 0 {
		f.Certificates = f.Certificates[:len(f.Certificates)*3/4]
		f.Sites = f.Sites[:len(f.Sites)*3/4]
		f.Installs = f.Installs[:len(f.Installs)*3/4]
	}
	return f
}

// tooLong leaves room for what is around it in the entry.
func tooLong(v any) bool {
	b, err := Encode(v)
	return err != nil || len(b) > MaxEntryBytes-200
}

// each returns a copy of at most n of list with f applied.
func each[T any](list []T, n int, f func(T) T) []T {
	if len(list) == 0 {
		return nil
	}
	out := make([]T, 0, min(len(list), n))
	for _, v := range list[:min(len(list), n)] {
		out = append(out, f(v))
	}
	return out
}

// cut makes a text short and printable: at most n bytes, an ellipsis where
// something is missing.
func cut(s string, n int) string {
	s = strings.Map(func(r rune) rune {
		if !prints(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\ufffd"))
	if len(s) <= n {
		return s
	}
	const ellipsis = "…"
	s = s[:n-len(ellipsis)]
	for !utf8.ValidString(s) {
		s = s[:len(s)-1]
	}
	return s + ellipsis
}

// prints refuses control characters and those that turn the direction of the
// text around them, with which one thing can be shown as another.
func prints(r rune) bool {
	return !unicode.IsControl(r) && (r < 0x202a || r > 0x202e) && (r < 0x2066 || r > 0x2069)
}
