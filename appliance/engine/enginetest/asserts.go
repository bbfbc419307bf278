// SPDX-License-Identifier: AGPL-3.0-or-later

package enginetest

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"coopkit/appliance"
	"coopkit/appliance/engine"
)

// exactly compares what cmp cannot look into.
var exactly = cmpopts.EquateComparable(netip.Addr{}, netip.Prefix{})

func installs(t *testing.T, e engine.Engine) []appliance.InstallName {
	t.Helper()
	out, err := e.Installs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func container(t *testing.T, have engine.Observed, service string) engine.Container {
	t.Helper()
	i := slices.IndexFunc(have.Containers, func(c engine.Container) bool { return c.Service == service })
	if i < 0 {
		t.Fatalf("%s has no container", service)
	}
	return have.Containers[i]
}

// planNothing fails if there is something left to do.
func planNothing(t *testing.T, spec engine.Spec, have engine.Observed) {
	t.Helper()
	steps, err := engine.Plan(spec, have)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range steps {
		t.Errorf("after applying there is still to do: %s", s.Name())
	}
}

// checkGone fails if anything of the install is left.
func checkGone(t *testing.T, e engine.Engine, install appliance.InstallName) {
	t.Helper()
	left, err := e.Observe(t.Context(), install)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(engine.Observed{Install: install}, left, exactly); diff != "" {
		t.Errorf("left behind: %s", diff)
	}
}
