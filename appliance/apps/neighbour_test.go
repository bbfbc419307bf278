// SPDX-License-Identifier: AGPL-3.0-or-later

package apps

import (
	"context"
	"errors"
	"io"
	"net/netip"
	"os"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"coopkit/appliance"
	"coopkit/appliance/engine/docker"
	"coopkit/appliance/engine/enginetest"
	"coopkit/internal/problem"
	"coopkit/internal/testkit"
)

// volumes reads the volumes of an install, byte for byte.
func (b *box) volumes(t *testing.T, name appliance.InstallName) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, v := range b.observe(t, name).Volumes {
		stream, err := b.Engine.ReadVolume(t.Context(), name, v)
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(stream)
		if err := errors.Join(err, stream.Close()); err != nil {
			t.Fatal(err)
		}
		out[v] = string(content)
	}
	return out
}

// TestNeighbour_keepsItsAppAndItsData: two boxes use one engine. Whatever the
// second does about an app of the same name, also when its records say that it
// has one, the first one's runs on with its data.
func TestNeighbour_keepsItsAppAndItsData(t *testing.T) {
	t.Parallel()
	testkit.NeedDocker(t)
	eng, err := docker.New("", docker.Owner{Box: enginetest.Box})
	if err != nil {
		t.Fatal(err)
	}
	image := enginetest.TestImage(t, eng)
	name := appliance.InstallName("neighbour-" + strconv.Itoa(os.Getpid()))
	open := func(owner string) *box {
		t.Helper()
		b, err := realBox(t.Context(), crashCase{Dir: t.TempDir(), Image: image, Box: enginetest.Box + owner, Index: 40}, nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := enginetest.Remove(context.WithoutCancel(t.Context()), b.Engine, name); err != nil {
				t.Error(err)
			}
			b.end()
		})
		return b
	}
	theirs, ours := open("-theirs"), open("-ours")
	add := appliance.AddApp{Recipe: "echo", Name: string(name), Host: "echo.demo.coop"}
	job, err := theirs.Add(t.Context(), add)
	if job = theirs.follow(t, job, err); job.State != appliance.JobDone {
		t.Fatalf("add: %s %v", job.State, job.Problem)
	}
	was, content := theirs.observe(t, name), theirs.volumes(t, name)
	if len(content) == 0 {
		t.Fatal("it has no volume")
	}

	if _, err := ours.PlanAdd(t.Context(), add); !errors.Is(err, &problem.Problem{Code: "install-of-another-box"}) {
		t.Errorf("planning an app of the same name: %v", err)
	}
	in, err := theirs.store.Install(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	job, err = ours.Jobs.Start(t.Context(), "add", subject(name), addInput{Install: in}) // as if the engine had been free a moment ago
	if job = ours.follow(t, job, err); job.State != appliance.JobUndone || job.Problem.Code != "install-of-another-box" {
		t.Errorf("adding it: %s %v", job.State, job.Problem)
	}
	ours.claims(t, theirs, in)
	ours.Reconcile(t.Context())
	job, err = ours.Jobs.Start(t.Context(), "remove", subject(name), removeInput{Install: in})
	if job = ours.follow(t, job, err); job.State != appliance.JobDone {
		t.Errorf("removing it: %s %v", job.State, job.Problem)
	}

	if diff := cmp.Diff(was, theirs.observe(t, name), cmpopts.EquateComparable(netip.Addr{}, netip.Prefix{})); diff != "" {
		t.Errorf("the neighbour's app changed: %s", diff)
	}
	if diff := cmp.Diff(content, theirs.volumes(t, name)); diff != "" {
		t.Errorf("the neighbour's data changed: %s", diff)
	}
}

// claims puts another box's install into the records of this one.
func (b *box) claims(t *testing.T, from *box, in appliance.Install) {
	t.Helper()
	release, err := from.store.Release(t.Context(), in.Name, in.Release)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(
		b.record(t.Context(), addInput{Install: in}), b.store.SetImages(t.Context(), in.Name, 1, release.Images), b.store.Activate(t.Context(), in.Name, 1),
	); err != nil {
		t.Fatal(err)
	}
}
