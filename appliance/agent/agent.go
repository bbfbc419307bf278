// SPDX-License-Identifier: AGPL-3.0-or-later

// Package agent is the composition root of the appliance: it turns a Config
// into a store and parts that know nothing of each other, joins them, and runs
// them as one group. It is the only package that knows all the parts. Its tests
// start whole agents on loopback.
package agent

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"sync"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/apps"
	"coopkit/appliance/engine/docker"
	"coopkit/appliance/gateway"
	"coopkit/appliance/images"
	"coopkit/appliance/jobs"
	"coopkit/appliance/metrics"
	"coopkit/appliance/names"
	"coopkit/appliance/reach"
	"coopkit/appliance/sites"
	"coopkit/appliance/store"
	"coopkit/appliance/usage"
	"coopkit/dns/server"
	"coopkit/internal/atomicfile"
	"coopkit/internal/hostname"
	"coopkit/internal/logkey"
	"coopkit/internal/process"
)

// Agent is one appliance. Make it with New, run it once with Run.
type Agent struct {
	cfg     Config
	log     *slog.Logger
	backend *backend
	dns     *server.Server
	lock    *os.File
	socket  net.Listener

	closeOnce func() error
}

// New opens the state folder and makes the parts; no port is open yet. Errors
// that a person can act on are Problems: another agent runs, the records are
// damaged, a flag is wrong. Close frees what Run did not.
func New(ctx context.Context, cfg Config, log *slog.Logger) (_ *Agent, err error) {
	a := &Agent{log: log, backend: &backend{started: time.Now().UTC()}}
	a.closeOnce = sync.OnceValue(a.close)
	cfg.Outside = cfg.Outside.withDefaults(a.backend)
	a.cfg, a.backend.cfg, a.backend.catalogue = cfg, cfg, cfg.Outside.Catalogue
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Close())
		}
	}()
	if a.lock, err = process.Lock(cfg.State, "agent", 0o750); err != nil {
		return nil, err
	}
	if a.backend.store, err = store.Open(ctx, cfg.path("coopkit.db")); err != nil {
		return nil, err
	}
	if err = a.makeParts(ctx); err != nil {
		return nil, err
	}
	return a, nil
}

// makeParts makes and joins the parts, innermost first.
func (a *Agent) makeParts(ctx context.Context) error {
	b, cfg := a.backend, a.cfg
	if err := a.makeEngine(ctx); err != nil {
		return err
	}
	b.jobs = jobs.New(jobs.Deps{
		Journal: b.store, Log: a.part("jobs"), Now: cfg.Outside.Now, Boundary: cfg.Outside.Boundary,
	})
	if err := a.makeDoor(); err != nil {
		return err
	}
	b.images = images.New(images.Deps{Engine: b.engine, Dir: cfg.path("images"), Log: a.log, Mirror: cfg.RegistryMirrors})
	b.apps = apps.New(apps.Deps{
		Engine: b.engine, Store: b.store, Catalogue: b.catalogue, Images: cmp.Or(cfg.Outside.Images, apps.Images(b.images)), Debian: b.images, Names: b.names, Door: b.door,
		Jobs: b.jobs, Log: a.part("apps"), Now: cfg.Outside.Now, Room: cfg.Outside.Room,
		Usage:   func(name appliance.InstallName) appliance.UsageNow { return b.usage.Now(name) },
		Subnets: cfg.Outside.Subnets, Dial: cfg.Outside.Dial,
		Exports: cfg.path("exports"), Timezone: timezone(), Version: process.Version(),
	})
	b.door.endpoints, b.door.inside = b.apps.Endpoints, b.apps.Inside
	b.usage = usage.New(usage.Deps{
		Engine: b.engine, Store: b.store, Box: b.boxUsage, Spec: b.apps.Spec, Processors: runtime.NumCPU(), Now: cfg.Outside.Now, Log: a.part("usage"),
	})
	b.metrics = metrics.New(metrics.Deps{
		Sources: metrics.Sources{
			Usage: b.usage.Readings, Apps: b.store.Installs, Jobs: b.store.CountJobs, Certificates: b.Certificates, Requests: b.gateway.Requests,
			Findings: func(ctx context.Context) (appliance.Report, error) { return b.health.Shown(ctx) },
		},
		Settings: b.store, URL: b.metricsURL, Version: process.Version(), Now: cfg.Outside.Now, Log: a.part("metrics"),
	})
	b.register()
	for name, err := range b.catalogue.Broken() {
		b.troubles.Report("recipe:"+name, appliance.Trouble{Kind: appliance.TroubleRecipe, Name: name, Err: err})
	}
	a.makeSupport(ctx)
	a.makeConsole()
	a.makeNotify()
	return a.makeHealth()
}

