// SPDX-License-Identifier: AGPL-3.0-or-later

package agent

import (
	"context"
	"errors"
	"strings"

	"coopkit/appliance"
	"coopkit/appliance/health"
	"coopkit/appliance/notify"
	"coopkit/appliance/notify/letter"
	"coopkit/internal/problem"
)

// makeNotify makes the part that tells people, and tells it where it learns what
// there is to tell.
func (a *Agent) makeNotify() {
	b := a.backend
	b.notify = notify.New(notify.Deps{
		Store: b.store, Writer: &letter.Writer{}, Log: a.log, People: a.cfg.Outside.People, Jobs: b.newestJobs, Box: b.asSender,
		Report: func(ctx context.Context) (appliance.Report, error) { return b.health.Shown(ctx) },
		Clock:  a.cfg.Outside.Now, Reach: a.cfg.Outside.Reach,
	})
}

// people are those with an open account.
func (b *backend) people(ctx context.Context) ([]notify.Person, error) {
	if b.face == nil {
		return nil, nil
	}
	all, err := b.face.accounts.People(ctx)
	if err != nil {
		return nil, err
	}
	var out []notify.Person
	for _, p := range all {
		if !p.Disabled {
			out = append(out, notify.Person{ID: string(p.ID), Name: p.Name, Display: p.Display, Language: p.Language})
		}
	}
	return out, nil
}

// newestJobs are the newest changes but those of installs that "coopkit recipe
// test" made.
func (b *backend) newestJobs(ctx context.Context) ([]appliance.Job, error) {
	jobs, err := b.jobs.List(ctx, 50)
	if err != nil {
		return nil, err
	}
	installs, err := b.store.Installs(ctx)
	if err != nil {
		return nil, err
	}
	scratch := map[string]bool{}
	for _, in := range installs {
		scratch["app:"+string(in.Name)] = in.Scratch
	}
	var out []appliance.Job
	for _, j := range jobs {
		if !scratch[j.Subject] {
			out = append(out, j)
		}
	}
	return out, nil
}

// asSender is this box at the head of a message.
func (b *backend) asSender(ctx context.Context) (notify.Box, error) {
	s, err := b.Settings(ctx)
	if err != nil {
		return notify.Box{}, err
	}
	box := notify.Box{Coop: s.Coop, Name: s.Box, Language: s.Language, Console: b.consoleURL()}
	var err1 error
	box.Apps, err1 = b.countApps(ctx)
	sites, err2 := b.sites.List(ctx)
	box.Sites = len(sites)
	return box, errors.Join(err1, err2)
}

// healthMessages is how this box reaches its people, as the checks see it.
func (b *backend) healthMessages(ctx context.Context) (health.Messages, error) {
	all, err := b.notify.Receivers(ctx)
	if err != nil {
		return health.Messages{}, err
	}
	m := health.Messages{People: len(all)}
	for _, r := range all {
		if r.Reached() {
			m.Reached++
		}
		for _, c := range r.Channels {
			if c.Failing.IsZero() || c.Proven.IsZero() || c.Problem == nil {
				continue
			}
			m.Failing = append(m.Failing, health.FailingChannel{Kind: c.Kind, Person: r.Person, Since: c.Failing, Reason: strings.TrimSuffix(problem.Reason(c.Problem), ".")})
		}
	}
	return m, nil
}
