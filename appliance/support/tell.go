// SPDX-License-Identifier: AGPL-3.0-or-later

package support

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"coopkit/appliance"
	"coopkit/desk/wire"
	"coopkit/internal/logkey"
)

const (
	keepFor   = 7 * 24 * time.Hour // as many samples as this has periods
	keepBytes = 16 << 20
	gatherFor = 10 * time.Second // how long the parts may take to say how they are
)

// tell puts into the outbox what the desk does not know yet, and a sample if
// one is due. What a part cannot say now is told when it can. The caller holds
// turn and there is a link.
func (s *Support) tell(ctx context.Context, sample bool) error {
	told := s.current().Told
	entries := s.news(ctx, &told)
	if sample {
		entries = append(entries, s.sample(ctx)...)
	}
	return s.put(ctx, entries, told)
}

// tellAll puts everything into the outbox, because the desk asked for it. The
// caller holds turn.
func (s *Support) tellAll(ctx context.Context) error {
	told := s.current().Told
	told.Facts = ""
	entries := s.newFacts(ctx, &told)
	s.mu.Lock()
	known := s.known
	s.mu.Unlock()
	if known {
		told.Findings = s.findings()
	}
	open := slices.Clone(told.Findings)
	return s.put(ctx, append(entries, wire.Entry{Open: &open}), told)
}

func (s *Support) put(ctx context.Context, entries []wire.Entry, told Told) error {
	if len(entries) == 0 {
		return nil
	}
	items := make([]Item, len(entries))
	at := wire.At(s.d.Now())
	for i, e := range entries {
		e.At = at
		var err error
		if items[i], err = newItem(kind(e), e); err != nil {
			return err
		}
	}
	keep := Keep{Samples: int(keepFor / s.current().Period), Bytes: keepBytes}
	if err := s.d.Store.Tell(ctx, items, told, keep); err != nil {
		return err
	}
	s.change(func(l *Link) { l.Told = told })
	return nil
}

func kind(e wire.Entry) string {
	switch {
	case e.Sample != nil:
		return KindSample
	case e.Facts != nil:
		return "facts"
	case e.Finding != nil:
		return "finding"
	case e.Solved != nil:
		return "solved"
	default:
		return "open"
	}
}

// news lists what is not told yet and makes it told.
func (s *Support) news(ctx context.Context, told *Told) []wire.Entry {
	entries := s.newFacts(ctx, told)
	s.mu.Lock()
	known := s.known
	s.mu.Unlock()
	if !known {
		return entries
	}
	now := s.findings()
	for _, f := range now {
		if !slices.ContainsFunc(told.Findings, func(t wire.Finding) bool { return same(t, f) }) {
			entries = append(entries, wire.Entry{Finding: &f})
		}
	}
	for _, t := range told.Findings {
		if !slices.ContainsFunc(now, func(f wire.Finding) bool { return f.FindingName == t.FindingName }) {
			entries = append(entries, wire.Entry{Solved: &t.FindingName})
		}
	}
	told.Findings = now
	return entries
}

// same says whether the desk need not hear of it again. Figures that move, as
// in "91 % full", are in Why, and do not count.
func same(a, b wire.Finding) bool {
	return a.FindingName == b.FindingName && a.Severity == b.Severity && a.What == b.What && a.Since == b.Since
}

func (s *Support) newFacts(ctx context.Context, told *Told) []wire.Entry {
	ctx, cancel := context.WithTimeout(ctx, gatherFor)
	defer cancel()
	facts, err := s.d.Facts(ctx)
	if err != nil {
		s.d.Log.WarnContext(ctx, "facts not known", slog.Any(logkey.Err, err))
		return nil
	}
	facts = facts.Tidy()
	text, err := wire.Encode(facts)
	if err != nil || string(text) == told.Facts {
		return nil
	}
	told.Facts = string(text)
	return []wire.Entry{{Facts: &facts}}
}

func (s *Support) sample(ctx context.Context) []wire.Entry {
	ctx, cancel := context.WithTimeout(ctx, gatherFor)
	defer cancel()
	sample, err := s.d.Sample(ctx)
	if err != nil {
		s.d.Log.WarnContext(ctx, "sample not taken", slog.Any(logkey.Err, err))
		return nil
	}
	return []wire.Entry{{Sample: &sample}}
}

// findings are those that show, as the desk gets them.
func (s *Support) findings() []wire.Finding {
	var out []wire.Finding
	for _, f := range s.d.Findings() {
		if f.Severity == appliance.OK {
			continue
		}
		e := wire.Entry{Finding: &wire.Finding{
			FindingName: wire.FindingName{Code: f.Code, Subject: f.Subject}, Severity: f.Severity.String(),
			What: f.What, Why: f.Why, Next: f.Next, Who: string(f.Who), Since: wire.At(f.Since), Args: f.Args,
		}}.Tidy()
		out = append(out, *e.Finding)
	}
	return out
}
