// SPDX-License-Identifier: AGPL-3.0-or-later

// Package health owns the one registry of checks that doctor, the console,
// preflight and the reports to the desk share. A check looks at one thing and
// says what it means for people; the registry runs all of them, keeps short
// faults from flapping, and hides what is only a consequence. Each check
// declares what it needs as a function or a small interface, so this package
// knows nothing of SQL, certmagic, DNS servers or HTTP routes. The damping is
// tested in a synctest bubble, each check with facts made up for it.
package health

import (
	"context"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"coopkit/appliance"
	"coopkit/internal/logkey"
)

// Code describes one kind of finding that a check can give. It is the source
// of docs/reference/checks.md.
type Code struct {
	Code     string             // stable, upper case with hyphens
	Severity appliance.Severity // the worst that it can have
	Means    string             // one or two sentences for the reference page
	// DependsOn names codes that, while they are found about the same subject,
	// about a part of it or about what it is a part of, explain this one: it is
	// then hidden below them.
	DependsOn []string
	// BoxWide says that as a cause this code explains its consequences whatever
	// their subject is: a full disk, an engine that does not answer.
	BoxWide bool
	// VisibleAfter is how many times in a row it must be found before it shows
	// (0: 2), HoldAfter how many times in a row it must be gone before it goes
	// (0: 2).
	VisibleAfter, HoldAfter int
}

// Check looks at one thing, again and again.
type Check struct {
	Name    string        // stable slug
	Title   string        // for people: what it looks at
	Every   time.Duration // 0: one minute
	Timeout time.Duration // 0: 20 seconds
	Codes   []Code
	// Run returns what is not in order; Since and Hides are filled in by the
	// registry. An error means that it could not look, which is neither good
	// nor bad: what was known stays.
	Run func(ctx context.Context) ([]appliance.Finding, error)
}

// CouldNotLook is the code of the finding that the registry itself makes when
// a check fails or takes too long; its subject is "check:<name>".
const CouldNotLook = "CHECK-COULD-NOT-LOOK"

// couldNotLook describes it for the reference page and the damping.
var couldNotLook = Code{
	Code: CouldNotLook, Severity: appliance.Notice,
	Means: "A check could not look, so what it watches is unknown. What it found before is still shown.",
}

const usualEvery = time.Minute

// Store keeps findings over restarts, so that "since" stays true.
type Store interface {
	// LoadFindings returns those that can be read; the error says why not all.
	LoadFindings(ctx context.Context) ([]appliance.Finding, error)
	// SaveFindings replaces all that was saved before.
	SaveFindings(ctx context.Context, findings []appliance.Finding) error
	// KeepDay adds to what is kept of a day: of each subject the worst counts.
	KeepDay(ctx context.Context, day appliance.Day) error
	// Days returns the days from that date on, oldest first.
	Days(ctx context.Context, from string) ([]appliance.Day, error)
}

// Deps is what New needs. Log is required.
type Deps struct {
	Log   *slog.Logger
	Store Store            // nil: nothing is kept over a restart
	Clock func() time.Time // nil: time.Now
	// Changed is called when Run knows what showed before, and whenever what
	// shows is something else; it does not wait. nil: nobody is told.
	Changed func()
	// Report is told that some of what was kept cannot be read. nil: only the log
	// is.
	Report func(err error)
}

// Registry holds the checks and what they found. It is safe for concurrent use.
type Registry struct {
	deps   Deps
	checks []Check
	codes  map[string]Code
	turns  map[string]chan struct{} // by check: one look at a time

	mu    sync.Mutex // guards what follows
	known map[key]*state
	saved []appliance.Finding
	today appliance.Day // what showed today so far
	// writeAgain is when to try once more to write it; zero: it is written.
	writeAgain time.Time
	ran        map[string]bool // the checks that gave a result
	at         time.Time       // of the newest result

	saving sync.Mutex // one write to the store at a time
}

// key identifies a finding over time.
type key struct{ code, subject string }

