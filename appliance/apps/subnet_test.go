// SPDX-License-Identifier: AGPL-3.0-or-later

package apps

import (
	"net/netip"
	"testing"

	"coopkit/appliance"
	"coopkit/internal/problem"
)

func TestAdd_takesAnotherSubnetWhenItsOwnIsGone(t *testing.T) {
	t.Parallel()
	b, fake := fakeBox(t, fine)
	first := netip.MustParsePrefix("10.213.0.0/27")
	fake.FailNext("CreateNetwork", &problem.Problem{Code: "subnet-taken", What: "it is in use"})
	calls := 0
	b.Subnets = func() ([]netip.Prefix, error) {
		if calls++; calls == 1 {
			return nil, nil // the plan still finds the first one free
		}
		return []netip.Prefix{first}, nil
	}
	job, err := b.Add(t.Context(), echo)
	if job = b.follow(t, job, err); job.State != appliance.JobDone {
		t.Fatalf("job %s: %v", job.State, job.Problem)
	}
	in, err := b.store.Install(t.Context(), "echo")
	if err != nil || in.Subnet == first {
		t.Errorf("install %+v, %v", in, err)
	}
	have, err := fake.Observe(t.Context(), "echo")
	if err != nil || have.Network == nil || have.Network.Subnet != in.Subnet {
		t.Errorf("network %+v of %v, %v", have.Network, in.Subnet, err)
	}
}
