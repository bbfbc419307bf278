// SPDX-License-Identifier: AGPL-3.0-or-later

// Package controltest owns Fake, a believable agent in memory, for tests of
// whatever talks to a control.Agent: the CLI, the console, the demo. It knows
// nothing of containers, DNS or files. The tests of control and of the CLI run
// all of it.
package controltest

import (
	"context"
	"slices"
	"sync"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/control"
	"coopkit/internal/hostname"
	"coopkit/internal/problem"
)

// Fake is a control.Agent in memory. Its clock begins on 23 November 2026,
// 09:00 UTC, and moves only when jobs run, so that output is the same on every
// run. It is safe for concurrent use.
type Fake struct {
	mu        sync.Mutex
	now       time.Time
	fail      map[string]error
	jobFault  *problem.Problem
	held      bool
	following int
	changed   chan struct{} // closed and replaced when a job moved

	jobs      []*job
	apps      map[appliance.InstallName]*appliance.App
	sites     map[hostname.Name]*site
	zones     []string
	redirects map[hostname.Name]string
	checks    map[string]appliance.NameCheck // that SetCheck set
	delegated map[string][]string            // name servers that SetDelegation set
	findings  []appliance.Finding
	unlooked  bool // the checks have not looked yet
	week      []appliance.Day
	settings  appliance.Settings
	desk      appliance.DeskLink
}

type (
	fakeBox       struct{ *Fake }
	fakeHealth    struct{ *Fake }
	fakeRecipes   struct{ *Fake }
	fakeApps      struct{ *Fake }
	fakeJobs      struct{ *Fake }
	fakeNames     struct{ *Fake }
	fakeRedirects struct{ *Fake }
	fakeSites     struct{ *Fake }
	fakeDesk      struct{ *Fake }
)

// Agent is the fake by area.
func (f *Fake) Agent() control.Agent {
	return control.Agent{
		Box: fakeBox{f}, Health: fakeHealth{f}, Recipes: fakeRecipes{f}, Apps: fakeApps{f}, Jobs: fakeJobs{f},
		Names: fakeNames{f}, Redirects: fakeRedirects{f}, Sites: fakeSites{f}, Desk: fakeDesk{f},
	}
}

// New returns an agent without apps that serves the zone demo.coop.
func New() *Fake {
	return &Fake{
		now:       time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC),
		fail:      map[string]error{},
		changed:   make(chan struct{}),
		apps:      map[appliance.InstallName]*appliance.App{},
		sites:     map[hostname.Name]*site{},
		zones:     []string{"demo.coop"},
		redirects: map[hostname.Name]string{},
		checks:    map[string]appliance.NameCheck{},
		delegated: map[string][]string{},
		settings:  appliance.Settings{Coop: "Demo Co-op", Box: "box", Language: "en"},
		desk:      appliance.DeskLink{State: appliance.DeskNone},
	}
}

// Fail makes the Backend method of that name return err from now on; nil makes
// it work again.
func (f *Fake) Fail(method string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fail[method] = err
}

// FailJobs makes jobs that start from now on fail with p and be undone; nil
// makes them work again.
func (f *Fake) FailJobs(p *problem.Problem) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.jobFault = p
}

// Find makes the checks find these.
func (f *Fake) Find(findings ...appliance.Finding) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.findings, f.unlooked = findings, false
}

// Unlooked makes the agent one that began this moment: its checks have not
// looked yet, until Find.
func (f *Fake) Unlooked() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.findings, f.unlooked = nil, true
}

// enter locks the fake for one call; leave is f.mu.Unlock.
func (f *Fake) enter(ctx context.Context, method string) error {
	f.mu.Lock()
	if err := f.fail[method]; err != nil {
		return err
	}
	return ctx.Err()
}

// Status implements control.Agent.
func (f fakeBox) Status(ctx context.Context) (appliance.Status, error) {
	defer f.mu.Unlock()
	if err := f.enter(ctx, "Status"); err != nil {
		return appliance.Status{}, err
	}
	return appliance.Status{
		Version: "0.1.0", Started: f.now.Add(-time.Hour), PID: 4711, State: "/var/lib/coopkit",
		HTTP: "127.0.0.1:8080", HTTPS: "127.0.0.1:8443", DNS: "127.0.0.1:5453",
		CA: "/var/lib/coopkit/ca/root.crt", Engine: "Docker Engine 20.10.24", Worst: f.worst(),
	}, nil
}

func (f *Fake) worst() *appliance.Severity {
	if f.unlooked {
		return nil
	}
	worst := appliance.OK
	for _, x := range f.findings {
		worst = max(worst, x.Severity)
	}
	return &worst
}

// Doctor implements control.Agent.
func (f fakeHealth) Now(ctx context.Context) (appliance.Report, error) {
	defer f.mu.Unlock()
	if err := f.enter(ctx, "Doctor"); err != nil {
		return appliance.Report{}, err
	}
	return appliance.Report{At: f.now, Checks: 12, Findings: append([]appliance.Finding{}, f.findings...)}, nil
}

// SetWeek changes what the last seven days were like; without it they were fine.
func (f *Fake) SetWeek(days []appliance.Day) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.week = days
}

// Week implements control.Agent.
func (f fakeHealth) Week(ctx context.Context) ([]appliance.Day, error) {
	defer f.mu.Unlock()
	if err := f.enter(ctx, "Week"); err != nil {
		return nil, err
	}
	if f.week != nil {
		return slices.Clone(f.week), nil
	}
	var days []appliance.Day
	for ago := range 7 {
		days = append(days, appliance.Day{Date: f.now.AddDate(0, 0, ago-6).Format(time.DateOnly), Looked: true})
	}
	return days, nil
}

// Findings implements control.Agent.
func (f fakeHealth) Shown(ctx context.Context) (appliance.Report, error) {
	defer f.mu.Unlock()
	if err := f.enter(ctx, "Findings"); err != nil {
		return appliance.Report{}, err
	}
	at := f.now.Add(-time.Minute)
	if f.unlooked {
		at = time.Time{}
	}
	return appliance.Report{At: at, Checks: 12, Findings: append([]appliance.Finding{}, f.findings...)}, nil
}

// Certificates implements control.Agent.
func (f fakeBox) Certificates(ctx context.Context) ([]appliance.Certificate, error) {
	defer f.mu.Unlock()
	if err := f.enter(ctx, "Certificates"); err != nil {
		return nil, err
	}
	certs := []appliance.Certificate{}
	for _, host := range f.hosts() {
		certs = append(certs, appliance.Certificate{
			Host: string(host), Issuer: "Demo Co-op local CA", NotAfter: f.now.AddDate(0, 3, 0),
		})
	}
	return certs, nil
}

// hosts lists every host that the front door serves, sorted.
func (f *Fake) hosts() []hostname.Name {
	var hosts []hostname.Name
	for _, a := range f.apps {
		hosts = append(hosts, a.Addresses...)
	}
	for h := range f.sites {
		hosts = append(hosts, h)
	}
	for h := range f.redirects {
		hosts = append(hosts, h)
	}
	slices.Sort(hosts)
	return hosts
}
