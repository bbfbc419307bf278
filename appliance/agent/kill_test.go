// SPDX-License-Identifier: AGPL-3.0-or-later

package agent

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"coopkit/appliance"
	"coopkit/appliance/gateway"
	"coopkit/appliance/jobs/jobstest"
	"coopkit/internal/problem"
)

// TestJobs_surviveEverything ends and breaks every kind of job that joins
// several parts at every point: those of sites, names and redirects. It has no
// engine, so that images cannot be renewed.
func TestJobs_surviveEverything(t *testing.T) {
	t.Parallel()
	const host = "www.demo.coop"
	pushed := func(text string) jobstest.Start {
		return jobstest.With(func(ctx context.Context, b *backend) (appliance.Job, error) {
			return push(ctx, b.calls().Sites, host, page(t, text))
		})
	}
	zone := jobstest.With(func(ctx context.Context, b *backend) (appliance.Job, error) {
		return b.calls().Names.AddZone(ctx, appliance.ZoneChange{Zone: "demo.coop"})
	})
	redirect := jobstest.With(func(ctx context.Context, b *backend) (appliance.Job, error) {
		return b.calls().Redirects.Add(ctx, appliance.Redirect{Host: "old.demo.coop", Target: "https://www.demo.coop"})
	})
	var kinds []jobstest.Kind
	for _, c := range []struct {
		name   string
		before []jobstest.Start
		change jobstest.Start
		fails  bool
	}{
		{name: "add a zone", change: zone},
		{name: "remove a zone", before: []jobstest.Start{zone}, change: jobstest.With(func(ctx context.Context, b *backend) (appliance.Job, error) {
			return b.calls().Names.RemoveZone(ctx, appliance.ZoneChange{Zone: "demo.coop"})
		})},
		{name: "publish", before: []jobstest.Start{zone}, change: pushed("one")},
		{name: "publish again", before: []jobstest.Start{zone, pushed("one")}, change: pushed("two")},
		{name: "roll a site back", before: []jobstest.Start{zone, pushed("one"), pushed("two")}, change: jobstest.With(func(ctx context.Context, b *backend) (appliance.Job, error) {
			return b.calls().Sites.Rollback(ctx, appliance.RollbackSite{Host: host})
		})},
		{name: "remove a site", before: []jobstest.Start{zone, pushed("one")}, change: jobstest.With(func(ctx context.Context, b *backend) (appliance.Job, error) {
			return b.calls().Sites.Remove(ctx, appliance.RemoveSite{Host: host})
		})},
		{name: "add a redirect", before: []jobstest.Start{zone}, change: redirect},
		{name: "remove a redirect", before: []jobstest.Start{zone, redirect}, change: jobstest.With(func(ctx context.Context, b *backend) (appliance.Job, error) {
			return b.calls().Redirects.Remove(ctx, "old.demo.coop")
		})},
		{name: "refresh images", fails: true, change: jobstest.With(func(ctx context.Context, b *backend) (appliance.Job, error) {
			return b.calls().Recipes.RefreshImages(ctx)
		})},
	} {
		kinds = append(kinds, jobstest.Kind{Name: c.name, World: func(t *testing.T) jobstest.World {
			t.Helper()
			w := &killWorld{cfg: config(t)}
			return jobstest.World{
				Open: w.open, State: w.state, Before: c.before, Change: c.change, Fails: c.fails,
			}
		}})
	}
	jobstest.Run(t, kinds)
}

// killWorld is the state folder of a box, over all its processes.
type killWorld struct{ cfg Config }

// open starts what jobs work with: no part changes anything by itself.
func (w *killWorld) open(boundary jobstest.Boundary) (*jobstest.Process, error) {
	whole, cancel := context.WithCancel(context.Background())
	a, err := New(whole, w.cfg, slog.New(slog.DiscardHandler))
	for range 100 { // a program that another test starts at this moment has the lock of the last one until it runs
		if !errors.Is(err, &problem.Problem{Code: "state-in-use"}) {
			break
		}
		<-time.After(10 * time.Millisecond)
		a, err = New(whole, w.cfg, slog.New(slog.DiscardHandler))
	}
	if err != nil {
		cancel()
		return nil, err
	}
	b := a.backend
	if boundary != nil {
		b.jobs.Boundary = boundary
	}
	if err := errors.Join(b.gateway.Listen(), a.dns.Listen()); err != nil {
		cancel()
		return nil, err
	}
	group, ctx := errgroup.WithContext(whole)
	group.Go(func() error { return a.dns.Run(ctx) })
	group.Go(func() error { return b.gateway.Run(ctx) })
	if err := errors.Join(b.sites.Load(ctx), b.names.Load(ctx), b.door.Refresh(ctx)); err != nil {
		cancel()
		return nil, err
	}
	ready := make(chan struct{})
	group.Go(func() error { return b.jobs.Run(ctx, ready) })
	<-ready
	return &jobstest.Process{Jobs: b.jobs, FailWrites: b.store.FailWrites, Parts: b, Close: func() error {
		cancel()
		return errors.Join(group.Wait(), a.Close())
	}}, nil
}

// differs is what is another in each world: folders, times, and numbers that are
// not given again.
var differs = regexp.MustCompile(`\d{8}T\d{6}(-\d+)?|-\d{10}`)

// state is what visitors, name servers and stewards see.
func (w *killWorld) state(ctx context.Context, p *jobstest.Process) (string, error) {
	b := p.Parts.(*backend)
	var lines []string
	put := func(format string, args ...any) {
		lines = append(lines, differs.ReplaceAllString(strings.ReplaceAll(fmt.Sprintf(format, args...), w.cfg.State, ""), "…"))
	}
	addresses, err := b.store.Addresses(ctx)
	if err != nil {
		return "", err
	}
	put("addresses %+v", addresses)
	zones, err := b.names.Zones(ctx)
	if err != nil {
		return "", err
	}
	for _, z := range zones {
		for _, r := range z.Records {
			if r.Type != "SOA" {
				put("record %+v", r)
			}
		}
	}
	published, err := b.sites.List(ctx)
	if err != nil {
		return "", err
	}
	for _, s := range published {
		versions, err := b.sites.Versions(ctx, s.Host)
		if err != nil {
			return "", err
		}
		put("site %s with %d versions", s.Host, len(versions))
	}
	for _, r := range b.door.last {
		if r.Kind == gateway.Site {
			text, err := os.ReadFile(filepath.Join(r.Root, "index.html"))
			if err != nil {
				return "", err
			}
			r.Root = string(text)
		}
		put("route %+v", r)
	}
	for _, dir := range []string{"sites", "removed-names"} {
		files, err := tree(w.cfg.path(dir))
		if err != nil {
			return "", err
		}
		for _, f := range files {
			put("%s %s", dir, f)
		}
	}
	return strings.Join(lines, "\n"), nil
}

// versionOf is the number of a version in a path: one that was undone is not
// given again.
var versionOf = regexp.MustCompile(`/\d+(/|$)`)

// tree is the files of a folder that is there, or not.
func tree(dir string) ([]string, error) {
	var files []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil && !d.IsDir() {
			files = append(files, versionOf.ReplaceAllString(strings.TrimPrefix(path, dir), "/n$1"))
		}
		return err
	})
	slices.Sort(files)
	return files, err
}
