// SPDX-License-Identifier: AGPL-3.0-or-later

package notify

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"coopkit/appliance"
)

// audience is who can be told something now.
type audience struct {
	person    Person
	recipient Recipient
	channels  []Channel // that are proven
}

// audience lists the people whom messages reach.
func (n *Notify) audience(ctx context.Context) ([]audience, error) {
	channels, err := n.deps.Store.Channels(ctx)
	if err != nil {
		return nil, err
	}
	channels = slices.DeleteFunc(channels, func(c Channel) bool { return c.Proven.IsZero() })
	if len(channels) == 0 {
		return nil, nil
	}
	people, err := n.deps.People(ctx)
	if err != nil {
		return nil, err
	}
	recipients, err := n.deps.Store.Recipients(ctx)
	if err != nil {
		return nil, err
	}
	var out []audience
	for _, p := range people {
		a := audience{person: p, recipient: newRecipient(p.ID, n.deps.Clock())}
		if i := slices.IndexFunc(recipients, func(r Recipient) bool { return r.Person == p.ID }); i >= 0 {
			a.recipient = recipients[i]
		}
		for _, c := range channels {
			if c.Person == p.ID {
				a.channels = append(a.channels, c)
			}
		}
		if len(a.channels) > 0 {
			out = append(out, a)
		}
	}
	return out, nil
}

// watch looks at the box and writes what people are to be told. What fails for
// one person does not keep others from being told.
func (n *Notify) watch(ctx context.Context) error {
	all, err := n.audience(ctx)
	if err != nil || len(all) == 0 {
		return err
	}
	s, report, err := n.look(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, a := range all {
		if err := n.tell(ctx, a, s, report); err != nil {
			errs = append(errs, fmt.Errorf("tell a person: %w", err))
		}
	}
	return errors.Join(errs...)
}

// look collects what there is to tell.
func (n *Notify) look(ctx context.Context) (situation, appliance.Report, error) {
	now := n.deps.Clock()
	s := situation{now: now, hidden: map[string]bool{}}
	report, err := n.deps.Report(ctx)
	if err != nil {
		return s, report, err
	}
	s.looked = !report.At.IsZero()
	for _, f := range report.Findings {
		s.conditions = append(s.conditions, condition{cause: causeOf(f), severity: f.Severity, finding: f})
		for _, h := range f.Hides {
			s.hidden[h] = true
		}
	}
	jobs, err := n.deps.Jobs(ctx)
	if err != nil {
		return s, report, err
	}
	for _, j := range jobs {
		if c, ok := jobCondition(j, now); ok {
			s.conditions = append(s.conditions, c)
		}
	}
	slices.SortStableFunc(s.conditions, func(a, b condition) int { return int(b.severity) - int(a.severity) })
	n.mu.Lock()
	defer n.mu.Unlock()
	seen := map[string]time.Time{}
	for i, c := range s.conditions {
		since, ok := n.seen[c.cause]
		if !ok {
			since = now
		}
		seen[c.cause], s.conditions[i].since = since, since
	}
	n.seen = seen
	return s, report, nil
}

// causeOf names a finding as appliance.Finding.Hides does.
func causeOf(f appliance.Finding) string { return strings.TrimSpace(f.Code + " " + f.Subject) }

// jobCondition is what there is to tell about a job: it ended badly of late, or
// cannot go on by itself.
func jobCondition(j appliance.Job, now time.Time) (condition, bool) {
	c := condition{cause: fmt.Sprintf("job %d", j.ID), severity: jobSeverity(j), job: &j, once: true}
	stopped := j.Problem != nil && j.Problem.Code == "job-stopped"
	switch {
	case stopped && j.State == appliance.JobUndone: // a person wanted it so, and knows
		return c, false
	case j.State == appliance.JobFailed || j.State == appliance.JobUndone:
		return c, now.Sub(j.Finished) < recent
	case j.HeldUp:
		c.cause += " held up"
		return c, true
	case j.State == appliance.JobWaiting && j.Until.IsZero():
		c.cause += " waits"
		return c, true
	default:
		return c, false
	}
}

func jobSeverity(j appliance.Job) appliance.Severity {
	if j.State == appliance.JobFailed {
		return appliance.Critical
	}
	return appliance.Warning
}

// tell writes what one person is told now.
func (n *Notify) tell(ctx context.Context, a audience, s situation, report appliance.Report) error {
	here := s.now.In(n.deps.Zone())
	r := a.recipient
	s.quiet = covers(r.Quiet, here)
	s.conditions = slices.DeleteFunc(slices.Clone(s.conditions), func(c condition) bool {
		return c.job != nil && !c.job.Finished.IsZero() && c.job.Finished.Before(r.Added)
	})
	written, err := n.deps.Store.Written(ctx, r.Person, s.now.Add(-24*time.Hour))
	if err != nil || written >= perDay {
		return err
	}
	stored, err := n.deps.Store.Told(ctx, r.Person)
	if err != nil {
		return err
	}
	told := map[string]Told{}
	for _, t := range stored {
		told[t.Cause] = t
	}
	entries, changed := decide(s, r.Least, told)
	weekly := !s.quiet && weeklyDue(r.Weekly, r.WeeklyAt, here)
	if len(changed) == 0 && !weekly {
		return nil
	}
	var posts []Post
	if len(entries) > 0 {
		l := Letter{Kind: LetterNews, At: s.now, Entries: entries, Last: written+1 == perDay, Lost: r.Lost}
		if posts, err = n.write(ctx, a, l, changed); err != nil {
			return err
		}
		written, r.Lost = written+1, 0
	}
	if weekly && written < perDay {
		l := Letter{Kind: LetterWeekly, At: s.now, Last: written+1 == perDay, Entries: still(report, r.Least)}
		more, err := n.write(ctx, a, l, nil)
		if err != nil {
			return err
		}
		posts, r.WeeklyAt = append(posts, more...), s.now
	}
	if err := n.deps.Store.Say(ctx, r, changed, posts); err != nil {
		return err
	}
	if len(posts) > 0 {
		poke(n.due)
	}
	return nil
}

// still is what is open now, for the message of the week.
func still(report appliance.Report, least appliance.Severity) (out []Entry) {
	for _, f := range report.Findings {
		if f.Severity >= least {
			out = append(out, Entry{Event: Still, Finding: f})
		}
	}
	return out
}

// write makes the posts of a letter, one for each channel, and marks what it is
// the first to tell of. A letter about one thing continues the one that began it.
func (n *Notify) write(ctx context.Context, a audience, l Letter, changed []Told) ([]Post, error) {
	box, err := n.deps.Box(ctx)
	if err != nil {
		return nil, err
	}
	l.Box, l.Place = box, n.deps.Zone()
	m, err := n.deps.Writer.Write(language(a.person, box), l)
	if err != nil {
		return nil, err
	}
	m.ID, m.At = newID(), l.At
	var causes []string
	for i, t := range changed {
		if !t.At.Equal(l.At) {
			continue // nothing is said of it now
		}
		causes = append(causes, t.Cause)
		if len(l.Entries) == 1 {
			m.Thread = t.Thread
		}
		if t.Thread == "" {
			changed[i].Thread = m.ID
		}
	}
	posts := make([]Post, len(a.channels))
	for i, c := range a.channels {
		posts[i] = Post{Person: a.person.ID, Kind: c.Kind, Message: m, Causes: causes, Due: l.At}
	}
	return posts, nil
}

// newID names a message. It is the left side of a Message-ID.
func newID() string { return "m-" + strings.ToLower(rand.Text()) }
