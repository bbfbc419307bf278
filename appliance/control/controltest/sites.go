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

// Sites implements control.Backend.
func (f *Fake) Sites(ctx context.Context) ([]appliance.Site, error) {
	defer f.mu.Unlock()
	if err := f.enter(ctx, "Sites"); err != nil {
		return nil, err
	}
	list := []appliance.Site{}
	for _, host := range slices.Sorted(maps.Keys(f.sites)) {
		list = append(list, f.sites[host][len(f.sites[host])-1])
	}
	return list, nil
}

// PlanPush implements control.Backend.
func (f *Fake) PlanPush(ctx context.Context, host string, files int, bytes int64) (appliance.Plan, error) {
	defer f.mu.Unlock()
	if err := f.enter(ctx, "PlanPush"); err != nil {
		return appliance.Plan{}, err
	}
	h, err := hostname.Parse(host)
	if err != nil {
		return appliance.Plan{}, err
	}
	p := appliance.Plan{
		Kind: "publish", Subject: "site:" + string(h), Title: "Publish a site at " + string(h),
		Lines:   []appliance.Line{{Verb: "create", Thing: fmt.Sprintf("version %d: %d files, %d bytes", len(f.sites[h])+1, files, bytes)}},
		WayBack: "coopkit site rollback " + string(h),
	}
	if len(f.sites[h]) == 0 {
		p.WayBack = "coopkit site remove " + string(h)
	}
	return plan(p)
}

// Push implements control.Backend.
func (f *Fake) Push(ctx context.Context, host string, stream io.Reader) (appliance.Job, error) {
	defer f.mu.Unlock()
	if err := f.enter(ctx, "Push"); err != nil {
		return appliance.Job{}, err
	}
	h, err := hostname.Parse(host)
	if err != nil {
		return appliance.Job{}, err
	}
	site := appliance.Site{Host: h, Version: len(f.sites[h]) + 1, Created: f.now}
	if site.Files, site.Bytes, err = count(stream); err != nil {
		return appliance.Job{}, err
	}
	return f.start("publish", "site:"+string(h), func() { f.sites[h] = append(f.sites[h], site) },
		"Check the files", "Publish them"), nil
}

func count(stream io.Reader) (files int, bytes int64, err error) {
	r := tar.NewReader(stream)
	for {
		head, err := r.Next()
		if errors.Is(err, io.EOF) {
			return files, bytes, nil
		}
		if err != nil {
			return 0, 0, &problem.Problem{
				Code: "site-archive-invalid", Kind: problem.Invalid,
				What: "the files of the site did not arrive whole",
				Next: []string{"push it again"}, Err: err,
			}
		}
		if head.Typeflag == tar.TypeReg {
			files++
			bytes += head.Size
		}
	}
}

func (f *Fake) site(host string) ([]appliance.Site, error) {
	versions := f.sites[hostname.Name(host)]
	if len(versions) == 0 {
		return nil, unknown("site-unknown", fmt.Sprintf("there is no site at %q", host), "coopkit site list")
	}
	return versions, nil
}

// SiteVersions implements control.Backend.
func (f *Fake) SiteVersions(ctx context.Context, host string) ([]appliance.Site, error) {
	defer f.mu.Unlock()
	if err := f.enter(ctx, "SiteVersions"); err != nil {
		return nil, err
	}
	versions, err := f.site(host)
	if err != nil {
		return nil, err
	}
	versions = slices.Clone(versions)
	slices.Reverse(versions)
	return versions, nil
}

// RollbackSite implements control.Backend.
func (f *Fake) RollbackSite(ctx context.Context, host string, version int) (appliance.Job, error) {
	defer f.mu.Unlock()
	if err := f.enter(ctx, "RollbackSite"); err != nil {
		return appliance.Job{}, err
	}
	versions, err := f.site(host)
	if err != nil {
		return appliance.Job{}, err
	}
	if version == 0 {
		version = len(versions) - 1
	}
	if version < 1 || version > len(versions) {
		return appliance.Job{}, unknown("site-version-unknown",
			fmt.Sprintf("%s has no version %d", host, version), "coopkit site versions "+host)
	}
	return f.start("rollback", "site:"+host, func() {
		again := versions[version-1]
		f.sites[again.Host] = append(f.sites[again.Host][:version-1:version-1], again)
	}, "Publish the older version"), nil
}

// PlanRemoveSite implements control.Backend.
func (f *Fake) PlanRemoveSite(ctx context.Context, host string) (appliance.Plan, error) {
	defer f.mu.Unlock()
	if err := f.enter(ctx, "PlanRemoveSite"); err != nil {
		return appliance.Plan{}, err
	}
	return f.planRemoveSite(host)
}

func (f *Fake) planRemoveSite(host string) (appliance.Plan, error) {
	versions, err := f.site(host)
	if err != nil {
		return appliance.Plan{}, err
	}
	return plan(appliance.Plan{
		Kind: "remove", Subject: "site:" + host, Title: "Remove the site at " + host,
		Lines:   []appliance.Line{{Verb: "remove", Thing: fmt.Sprintf("%d versions of it", len(versions)), Destructive: true}},
		WayBack: "push it again from its folder",
	})
}

// RemoveSite implements control.Backend.
func (f *Fake) RemoveSite(ctx context.Context, host, planHash string) (appliance.Job, error) {
	defer f.mu.Unlock()
	if err := f.enter(ctx, "RemoveSite"); err != nil {
		return appliance.Job{}, err
	}
	p, err := f.planRemoveSite(host)
	if err != nil {
		return appliance.Job{}, err
	}
	if err := agreed(planHash, p); err != nil {
		return appliance.Job{}, err
	}
	return f.start("remove", p.Subject, func() { delete(f.sites, hostname.Name(host)) }, "Remove the files"), nil
}
