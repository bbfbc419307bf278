// SPDX-License-Identifier: AGPL-3.0-or-later

package apps

import (
	"context"
	"encoding/json"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/engine/docker"
	"coopkit/appliance/engine/enginetest"
	"coopkit/appliance/jobs/jobstest"
	"coopkit/internal/testkit"
)

// crashCase is what the process that is to be killed is told.
type crashCase struct {
	At    string // step:phase
	Dir   string
	Image appliance.Image
	Name  string
	Box   string // the owner of what it makes in the engine
	Host  string
	Index int // keeps the subnets of parallel cases apart
}

// crashSteps are the steps of adding the recipe echo.
var crashSteps = []string{"record", "images", "place", "start-helper", "start-app", "ready", "owner", "try", "names", "activate", "door", "certificates"}

// TestMain is also the process that the crash test kills.
func TestMain(m *testing.M) {
	if told := os.Getenv("APPS_CRASH"); told != "" {
		var c crashCase
		if err := json.Unmarshal([]byte(told), &c); err != nil {
			panic(err)
		}
		crash(c)
		return
	}
	os.Exit(m.Run()) //nolint:forbidigo // this is main of the test binary
}

// realBox is a box on the real engine; subnets below the case's own count as
// used.
func realBox(ctx context.Context, c crashCase, boundary func(kind appliance.Change, step, phase string)) (*box, error) {
	eng, err := docker.New("", docker.Owner{Box: c.Box})
	if err != nil {
		return nil, err
	}
	b, err := openBox(ctx, setup{dir: c.Dir, engine: eng, image: c.Image, boundary: boundary})
	if err != nil {
		return nil, err
	}
	used := []netip.Prefix{netip.MustParsePrefix("10.213.0.0/17")}
	for i := range c.Index {
		used = append(used, netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 213, byte(128 + i/8), byte(i % 8 * 32)}), 27))
	}
	b.Subnets = func() ([]netip.Prefix, error) { return used, nil }
	return b, nil
}

// crash adds an app and ends the process with SIGKILL at one boundary.
func crash(c crashCase) {
	ctx := context.Background()
	b, err := realBox(ctx, c, func(_ appliance.Change, step, phase string) {
		if step+":"+phase == c.At {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	})
	if err != nil {
		panic(err)
	}
	job, err := b.Add(ctx, appliance.AddApp{Recipe: "echo", Name: c.Name, Host: c.Host})
	if err != nil {
		panic(err)
	}
	_ = b.Jobs.Follow(ctx, job.ID, 0, func(ev appliance.JobEvent) error {
		_, _ = os.Stderr.WriteString(ev.Step + " " + string(ev.State) + " " + ev.Text + "\n")
		return nil
	})
}

// fewCrashes are what is tried without make chaos: TestJobs_surviveEverything
// has all of them in the engine in memory.
var fewCrashes = []string{"images:did", "place:did", "start-app:did", "names:recorded", "activate:did", "activate:recorded", "door:did"}

func TestAdd_survivesKillAtEveryStep(t *testing.T) {
	t.Parallel()
	testkit.NeedDocker(t)
	eng, err := docker.New("", docker.Owner{Box: enginetest.Box})
	if err != nil {
		t.Fatal(err)
	}
	image := enginetest.TestImage(t, eng)
	for i, step := range crashSteps {
		for j, phase := range []string{"started", "did", "recorded"} {
			if at := step + ":" + phase; !jobstest.Chaos() && !slices.Contains(fewCrashes, at) {
				continue
			}
			t.Run(step+":"+phase, func(t *testing.T) {
				t.Parallel()
				name := "crash-" + step + "-" + phase + "-" + strconv.Itoa(os.Getpid())
				survive(t, crashCase{
					At: step + ":" + phase, Dir: t.TempDir(), Image: image,
					Name: name, Box: enginetest.Box, Host: name + ".demo.coop", Index: 3*i + j,
				})
			})
		}
	}
}

// survive kills an add and looks at what the next start makes of it.
func survive(t *testing.T, c crashCase) {
	t.Helper()
	told, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env = append(os.Environ(), "APPS_CRASH="+string(told))
	out, err := child.CombinedOutput()
	if err == nil || !strings.Contains(err.Error(), "killed") {
		t.Fatalf("the process ended by itself: %v\n%s", err, out)
	}
	b, err := realBox(t.Context(), c, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := b.teardown(ctx, appliance.InstallName(c.Name), appliance.Quiet{}); err != nil {
			t.Error(err)
		}
		b.end()
	})
	job := b.follow(t, appliance.Job{ID: 1}, nil)
	if c.At == "activate:recorded" || strings.HasPrefix(c.At, "door:") || strings.HasPrefix(c.At, "certificates:") {
		if app, err := b.Show(t.Context(), appliance.InstallName(c.Name)); err != nil || job.State != appliance.JobDone || app.State != "running" {
			t.Errorf("after the commit point: job %s, app %+v, %v", job.State, app, err)
		}
		return
	}
	if job.State != appliance.JobUndone || job.Problem == nil {
		t.Errorf("job %s, problem %v", job.State, job.Problem)
	}
	b.nothingLeft(t, appliance.InstallName(c.Name))
}
