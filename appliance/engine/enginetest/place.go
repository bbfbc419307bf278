// SPDX-License-Identifier: AGPL-3.0-or-later

package enginetest

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/engine"
	"coopkit/appliance/engine/hostnet"
	"coopkit/recipes"
)

// Box is the identity of a box that only this test process has: on a real engine
// its tests see, change and remove nothing of anybody else's.
var Box = "test-" + strconv.Itoa(os.Getpid()) + "-" + random()

// Place returns a spec without services for an install that no other test has:
// its name, its release 1 and a free subnet. Everything of the install is
// removed when the test ends.
func Place(tb testing.TB, e engine.Engine) engine.Spec {
	tb.Helper()
	name := appliance.InstallName("test-" + random())
	used, err := e.UsedSubnets(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	own, err := hostnet.Subnets()
	if err != nil {
		tb.Fatal(err)
	}
	subnet, err := engine.ChooseSubnet(append([]netip.Prefix{somewhere()}, engine.DefaultPools()...), engine.SubnetBits, slices.Concat(used, own))
	if err != nil {
		tb.Fatal(err)
	}
	cleanup(tb, func() error { return Remove(background(tb), e, name) })
	return engine.Spec{Install: name, Release: 1, Recipe: "testapp", Version: "1.0-1", Subnet: subnet}
}

// somewhere is a part of a pool, so that test binaries that run side by side
// hardly ever choose the same subnet.
func somewhere() netip.Prefix {
	pool := engine.DefaultPools()[0]
	b := pool.Addr().As4()
	binary.BigEndian.PutUint16(b[2:], uint16(rand.IntN(256))<<8) //nolint:gosec // nothing secret
	return netip.PrefixFrom(netip.AddrFrom4(b), 24)
}

// Remove removes everything of an install, its volumes too.
func Remove(ctx context.Context, e engine.Engine, install appliance.InstallName) error {
	have, err := e.Observe(ctx, install)
	if err != nil {
		return err
	}
	return engine.Apply(ctx, e, engine.Teardown(have, false), appliance.Quiet{})
}

// Run plans and applies spec after giving its services addresses, and fails
// the test if that fails.
func Run(tb testing.TB, e engine.Engine, spec engine.Spec) engine.Observed {
	tb.Helper()
	if err := Try(tb.Context(), e, spec); err != nil {
		tb.Fatal(err)
	}
	have, err := e.Observe(tb.Context(), spec.Install)
	if err != nil {
		tb.Fatal(err)
	}
	return have
}

// Try plans and applies spec after giving its services addresses.
func Try(ctx context.Context, e engine.Engine, spec engine.Spec) error {
	if _, err := engine.AssignAddresses(spec.Subnet, spec.Services, nil); err != nil {
		return err
	}
	have, err := e.Observe(ctx, spec.Install)
	if err != nil {
		return err
	}
	steps, err := engine.Plan(spec, have)
	if err != nil {
		return err
	}
	return engine.Apply(ctx, e, steps, appliance.Quiet{})
}

// Web is a service of the test app that serves HTTP on port 8080 with a health
// check; greeting is what it answers.
func Web(name, greeting string, image appliance.Image) engine.Service {
	return engine.Service{Resolved: image, Service: recipes.Service{
		Name: name, Entrypoint: []string{"/app"}, Command: []string{"serve"},
		Environment: map[string]string{"GREETING": greeting}, StopGrace: 5 * time.Second,
		Health: &recipes.HealthCheck{
			Test: []string{"CMD", "/app", "health"}, Interval: 200 * time.Millisecond, Timeout: 5 * time.Second, Retries: 20,
		},
	}}
}

// Once is a one-shot service of the test app with the given arguments.
func Once(name string, image appliance.Image, args ...string) engine.Service {
	return engine.Service{Resolved: image, Service: recipes.Service{
		Name: name, Entrypoint: []string{"/app"}, Command: args, OneShot: true,
	}}
}

// cleanup reports what could not be removed.
func cleanup(tb testing.TB, do func() error) {
	tb.Helper()
	tb.Cleanup(func() {
		if err := do(); err != nil {
			tb.Errorf("clean up: %v", err)
		}
	})
}

// background is a context for cleaning up, when the test's own has ended.
func background(tb testing.TB) context.Context {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(tb.Context()), 2*time.Minute)
	tb.Cleanup(cancel)
	return ctx
}
