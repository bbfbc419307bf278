// SPDX-License-Identifier: AGPL-3.0-or-later

package sites

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"coopkit/appliance"
	"coopkit/appliance/jobs"
	"coopkit/internal/hostname"
)

// ReceivedSteps returns the first step of a job that publishes what Claim
// has claimed: it looks that the version is there, and when the job is undone
// it drops that version.
func (s *Sites) ReceivedSteps(host hostname.Name, number int) []jobs.Step {
	return []jobs.Step{{
		Code: appliance.StepReceived,
		Do: func(ctx context.Context, p appliance.Progress) error {
			site, err := s.find(ctx, host)
			if err != nil {
				return err
			}
			v, ok := site.version(number)
			if !ok {
				return noSuchVersion(host, number)
			}
			for _, w := range v.Warnings {
				p.Log(w)
			}
			jobs.AddFact(ctx, appliance.FactReceived, "files_count", strconv.Itoa(v.Files), "all_bytes", strconv.FormatInt(v.Bytes, 10))
			p.Log(size(v.Files, v.Bytes))
			return nil
		},
		Undo: func(ctx context.Context) error { return s.Discard(ctx, host, number) },
	}}
}

// PublishSteps returns the steps that publish a version in place of before,
// which is the number that was published when the job was asked for (0: none).
// The same steps go back to an older version. They are the commit point.
func (s *Sites) PublishSteps(host hostname.Name, number, before int) []jobs.Step {
	return []jobs.Step{{
		Code: appliance.StepPublish, Args: map[string]string{"version": strconv.Itoa(number)}, Commit: true,
		Do: func(ctx context.Context, _ appliance.Progress) error {
			_, err := s.Publish(ctx, host, number)
			return err
		},
		Undo: func(ctx context.Context) error {
			_, err := s.Publish(ctx, host, before)
			if errors.Is(err, noSuchSite(host)) {
				return nil
			}
			return err
		},
	}}
}

// PruneSteps returns the step that deletes old versions; it belongs after the
// commit point of a job.
func (s *Sites) PruneSteps(host hostname.Name) []jobs.Step {
	return []jobs.Step{{
		Code: appliance.StepPrune, Optional: true,
		Do: func(ctx context.Context, _ appliance.Progress) error { return s.Prune(ctx, host) },
	}}
}

// RemoveSteps returns the steps that take a site off. They cannot be undone,
// so they come last; the last version stays in a folder for 30 days.
func (s *Sites) RemoveSteps(host hostname.Name) []jobs.Step {
	return []jobs.Step{{
		Code: appliance.StepRemoveSite, Commit: true, Destroys: true,
		Do: func(ctx context.Context, p appliance.Progress) error {
			kept, err := s.Remove(ctx, host)
			if kept != "" {
				jobs.AddFact(ctx, appliance.FactSaved, "file", kept)
				p.Log("its last version is kept for 30 days in " + kept)
			}
			return err
		},
	}}
}

// Published returns the number of the version that is published at host, 0 if
// there is none.
func (s *Sites) Published(ctx context.Context, host hostname.Name) (int, error) {
	site, err := s.find(ctx, host)
	if errors.Is(err, noSuchSite(host)) {
		return 0, nil
	}
	return site.Published, err
}

// Next returns the number that the next version at host will have.
func (s *Sites) Next(ctx context.Context, host hostname.Name) (int, error) {
	site, err := s.find(ctx, host)
	if errors.Is(err, noSuchSite(host)) {
		return 1, nil
	}
	return site.Last + 1, err
}

// PlanPush says what publishing a draft at host does; without a draft, what is
// the same for all. The agent adds the lines about the name. The error is a
// Problem "upload-gone".
func (s *Sites) PlanPush(ctx context.Context, host hostname.Name, draft string) (appliance.Plan, error) {
	var d appliance.Draft
	before, err := s.Published(ctx, host)
	if err == nil && draft != "" {
		d, err = s.Draft(ctx, draft)
	}
	if err != nil {
		return appliance.Plan{}, err
	}
	p := appliance.Plan{
		Space: appliance.Space{Needs: uint64(max(d.Bytes, 0))},
		Kind:  appliance.ChangePublish, Subject: "site:" + string(host),
		Args:    map[string]string{"files": strconv.Itoa(d.Files), "bytes": strconv.FormatInt(d.Bytes, 10)},
		WayBack: appliance.Note{Code: appliance.BackRemoveSite, Command: "coopkit site remove " + string(host)},
	}
	l := appliance.Line{Verb: appliance.VerbCreate, Kind: appliance.KindSite, Name: string(host)}
	if before != 0 {
		l.Verb, l.From = appliance.VerbChange, strconv.Itoa(before)
		p.WayBack = appliance.Note{Code: appliance.BackRollbackSite, Command: "coopkit site rollback " + string(host)}
	}
	p.Lines = []appliance.Line{l}
	return p.Seal(), nil
}

// PlanRemove says what removing the site at host does. The error is a Problem
// "no-such-site".
func (s *Sites) PlanRemove(ctx context.Context, host hostname.Name) (appliance.Plan, error) {
	site, err := s.find(ctx, host)
	if err != nil && !errors.Is(err, unreadable) {
		return appliance.Plan{}, err
	}
	p := appliance.Plan{
		Kind: appliance.ChangeRemoveSite, Subject: "site:" + string(host), WayBack: appliance.Note{Code: appliance.BackPublish},
	}
	for _, v := range site.Versions {
		l := appliance.Line{Verb: appliance.VerbDelete, Kind: appliance.KindVersion, Name: strconv.Itoa(v.Number), Destructive: true}
		if v.Number == site.Published {
			l.Verb, l.Destructive = appliance.VerbRemove, false
		}
		p.Lines = append(p.Lines, l)
	}
	return p.Seal(), nil
}

func size(files int, bytes int64) string {
	if files == 1 {
		return fmt.Sprintf("1 file, %d bytes", bytes)
	}
	return fmt.Sprintf("%d files, %d bytes", files, bytes)
}
