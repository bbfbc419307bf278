// SPDX-License-Identifier: AGPL-3.0-or-later

package agent

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"coopkit/appliance"
	"coopkit/appliance/control"
	"coopkit/appliance/gateway"
	"coopkit/internal/lean"
	"coopkit/internal/logkey"
	"coopkit/internal/process"
	"coopkit/internal/supervise"
)

// Run opens the ports, serves until ctx ends, and closes everything. Only what
// holds a port of visitors, name servers or the control API can end it: every
// other part is reported and started again when it fails. The ports are open
// before the first job is taken up, and a missing engine stops nothing.
func (a *Agent) Run(whole context.Context) error {
	b := a.backend
	if err := a.listen(); err != nil { //nolint:contextcheck // ports are opened at once
		return err
	}
	group, ctx := errgroup.WithContext(whole)
	group.Go(func() error { return a.dns.Run(ctx) })
	group.Go(func() error { return b.gateway.Run(ctx) })
	for _, load := range []struct {
		name string
		do   func(context.Context) error
	}{{"sites", b.sites.Load}, {"names", b.names.Load}, {"door", b.door.Refresh}} {
		if err := supervise.Recovered(func() error { return load.do(ctx) }); err != nil && ctx.Err() == nil {
			a.log.Error("not everything is served", slog.String(logkey.Component, load.name), slog.Any(logkey.Err, err))
			a.report(load.name, err)
			a.keep(ctx, group, load.name, true, load.do)
		}
	}
	tried, ready := make(chan struct{}), make(chan struct{})
	a.keep(ctx, group, "jobs", false, a.runJobs(tried, ready))
	a.keep(ctx, group, "apps", false, func(ctx context.Context) error {
		select {
		case <-ready: // what a job left half-done is the job's to put right
			return b.apps.Run(ctx)
		case <-ctx.Done():
			return nil
		}
	})
	a.keep(ctx, group, "addresses", false, a.followAddresses)
	a.keep(ctx, group, "health", false, b.health.Run)
	a.keep(ctx, group, "usage", false, b.usage.Run)
	a.keep(ctx, group, "support", false, b.support.Run)
	a.keep(ctx, group, "messages", false, b.notify.Run)
	a.keep(ctx, group, "console", b.face.broken(), a.runConsole)
	if b.face != nil {
		a.keep(ctx, group, "accounts", false, b.face.accounts.Run)
	}
	a.keep(ctx, group, "memory", false, lean.Run)
	select {
	case <-tried: // whoever calls now may start a job, if there are any to be had
	case <-ctx.Done():
	}
	group.Go(func() error {
		return control.Serve(ctx, a.socket, a.cfg.Outside.Intercept(control.Handler(b.calls(), a.log)))
	})
	process.Ready(a.log)
	a.log.Info("agent ready", slog.String("version", process.Version()), slog.String("socket", a.cfg.Socket))
	err := group.Wait()
	process.Stopping(a.log)
	return err
}

// keep has a part of the group run until ctx ends.
func (a *Agent) keep(ctx context.Context, group *errgroup.Group, name string, failed bool, run func(context.Context) error) {
	group.Go(func() error {
		supervise.Keep(ctx, a.log, supervise.Part{
			Name: name, Run: run, Failed: failed, Report: func(err error) { a.report(name, err) },
		})
		return nil
	})
}

// report says that a part does not work, or does again.
func (a *Agent) report(part string, err error) {
	if err == nil {
		a.backend.troubles.Report("part:" + part)
		return
	}
	kind := appliance.TroublePart
	if part == gateway.Authority {
		kind = appliance.TroubleAuthority
	}
	a.backend.troubles.Report("part:"+part, appliance.Trouble{Kind: kind, Name: part, Err: err})
}

// runJobs runs the jobs. It closes ready when they may start for the first time,
// and tried when they may or cannot.
func (a *Agent) runJobs(tried, ready chan struct{}) func(context.Context) error {
	asked := sync.OnceFunc(func() { close(tried) })
	begun := sync.OnceFunc(func() { close(ready); asked() })
	return func(ctx context.Context) error {
		now, ended := make(chan struct{}), make(chan struct{})
		defer asked()
		defer close(ended)
		go func() {
			select {
			case <-now:
				begun()
			case <-ended:
			}
		}()
		return a.backend.jobs.Run(ctx, now)
	}
}

// addressesEvery is how often the box checks whether its addresses changed.
const addressesEvery = time.Minute

// followAddresses keeps the names of this box pointing at it.
func (a *Agent) followAddresses(ctx context.Context) error {
	tick := time.NewTicker(addressesEvery)
	defer tick.Stop()
	for {
		if n, err := a.backend.names.Refresh(ctx); err != nil && ctx.Err() == nil {
			a.log.Warn("names not renewed", slog.Any(logkey.Err, err))
		} else if n > 0 {
			a.log.Info("names follow new addresses", slog.Int(logkey.Count, n))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// listen opens every port, so that one that is taken is known at once. The
// console's may be taken: visitors of apps and sites do not need it.
func (a *Agent) listen() error {
	if err := a.backend.gateway.Listen(); err != nil {
		return err
	}
	if err := a.dns.Listen(); err != nil {
		return err
	}
	if err := a.backend.face.open(); err != nil {
		a.log.Error("console not opened", slog.Any(logkey.Err, err))
		a.report("console", err)
	}
	a.cfg.sockets.closeRest(a.log)
	var err error
	a.socket, err = control.Listen(a.cfg.Socket, socketGroup())
	return err
}
