// SPDX-License-Identifier: AGPL-3.0-or-later

package wire

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"unicode"
	"unicode/utf8"
)

// More limits of what a desk takes; Entry.Tidy keeps a box within them.
const (
	MaxEntryBytes = 32 << 10 // of one entry, so that each fits a report
	MaxOpen       = 100      // open findings of a box
	MaxInstalls   = 100
	MaxSites      = 200
	MaxNext       = 8 // things to do about a finding
	MaxArgs       = 12
	MinPeriodS    = 10
	MaxPeriodS    = 3600

	maxName    = 100 // bytes of names and versions
	maxHost    = 253
	maxCode    = 64
	maxSubject = 253
	maxArg     = 253
)

// argName is how a value of a finding is named.
var argName = regexp.MustCompile(`^[a-z][a-z_]{0,39}$`)

// Check returns an error unless the entry is one that a desk takes: exactly
// one of its pointers is set, and what it points to is within the limits.
func (e Entry) Check() error {
	if e.At.IsZero() {
		return errors.New("at is missing")
	}
	var err error
	n := 0
	is := func(set bool, check func() error) {
		if set {
			n++
			err = errors.Join(err, check())
		}
	}
	is(e.Sample != nil, func() error { return e.Sample.check() })
	is(e.Facts != nil, func() error { return e.Facts.check() })
	is(e.Finding != nil, func() error { return e.Finding.check() })
	is(e.Solved != nil, func() error { return e.Solved.check() })
	is(e.Missing != nil, func() error { return e.Missing.check() })
	is(e.Open != nil, func() error { return checkOpen(*e.Open) })
	if n != 1 {
		return fmt.Errorf("it tells %d things, not 1", n)
	}
	return err
}

func (s Sample) check() error {
	if s.UptimeS < 0 || s.Load < 0 || s.Load > 1e6 || math.IsNaN(s.Load) || s.Apps < 0 || s.AppsUp < 0 || s.AppsUp > s.Apps || s.Apps > 1e6 {
		return errors.New("a number of the sample is out of range")
	}
	if max(s.Memory, s.MemoryUsed, s.Disk, s.DiskUsed) > maxNumber {
		return errors.New("a size in the sample is out of range")
	}
	return nil
}

func (m Missing) check() error {
	if m.Samples < 1 || m.Samples > 1e9 || m.From.IsZero() || m.To.Before(m.From.Time) {
		return errors.New("missing says neither how many nor when")
	}
	return nil
}

func (n FindingName) check() error {
	if n.Code == "" {
		return errors.New("code is missing")
	}
	return errors.Join(text("code", n.Code, maxCode), text("subject", n.Subject, maxSubject))
}

func (f Finding) check() error {
	if f.Severity != "notice" && f.Severity != "warning" && f.Severity != "critical" {
		return errors.New("severity is not notice, warning or critical")
	}
	if len(f.Next) > MaxNext {
		return fmt.Errorf("next has more than %d things", MaxNext)
	}
	err := errors.Join(f.FindingName.check(), text("what", f.What, MaxFindingText), text("why", f.Why, MaxFindingText), text("who", f.Who, maxName))
	for _, n := range f.Next {
		err = errors.Join(err, text("next", n, MaxFindingText))
	}
	return errors.Join(err, checkArgs(f.Args))
}

func checkArgs(args map[string]string) (err error) {
	if len(args) > MaxArgs {
		return fmt.Errorf("args has more than %d values", MaxArgs)
	}
	for name, value := range args {
		if !argName.MatchString(name) {
			return errors.New("args has a name that is not small letters")
		}
		err = errors.Join(err, text("args", value, maxArg))
	}
	return err
}

func checkOpen(open []Finding) error {
	if len(open) > MaxOpen {
		return fmt.Errorf("more than %d findings are open", MaxOpen)
	}
	seen := make(map[FindingName]bool, len(open))
	for _, f := range open {
		if err := f.check(); err != nil {
			return err
		}
		if seen[f.FindingName] {
			return errors.New("a finding is on the list twice")
		}
		seen[f.FindingName] = true
	}
	return nil
}

func (f Facts) check() error {
	if len(f.Installs) > MaxInstalls || len(f.Sites) > MaxSites || len(f.Certificates) > MaxSites {
		return errors.New("a list of the facts is too long")
	}
	if f.CPUs < 0 || f.CPUs > 1e6 || f.Memory > maxNumber {
		return errors.New("a number of the facts is out of range")
	}
	err := names(f.Coop, f.Name, f.Agent, f.System, f.Arch, f.Kernel, f.Engine, f.Language)
	for _, i := range f.Installs {
		err = errors.Join(err, names(i.Name, i.Recipe, i.Version, i.State), text("host", i.Host, maxHost))
	}
	for _, s := range f.Sites {
		err = errors.Join(err, text("host", s.Host, maxHost))
	}
	for _, c := range f.Certificates {
		err = errors.Join(err, text("host", c.Host, maxHost), names(c.Issuer))
	}
	return err
}

func names(all ...string) error {
	for _, n := range all {
		if err := text("a name", n, maxName); err != nil {
			return err
		}
	}
	return nil
}

// text checks a text for people: short, and nothing in it that does not print.
func text(what, s string, most int) error {
	if len(s) > most {
		return fmt.Errorf("%s is longer than %d bytes", what, most)
	}
	if !utf8.ValidString(s) {
		return fmt.Errorf("%s is not UTF-8", what)
	}
	for _, r := range s {
		if !prints(r) {
			return fmt.Errorf("%s has a character that does not print", what)
		}
	}
	return nil
}

// prints refuses control characters and those that turn the direction of the
// text around them, with which one thing can be shown as another.
func prints(r rune) bool {
	return !unicode.IsControl(r) && (r < 0x202a || r > 0x202e) && (r < 0x2066 || r > 0x2069)
}
