// SPDX-License-Identifier: AGPL-3.0-or-later

package control_test

import (
	"testing"

	"coopkit/appliance"
	"coopkit/appliance/agent/agenttest"
)

// TestReach_ofABoxOnLoopbackIsInside: in a testing setup everything answers, and
// nobody outside can open it.
func TestReach_ofABoxOnLoopbackIsInside(t *testing.T) {
	t.Parallel()
	box := agenttest.New(t)
	box.Add(t, "wordpress", "www.demo.coop")
	if _, err := box.Agent().Redirects.Add(t.Context(), appliance.Redirect{Host: "demo.coop", Target: "https://www.demo.coop"}); err != nil {
		t.Fatal(err)
	}
	box.Fail("GET /v1/reach", nil) // what the agent itself says
	look := func(host string) (one appliance.AddressReach) {
		t.Helper()
		all, err := box.Agent().Box.Reach(t.Context(), appliance.AskReach{})
		if err != nil || len(all) != 2 {
			t.Fatalf("%+v, %v", all, err)
		}
		for _, a := range all {
			if a.Host.String() == host {
				one = a
			}
		}
		return one
	}
	for _, host := range []string{"www.demo.coop", "demo.coop"} {
		if a := look(host); a.Reach != appliance.ReachInside || a.Looked.IsZero() {
			t.Errorf("%+v", a)
		}
	}
	if _, err := box.Agent().Apps.Stop(t.Context(), "wordpress"); err != nil {
		t.Fatal(err)
	}
	if a := look("www.demo.coop"); a.Reach != appliance.ReachClosed || !a.Stopped || a.Install != "wordpress" {
		t.Errorf("%+v", a)
	}
}
