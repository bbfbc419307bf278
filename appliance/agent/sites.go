// SPDX-License-Identifier: AGPL-3.0-or-later

package agent

import (
	"context"
	"errors"

	"coopkit/appliance"
	"coopkit/appliance/apps"
	"coopkit/appliance/jobs"
	"coopkit/appliance/sites"
	"coopkit/internal/hostname"
)

// siteInput is the input of the jobs about a site.
type siteInput struct {
	Host            hostname.Name
	Version, Before int
}

// siteCalls are the sites of this box for others: publishing one concerns its
// files, its name and the front door.
type siteCalls struct {
	*backend
	*sites.Sites
}

func siteSubject(host hostname.Name) string { return "site:" + host.String() }

// PlanPush says what publishing would do: to the site and to its name.
func (b siteCalls) PlanPush(ctx context.Context, req appliance.PushSite) (appliance.Plan, error) {
	h, err := b.siteHost(ctx, req.Host)
	if err != nil {
		return appliance.Plan{}, err
	}
	plan, err := b.sites.PlanPush(ctx, h, req.Draft)
	if err != nil {
		return plan, err
	}
	lines, notes, err := b.names.PlanHost(ctx, h, siteSubject(h))
	if err != nil {
		return plan, err
	}
	plan.Lines, plan.Notes = append(plan.Lines, lines...), append(plan.Notes, notes...)
	plan.Lines = append(plan.Lines, appliance.Line{Verb: appliance.VerbOpen, Kind: appliance.KindAddress, Name: b.door.URL(h)})
	next, err1 := b.sites.Next(ctx, h)
	before, err2 := b.sites.Published(ctx, h)
	if err := errors.Join(err1, err2); err != nil {
		return plan, err
	}
	if room, err := b.apps.Room(); err == nil {
		plan.Space.Free = room.DiskBytes
	}
	plan.Steps, err = b.jobs.Outline(ctx, appliance.ChangePublish, siteInput{Host: h, Version: next, Before: before})
	return plan.Seal(), err
}

// siteHost parses a host and refuses one at which an app or a redirect answers.
func (b *backend) siteHost(ctx context.Context, host string) (hostname.Name, error) {
	h, err := hostname.Parse(host)
	if err != nil {
		return "", err
	}
	if a, taken, err := b.store.Address(ctx, h); err != nil {
		return "", err
	} else if taken && a.Kind != appliance.ToSite {
		return "", b.apps.Taken(ctx, a)
	}
	return h, nil
}

// Push starts publishing a draft. If another change is going on, the draft stays.
func (b siteCalls) Push(ctx context.Context, req appliance.PushSite) (appliance.Job, error) {
	plan, err := b.PlanPush(ctx, req)
	if err != nil {
		return appliance.Job{}, err
	}
	if err := plan.Agreed(req.PlanHash); err != nil {
		return appliance.Job{}, err
	}
	h, err := hostname.Parse(req.Host)
	if err != nil {
		return appliance.Job{}, err
	}
	number, release, err := b.sites.Claim(ctx, h, req.Draft, req.Strip)
	if err != nil {
		return appliance.Job{}, err
	}
	job, err := b.publish(ctx, appliance.ChangePublish, h, number)
	if err != nil {
		err = errors.Join(err, release())
	}
	return job, err
}

// Rollback starts publishing an older version; 0 means the one before.
func (b siteCalls) Rollback(ctx context.Context, req appliance.RollbackSite) (appliance.Job, error) {
	h, err := b.siteHost(ctx, req.Host)
	if err != nil {
		return appliance.Job{}, err
	}
	target, err := b.sites.RollbackTarget(ctx, h, req.Version)
	if err != nil {
		return appliance.Job{}, err
	}
	return b.publish(ctx, appliance.ChangeRollbackSite, h, target)
}

// publish starts publishing a version that is here.
func (b *backend) publish(ctx context.Context, kind appliance.Change, h hostname.Name, version int) (appliance.Job, error) {
	before, err := b.sites.Published(ctx, h)
	if err != nil {
		return appliance.Job{}, err
	}
	return b.jobs.Start(ctx, kind, siteSubject(h), siteInput{Host: h, Version: version, Before: before})
}

// pushSteps publish a version that was just received.
func (b *backend) pushSteps(ctx context.Context, in siteInput) ([]jobs.Step, error) {
	steps, err := b.publishSteps(ctx, in)
	return append(b.sites.ReceivedSteps(in.Host, in.Version), steps...), err
}