var codeName = regexp.MustCompile(`^[A-Z][A-Z0-9]*(-[A-Z0-9]+)*$`)

// New checks that the checks fit together: every code belongs to one check,
// and causes do not go round in a circle.
func New(d Deps, checks ...Check) (*Registry, error) {
	if d.Clock == nil {
		d.Clock = time.Now
	}
	if d.Changed == nil {
		d.Changed = func() {}
	}
	if d.Report == nil {
		d.Report = func(error) {}
	}
	d.Log = d.Log.With(logkey.Component, "health")
	r := &Registry{
		deps: d, codes: map[string]Code{CouldNotLook: couldNotLook}, known: map[key]*state{},
		turns: map[string]chan struct{}{}, ran: map[string]bool{},
	}
	for _, c := range checks {
		if c.Every <= 0 {
			c.Every = usualEvery
		}
		if c.Timeout <= 0 {
			c.Timeout = 20 * time.Second
		}
		for _, code := range c.Codes {
			if _, twice := r.codes[code.Code]; twice || !codeName.MatchString(code.Code) {
				return nil, fmt.Errorf("check %s: code %q is taken or malformed", c.Name, code.Code)
			}
			r.codes[code.Code] = code
		}
		if r.turns[c.Name] != nil {
			return nil, fmt.Errorf("two checks are named %s", c.Name)
		}
		r.turns[c.Name] = make(chan struct{}, 1)
		r.checks = append(r.checks, c)
	}
	cannot := couldNotLook // what is wrong with the whole box explains why a check cannot look
	for name, code := range r.codes {
		if code.BoxWide {
			cannot.DependsOn = append(cannot.DependsOn, name)
		}
	}
	r.codes[CouldNotLook] = cannot
	for name := range r.codes {
		if err := r.acyclic(name, nil); err != nil {
			return nil, err
		}
	}
	return r, nil
}

func (r *Registry) acyclic(code string, path []string) error {
	if slices.Contains(path, code) {
		return fmt.Errorf("the causes of %s go round in a circle: %s", code, strings.Join(path, ", "))
	}
	c, ok := r.codes[code]
	if !ok {
		return fmt.Errorf("%s depends on %s, which no check gives", path[len(path)-1], code)
	}
	for _, cause := range c.DependsOn {
		if err := r.acyclic(cause, append(slices.Clone(path), code)); err != nil {
			return err
		}
	}
	return nil
}

// Checks returns the checks, for the reference page.
func (r *Registry) Checks() []Check { return slices.Clone(r.checks) }

// Findings returns what shows now: long enough bad, not a consequence of
// something else, worst first.
func (r *Registry) Findings() []appliance.Finding {
	r.mu.Lock()
	visible := r.visible()
	r.mu.Unlock()
	return hide(visible, r.codes)
}

// Shown is Findings with the time of the newest look, which is the zero time
// until every check has looked once: before that, nothing found does not mean
// that nothing is wrong. The error is always nil: others that answer this have
// one.
func (r *Registry) Shown(context.Context) (appliance.Report, error) {
	r.mu.Lock()
	at, visible := r.at, r.visible()
	if len(r.ran) < len(r.checks) {
		at = time.Time{}
	}
	r.mu.Unlock()
	return appliance.Report{At: at, Checks: len(r.checks), Findings: hide(visible, r.codes)}, nil
}

// visible returns what shows, with nothing hidden. The caller holds mu.
func (r *Registry) visible() []appliance.Finding {
	var all []appliance.Finding
	for _, s := range r.known {
		if s.visible {
			all = append(all, s.finding)
		}
	}
	sortFindings(all)
	return all
}

// sortFindings puts the worst first and is the same for the same findings.
func sortFindings(f []appliance.Finding) {
	slices.SortFunc(f, func(a, b appliance.Finding) int {
		if a.Severity != b.Severity {
			return int(b.Severity) - int(a.Severity)
		}
		if c := strings.Compare(a.Code, b.Code); c != 0 {
			return c
		}
		return strings.Compare(a.Subject, b.Subject)
	})
}
