// SPDX-License-Identifier: AGPL-3.0-or-later

package health

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"time"

	"coopkit/appliance"
	"coopkit/internal/logkey"
	"coopkit/internal/problem"
	"coopkit/internal/supervise"

	"golang.org/x/sync/errgroup"
)

// result is what one run of a check gave.
type result struct {
	check    Check
	findings []appliance.Finding
	err      error // could not look
}

// run runs one check with its time limit, once at a time. A check that panics
// could not look: a mistake in one check must not take the front door down.
func (r *Registry) run(ctx context.Context, c Check) result {
	limited, cancel := context.WithTimeoutCause(ctx, c.Timeout,
		fmt.Errorf("no result within %s", c.Timeout))
	defer cancel()
	turn := r.turns[c.Name] // a check that hangs does not pile up
	done := make(chan result, 1)
	select {
	case turn <- struct{}{}:
		go func() {
			defer func() { <-turn }()
			done <- look(limited, c)
		}()
	case <-limited.Done():
	}
	var res result
	select {
	case res = <-done:
	case <-limited.Done():
		res = result{check: c, err: context.Cause(limited)}
	}
	for _, f := range res.findings {
		if !slices.ContainsFunc(c.Codes, func(code Code) bool { return code.Code == f.Code }) {
			res.err = errors.Join(res.err, fmt.Errorf("check %s gave a code that it does not declare: %s", c.Name, f.Code))
		}
	}
	if res.err != nil && ctx.Err() == nil {
		r.deps.Log.WarnContext(ctx, "check could not look", "check", c.Name, logkey.Err, res.err)
	}
	return res
}

func look(ctx context.Context, c Check) (res result) {
	res.check = c
	res.err = supervise.Recovered(func() (err error) {
		res.findings, err = c.Run(ctx)
		return err
	})
	return res
}

// Now runs every check at once and returns what is bad at this moment, whether
// it lasts or not; a doctor does not wait. What shows already keeps its Since.
// Looking does not change what shows. The error is that of ctx.
func (r *Registry) Now(ctx context.Context) (appliance.Report, error) {
	results := make([]result, len(r.checks))
	var g errgroup.Group
	for i, c := range r.checks {
		g.Go(func() error {
			results[i] = r.run(ctx, c)
			return nil
		})
	}
	_ = g.Wait() // no check returns an error here
	at := r.deps.Clock()
	var all []appliance.Finding
	r.mu.Lock()
	for _, res := range results {
		all = append(all, res.findings...)
		if res.err != nil {
			all = append(all, r.unknown(res))
			all = append(all, r.shownBy(res)...)
		}
	}
	for i := range all {
		all[i].Since = at
		if s := r.known[key{all[i].Code, all[i].Subject}]; s != nil {
			all[i].Since = s.finding.Since
		}
	}
	r.mu.Unlock()
	sortFindings(all)
	return appliance.Report{At: at, Checks: len(r.checks), Findings: hide(all, r.codes)}, ctx.Err()
}

// unknown is the finding for a check that could not look.
func (r *Registry) unknown(res result) appliance.Finding {
	reason := res.err.Error()
	if p, ok := errors.AsType[*problem.Problem](res.err); ok {
		reason = p.What
	}
	return appliance.Finding{
		Code: CouldNotLook, Subject: "check:" + res.check.Name, Severity: appliance.Notice,
		What: "It is not known how this is: " + res.check.Title,
		Why:  "The check could not look: " + reason,
		Next: []string{"Nothing, if it goes away by itself; otherwise: coopkit doctor"},
		Who:  appliance.YourITCoop,
		Args: map[string]string{"case": res.check.Name, "reason": reason},
	}
}

// shownBy returns what showed because of a check that could not look now and
// did not find anyway. The caller holds mu.
func (r *Registry) shownBy(res result) []appliance.Finding {
	var kept []appliance.Finding
	for k, s := range r.known {
		again := slices.ContainsFunc(res.findings, func(f appliance.Finding) bool {
			return key{f.Code, f.Subject} == k
		})
		if s.visible && s.check == res.check.Name && k.code != CouldNotLook && !again {
			kept = append(kept, s.finding)
		}
	}
	return kept
}

// Run runs each check at its pace until ctx ends, beginning with what the
// store remembers. It returns nil when ctx ends.
func (r *Registry) Run(ctx context.Context) error {
	r.load(ctx)
	r.deps.Changed()
	var wg sync.WaitGroup
	for _, c := range r.checks {
		wg.Go(func() {
			supervise.Keep(ctx, r.deps.Log, supervise.Part{Name: "check " + c.Name, Run: func(ctx context.Context) error { r.loop(ctx, c); return nil }})
		})
	}
	wg.Wait()
	return nil
}

func (r *Registry) loop(ctx context.Context, c Check) {
	tick := time.NewTicker(c.Every)
	defer tick.Stop()
	for {
		res := r.run(ctx, c)
		if ctx.Err() != nil {
			return
		}
		r.take(ctx, res)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// take takes in a result of the loop and saves what shows when that changed.
// What a check that could not look everywhere did not find stays as it is:
// unknown is not good.
func (r *Registry) take(ctx context.Context, res result) {
	at := r.deps.Clock()
	var unknown []appliance.Finding
	r.mu.Lock()
	changed := r.observe(res.check.Name, res.findings, res.err == nil, at)
	if res.err != nil {
		unknown = append(unknown, r.unknown(res))
	}
	changed = r.observe("registry:"+res.check.Name, unknown, true, at) || changed
	r.at, r.ran[res.check.Name] = at, true
	page, news := r.noteDay(at)
	r.mu.Unlock()
	if news {
		r.keepDay(ctx, page)
	}
	if !changed {
		return
	}
	r.deps.Log.InfoContext(ctx, "health changed", logkey.Count, len(r.Findings()))
	if err := r.save(ctx); err != nil {
		r.deps.Log.ErrorContext(ctx, "cannot keep the findings", logkey.Err, err)
	}
	r.deps.Changed()
}

// load takes up what the store remembers. What cannot be read is forgotten: the
// checks find it again.
func (r *Registry) load(ctx context.Context) {
	if r.deps.Store == nil {
		return
	}
	saved, err := r.deps.Store.LoadFindings(ctx)
	if err != nil && ctx.Err() == nil {
		r.deps.Log.ErrorContext(ctx, "not all findings are known from before", logkey.Err, err)
		r.deps.Report(err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.saved = saved
	for _, f := range saved {
		if owner := r.owner(f); owner != "" { // a check that is no more has nothing to say
			r.known[key{f.Code, f.Subject}] = &state{finding: f, check: owner, bad: usual, visible: true}
		}
	}
}

// owner is the check that gives a finding.
func (r *Registry) owner(f appliance.Finding) string {
	for _, c := range r.checks {
		if f.Code == CouldNotLook && f.Subject == "check:"+c.Name {
			return "registry:" + c.Name
		}
		if slices.ContainsFunc(c.Codes, func(code Code) bool { return code.Code == f.Code }) {
			return c.Name
		}
	}
	return ""
}

func (r *Registry) save(ctx context.Context) error {
	if r.deps.Store == nil {
		return nil
	}
	r.saving.Lock()
	defer r.saving.Unlock()
	r.mu.Lock()
	now, before := r.visible(), r.saved
	r.mu.Unlock()
	if reflect.DeepEqual(now, before) {
		return nil
	}
	if err := r.deps.Store.SaveFindings(ctx, now); err != nil {
		return fmt.Errorf("save findings: %w", err)
	}
	r.mu.Lock()
	r.saved = now
	r.mu.Unlock()
	return nil
}
