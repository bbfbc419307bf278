// SPDX-License-Identifier: AGPL-3.0-or-later

package controltest

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"coopkit/appliance"
	"coopkit/internal/hostname"
	"coopkit/internal/problem"
)

// site is a static site: its versions, oldest first, and which is published.
type site struct {
	versions  []appliance.Site
	published int
}

// Sites implements control.Backend.
func (f fakeSites) List(ctx context.Context) ([]appliance.Site, error) {
	defer f.mu.Unlock()
	if err := f.enter(ctx, "Sites"); err != nil {
		return nil, err
	}
	list := []appliance.Site{}
	for _, host := range slices.Sorted(maps.Keys(f.sites)) {
		s := f.sites[host]
		v := s.versions[s.published-1]
		v.Published = true
		list = append(list, v)
	}
	return list, nil
}

// PlanPush implements control.Backend.
func (f fakeSites) PlanPush(ctx context.Context, req appliance.PushSite) (appliance.Plan, error) {
	host, files, bytes := req.Host, req.Files, req.Bytes
	defer f.mu.Unlock()
	if err := f.enter(ctx, "PlanPush"); err != nil {
		return appliance.Plan{}, err
	}
	h, err := hostname.Parse(host)
	if err != nil {
		return appliance.Plan{}, err
	}
	next := len(f.versions(h)) + 1
	p := appliance.Plan{
		Kind: appliance.ChangePublish, Subject: "site:" + string(h),
		Lines:   []appliance.Line{{Verb: appliance.VerbChange, Kind: appliance.KindSite, Name: string(h), From: fmt.Sprint(next - 1)}},
		Args:    map[string]string{"files": fmt.Sprint(files), "bytes": fmt.Sprint(bytes)},
		WayBack: appliance.Note{Code: appliance.BackRollbackSite, Command: "coopkit site rollback " + string(h)},
	}
	if next == 1 {
		p.Lines[0].Verb, p.Lines[0].From = appliance.VerbCreate, ""
		p.WayBack = appliance.Note{Code: appliance.BackRemoveSite, Command: "coopkit site remove " + string(h)}
	}
	return p.Seal(), nil
}

// Push implements control.Backend.
func (f fakeSites) Push(ctx context.Context, host string, stream io.Reader) (appliance.Job, error) {
	defer f.mu.Unlock()
	if err := f.enter(ctx, "Push"); err != nil {
		return appliance.Job{}, err
	}
	h, err := hostname.Parse(host)
	if err != nil {
		return appliance.Job{}, err
	}
	next := appliance.Site{Host: h, Version: len(f.versions(h)) + 1, Created: f.now}
	if next.Files, next.Bytes, err = count(stream); err != nil {
		return appliance.Job{}, err
	}
	return f.start(appliance.ChangePublish, "site:"+string(h), func() { f.publish(next) }, appliance.StepReceived, appliance.StepPublish), nil
}

func count(stream io.Reader) (files int, bytes int64, err error) {
	r := tar.NewReader(stream)
	for {
		head, err := r.Next()
		if errors.Is(err, io.EOF) {
			return files, bytes, nil
		}
		if err != nil {
			return 0, 0, fault("site-archive-invalid", problem.Invalid, "the files of the site did not arrive whole", "push it again")
		}
		if head.Typeflag == tar.TypeReg {
			files++
			bytes += head.Size
		}
	}
}

func (f *Fake) versions(h hostname.Name) []appliance.Site {
	if s := f.sites[h]; s != nil {
		return s.versions
	}
	return nil
}

func (f *Fake) publish(next appliance.Site) {
	s := f.sites[next.Host]
	if s == nil {
		s = &site{}
		f.sites[next.Host] = s
	}
	s.versions = append(s.versions, next)
	s.published = next.Version
}

func (f *Fake) site(host string) (*site, error) {
	s := f.sites[hostname.Name(host)]
	if s == nil {
		return nil, unknown("no-such-site", fmt.Sprintf("there is no site at %q", host), "coopkit site list")
	}
	return s, nil
}

// SiteVersions implements control.Backend.
func (f fakeSites) Versions(ctx context.Context, host string) ([]appliance.Site, error) {
	defer f.mu.Unlock()
	if err := f.enter(ctx, "SiteVersions"); err != nil {
		return nil, err
	}
	s, err := f.site(host)
	if err != nil {
		return nil, err
	}
	versions := slices.Clone(s.versions)
	slices.Reverse(versions)
	for i := range versions {
		versions[i].Published = versions[i].Version == s.published
	}
	return versions, nil
}

// RollbackSite implements control.Backend.
func (f fakeSites) Rollback(ctx context.Context, req appliance.RollbackSite) (appliance.Job, error) {
	host, version := req.Host, req.Version
	defer f.mu.Unlock()
	if err := f.enter(ctx, "RollbackSite"); err != nil {
		return appliance.Job{}, err
	}
	s, err := f.site(host)
	if err != nil {
		return appliance.Job{}, err
	}
	if version == 0 {
		version = s.published - 1
	}
	if version < 1 || version > len(s.versions) {
		return appliance.Job{}, unknown("no-such-site-version",
			fmt.Sprintf("%s has no version %d", host, version), "coopkit site versions "+host)
	}
	return f.start(appliance.ChangeRollbackSite, "site:"+host, func() { s.published = version }, appliance.StepPublish), nil
}

// PlanRemoveSite implements control.Backend.
func (f fakeSites) PlanRemove(ctx context.Context, req appliance.RemoveSite) (appliance.Plan, error) {
	host := req.Host
	defer f.mu.Unlock()
	if err := f.enter(ctx, "PlanRemoveSite"); err != nil {
		return appliance.Plan{}, err
	}
	return f.planRemoveSite(host)
}

func (f *Fake) planRemoveSite(host string) (appliance.Plan, error) {
	s, err := f.site(host)
	if err != nil {
		return appliance.Plan{}, err
	}
	p := appliance.Plan{
		Kind: appliance.ChangeRemoveSite, Subject: "site:" + host,
		WayBack: appliance.Note{Code: appliance.BackPublish},
	}
	for i := range s.versions {
		l := appliance.Line{Verb: appliance.VerbDelete, Kind: appliance.KindVersion, Name: fmt.Sprint(i + 1), Destructive: true}
		p.Lines = append(p.Lines, l)
	}
	return p.Seal(), nil
}

// RemoveSite implements control.Backend.
func (f fakeSites) Remove(ctx context.Context, req appliance.RemoveSite) (appliance.Job, error) {
	host, planHash := req.Host, req.PlanHash
	defer f.mu.Unlock()
	if err := f.enter(ctx, "RemoveSite"); err != nil {
		return appliance.Job{}, err
	}
	p, err := f.planRemoveSite(host)
	if err != nil {
		return appliance.Job{}, err
	}
	if err := p.Agreed(planHash); err != nil {
		return appliance.Job{}, err
	}
	return f.start(appliance.ChangeRemoveSite, p.Subject, func() { delete(f.sites, hostname.Name(host)) }, appliance.StepRemoveSite), nil
}