// publishSteps publish a version at an address that they make if need be.
func (b *backend) publishSteps(_ context.Context, in siteInput) ([]jobs.Step, error) {
	owner := siteSubject(in.Host)
	first := in.Before == 0
	steps := []jobs.Step{
		{
			Code: appliance.StepAddress,
			Do: func(ctx context.Context, _ appliance.Progress) error {
				return b.store.AddAddress(ctx, appliance.Address{Host: in.Host, Kind: appliance.ToSite})
			},
			Undo: func(ctx context.Context) error {
				if !first { // the route leads to the version of before again
					return b.door.Refresh(ctx)
				}
				return b.forgetAddress(ctx, in.Host, appliance.ToSite)
			},
		},
		{
			Name: "names", Code: appliance.StepPointName,
			Do: func(ctx context.Context, _ appliance.Progress) error { return b.names.EnsureHost(ctx, in.Host, owner) },
			Undo: func(ctx context.Context) error {
				if !first {
					return nil
				}
				return b.names.RemoveHost(ctx, in.Host, owner)
			},
		},
	}
	steps = append(steps, b.sites.PublishSteps(in.Host, in.Version, in.Before)...)
	steps = append(steps, apps.OpenSteps(b.door, []hostname.Name{in.Host}, nil)...)
	return append(steps, b.sites.PruneSteps(in.Host)...), nil
}

func (b *backend) forgetAddress(ctx context.Context, host hostname.Name, kind appliance.AddressKind) error {
	if err := b.store.DeleteAddress(ctx, host, kind); err != nil {
		return err
	}
	return b.door.Refresh(ctx)
}

// closeStep takes an address of a site or a redirect away: the commit point of
// its removal.
func (b *backend) closeStep(a appliance.Address) jobs.Step {
	return jobs.Step{
		Code: appliance.StepClose, Commit: true,
		Do: func(ctx context.Context, _ appliance.Progress) error {
			jobs.AddFact(ctx, appliance.FactClosed)
			return b.forgetAddress(ctx, a.Host, a.Kind)
		},
		Undo: func(ctx context.Context) error {
			if err := b.store.AddAddress(ctx, a); err != nil {
				return err
			}
			return b.door.Refresh(ctx)
		},
	}
}

// PlanRemove says what taking a site off would do.
func (b siteCalls) PlanRemove(ctx context.Context, req appliance.RemoveSite) (appliance.Plan, error) {
	h, err := hostname.Parse(req.Host)
	if err != nil {
		return appliance.Plan{}, err
	}
	plan, err := b.sites.PlanRemove(ctx, h)
	if err != nil {
		return plan, err
	}
	plan.Lines = append(plan.Lines, appliance.Line{Verb: appliance.VerbClose, Kind: appliance.KindAddress, Name: b.door.URL(h)})
	plan.Steps, err = b.jobs.Outline(ctx, appliance.ChangeRemoveSite, siteInput{Host: h})
	return plan.Seal(), err
}

// Remove starts taking a site off.
func (b siteCalls) Remove(ctx context.Context, req appliance.RemoveSite) (appliance.Job, error) {
	plan, err := b.PlanRemove(ctx, req)
	if err != nil {
		return appliance.Job{}, err
	}
	if err := plan.Agreed(req.PlanHash); err != nil {
		return appliance.Job{}, err
	}
	h, err := hostname.Parse(req.Host)
	if err != nil {
		return appliance.Job{}, err
	}
	return b.jobs.Start(ctx, appliance.ChangeRemoveSite, siteSubject(h), siteInput{Host: h})
}

func (b *backend) removeSiteSteps(_ context.Context, in siteInput) ([]jobs.Step, error) {
	steps := []jobs.Step{
		b.closeStep(appliance.Address{Host: in.Host, Kind: appliance.ToSite}),
		{
			Name: "names", Code: appliance.StepReleaseName,
			Do: func(ctx context.Context, _ appliance.Progress) error {
				return b.names.RemoveHost(ctx, in.Host, siteSubject(in.Host))
			},
		},
	}
	return append(steps, b.sites.RemoveSteps(in.Host)...), nil
}

// List lists the published sites.
func (b siteCalls) List(ctx context.Context) ([]appliance.Site, error) {
	all, err := b.sites.List(ctx)
	return b.withURL(all), err
}

func (b siteCalls) withURL(all []appliance.Site) []appliance.Site {
	for i := range all {
		all[i].URL = b.door.URL(all[i].Host)
	}
	return all
}

// Versions lists the versions of a site that are kept.
func (b siteCalls) Versions(ctx context.Context, host string) ([]appliance.Site, error) {
	h, err := hostname.Parse(host)
	if err != nil {
		return nil, err
	}
	all, err := b.sites.Versions(ctx, h)
	return b.withURL(all), err
}
