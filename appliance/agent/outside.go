// SPDX-License-Identifier: AGPL-3.0-or-later

package agent

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/apps"
	"coopkit/appliance/engine"
	"coopkit/appliance/engine/docker"
	"coopkit/appliance/engine/hostnet"
	"coopkit/appliance/health"
	"coopkit/appliance/notify"
	"coopkit/internal/deliver"
	"coopkit/recipes"
)

// Outside is what a box has around it. Zero fields are the real thing; the tests
// of those who talk to an agent give others, so that everything within is real.
type Outside struct {
	Catalogue *recipes.Catalogue                                                // nil: that of the binary
	Engine    engine.Engine                                                     // nil: the Docker Engine at Config.Engine
	Images    apps.Images                                                       // nil: registries, and Debian's packages
	Room      func() (apps.Room, error)                                         // on disk and in memory
	Subnets   func() ([]netip.Prefix, error)                                    // of the host and what it routes
	Dial      func(ctx context.Context, network, addr string) (net.Conn, error) // to the services of apps
	LookUp    func(ctx context.Context, host string) ([]netip.Addr, error)      // names that are not of this box
	LookUpNS  func(ctx context.Context, zone string) ([]string, error)          // who the world asks for a zone
	People    func(ctx context.Context) ([]notify.Person, error)                // with an account; nil: those of the console
	Reach     deliver.Dialer                                                    // receivers of messages; nil: none on this machine
	Checks    []health.Check                                                    // of what surrounds the box; nil: all of them
	Now       func() time.Time                                                  // the clock of changes
	Intercept func(http.Handler) http.Handler                                   // between the socket and the calls
	Boundary  func(kind appliance.Change, step, phase string)                   // called between the steps of jobs
}

// engine is the engine at address, as this owner sees it.
func (o Outside) engine(address string, owner docker.Owner) (engine.Engine, error) {
	if o.Engine != nil {
		return o.Engine, nil
	}
	return docker.New(address, owner)
}

// withDefaults puts the real thing where o has nothing else.
func (o Outside) withDefaults(b *backend) Outside {
	if o.Catalogue == nil {
		o.Catalogue = recipes.Embedded()
	}
	if o.Room == nil {
		o.Room = b.room
	}
	if o.Subnets == nil {
		o.Subnets = hostnet.Subnets
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.People == nil {
		o.People = b.people
	}
	if o.Intercept == nil {
		o.Intercept = func(h http.Handler) http.Handler { return h }
	}
	return o
}