// makeEngine makes what this box sees of the engine, and writes down beside the
// database who this box is, for whoever has to put away what a box made when
// its agent cannot do it: the scripts of installation and demo.
func (a *Agent) makeEngine(ctx context.Context) error {
	box, err := a.backend.store.Box(ctx)
	if err != nil {
		return err
	}
	path, text := a.cfg.path("box"), []byte(box+"\n")
	if was, err := os.ReadFile(path); err != nil || !bytes.Equal(was, text) { //nolint:gosec // our own state folder
		if err := atomicfile.Write(path, text, 0o644); err != nil {
			a.log.Warn("identity of the box not written down", slog.Any(logkey.Err, err))
		}
	}
	a.backend.engine, err = a.cfg.Outside.engine(a.cfg.Engine, docker.Owner{Box: box, Unlabelled: a.backend.store.Unlabelled})
	return err
}

// makeDoor makes what visitors meet: names, sites and the gateway.
func (a *Agent) makeDoor() error {
	b, cfg := a.backend, a.cfg
	if _, err := cfg.publicAddrs(); err != nil {
		return err
	}
	held := &a.cfg.sockets
	given, open := held.dns(cfg.DNS)
	a.dns = server.New(server.Config{Listen: open, Given: given, Log: a.log})
	b.dns = a.dns
	b.names = names.New(names.Deps{
		Store: b.store, Server: a.dns, Jobs: b.jobs, Log: a.log, Now: cfg.Outside.Now, Dir: cfg.path("removed-names"),
		LookUp: cfg.Outside.LookUp, LookUpNS: cfg.Outside.LookUpNS,
		PublicAddrs: a.addrs,
		ServerAddr:  a.dnsAddr,
		NameServers: func(hostname.Name) []string { return cfg.NameServers },
		Report:      func(broken []appliance.Trouble) { b.troubles.Report("zones", broken...) },
	})
	b.looker = reach.NewLooker(b.names, time.Now)
	if err := os.RemoveAll(cfg.path("uploads")); err != nil { // where older versions kept what the drafts of sites are now
		a.log.Warn("old uploads not removed", slog.Any(logkey.Err, err))
	}
	b.sites = sites.New(sites.Deps{Store: b.store, Dir: cfg.path("sites"), Log: a.log, Now: cfg.Outside.Now})
	issuer, err := cfg.issuer()
	if err != nil {
		return err
	}
	if b.gateway, err = gateway.New(gateway.Config{
		HTTP: cfg.HTTP, HTTPS: cfg.HTTPS, PublicHTTPSPort: cfg.publicPort(), Storage: cfg.path("certificates"), Issuer: issuer,
		HTTPListener: held.listener(cfg.HTTP), HTTPSListener: held.listener(cfg.HTTPS),
	}, gateway.Deps{Log: a.log, TXT: b.names, Report: a.report}); err != nil {
		return err
	}
	b.door = &door{
		gateway: b.gateway, store: b.store, siteRoot: b.sites.Root, port: cfg.publicPort(),
		report: func(closed []appliance.Trouble) { b.troubles.Report("door", closed...) },
	}
	return nil
}

// addrs are the addresses of this box as they are now; flags were checked
// before, so only the network cards can fail to tell.
func (a *Agent) addrs() []netip.Addr {
	addrs, err := a.cfg.publicAddrs()
	if err != nil {
		a.log.Warn("addresses not known", slog.Any(logkey.Err, err))
	}
	return addrs
}

// dnsAddr is where the name server of this box is asked.
func (a *Agent) dnsAddr() string {
	if addrs := a.dns.Addrs(); len(addrs) > 0 {
		return addrs[0]
	}
	return ""
}

// Close frees what the agent holds; it may be called more than once. A check that
// hangs may still use what is closed here, and gets an error then.
func (a *Agent) Close() error { return a.closeOnce() }

func (a *Agent) close() error {
	var errs []error
	if a.backend.engine != nil {
		errs = append(errs, a.backend.engine.Close())
	}
	if a.backend.store != nil {
		errs = append(errs, a.backend.store.Close())
	}
	if a.lock != nil {
		errs = append(errs, a.lock.Close())
	}
	return errors.Join(errs...)
}

func (a *Agent) part(name string) *slog.Logger {
	return a.log.With(slog.String(logkey.Component, name))
}

// timezone names this machine's time zone for the apps.
func timezone() string {
	if name, err := os.Readlink("/etc/localtime"); err == nil {
		if _, zone, ok := strings.Cut(name, "zoneinfo/"); ok {
			return zone
		}
	}
	return "Etc/UTC"
}
