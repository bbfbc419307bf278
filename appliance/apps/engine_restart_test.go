// SPDX-License-Identifier: AGPL-3.0-or-later

package apps

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"coopkit/appliance"
	"coopkit/appliance/engine/docker"
	"coopkit/appliance/engine/enginetest"
	"coopkit/appliance/engine/hostnet"
	"coopkit/internal/testkit"
)

// ownBridge is the bridge of the test's own engine. With none at all that
// engine would take away the one of the machine's other engine.
const ownBridge = "coopkit-test0"

// bridge makes it, for as long as the test runs.
func bridge(t *testing.T) {
	t.Helper()
	link := &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: ownBridge}}
	_ = netlink.LinkDel(link) // of a run that was cut off
	if err := netlink.LinkAdd(link); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := netlink.LinkDel(link); err != nil {
			t.Error(err)
		}
	})
	addr, err := netlink.ParseAddr("10.213.255.1/24")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(netlink.AddrAdd(link, addr), netlink.LinkSetUp(link)); err != nil {
		t.Fatal(err)
	}
}

// ownEngine is a Docker Engine of the test's own, which it may kill.
type ownEngine struct {
	dir string
	cmd *exec.Cmd
}

func (o *ownEngine) host() string { return "unix://" + filepath.Join(o.dir, "docker.sock") }

// start starts the engine and waits until it answers. Without rules in the
// packet filter it leaves the machine's other engine alone.
func (o *ownEngine) start(t *testing.T) {
	t.Helper()
	log, err := os.OpenFile(filepath.Join(o.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	o.cmd = exec.CommandContext(context.Background(), testkit.NeedProgram(t, "dockerd"),
		"--host", o.host(), "--data-root", filepath.Join(o.dir, "data"), "--exec-root", filepath.Join(o.dir, "exec"),
		"--pidfile", filepath.Join(o.dir, "pid"), "--bridge", ownBridge, "--iptables=false", "--ip-masq=false")
	o.cmd.Stdout, o.cmd.Stderr = log, log
	o.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := errors.Join(o.cmd.Start(), log.Close()); err != nil {
		t.Fatal(err)
	}
	eng, err := docker.New(o.host(), docker.Owner{Box: enginetest.Box})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = eng.Close() }()
	testkit.Eventually(t, time.Minute, "the test's own engine answers", func() bool {
		_, err := eng.Info(t.Context())
		return err == nil
	})
}

// kill ends the engine and its containerd at once, as a crash would, and the
// containers with them, as a power cut would.
func (o *ownEngine) kill(t *testing.T) {
	t.Helper()
	for _, pid := range append(o.shims(t), o.containerd(t), o.cmd.Process.Pid) {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	_ = o.cmd.Wait() // it was killed
	// What a running engine keeps in /run does not outlive a power cut.
	exec := filepath.Join(o.dir, "exec")
	unmountBelow(exec)
	if err := errors.Join(os.RemoveAll(exec), os.RemoveAll(filepath.Join(o.dir, "pid"))); err != nil {
		t.Error(err)
	}
}

// containerd is the engine's own one.
func (o *ownEngine) containerd(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(o.dir, "exec", "containerd", "containerd.pid"))
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

// shims are the processes below this engine's folder, and what they started.
func (o *ownEngine) shims(t *testing.T) []int {
	t.Helper()
	found := map[int]bool{}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	var out []int
	for range 2 { // shims first, then their children
		for _, e := range entries {
			pid, err := strconv.Atoi(e.Name())
			if err != nil || found[pid] {
				continue
			}
			line, _ := os.ReadFile(filepath.Join("/proc", e.Name(), "cmdline"))
			shim := strings.Contains(string(line), "containerd-shim") && strings.Contains(string(line), o.dir)
			if shim || found[parent(e.Name())] {
				found[pid] = true
				out = append(out, pid)
			}
		}
	}
	return out
}

func parent(pid string) int {
	text, err := os.ReadFile(filepath.Join("/proc", pid, "stat"))
	if err != nil {
		return 0
	}
	_, after, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(after)
	if len(fields) < 2 {
		return 0
	}
	n, _ := strconv.Atoi(fields[1])
	return n
}

func TestReconcile_afterTheEngineWasKilled(t *testing.T) {
	testkit.NeedDocker(t)
	dir := t.TempDir()
	bridge(t)
	own := &ownEngine{dir: dir}
	own.start(t)
	t.Cleanup(func() {
		own.kill(t)
		unmountBelow(dir)
		if log, err := os.ReadFile(filepath.Join(dir, "log")); err == nil && t.Failed() {
			t.Logf("the engine said:\n%s", log)
		}
	})
	eng, err := docker.New(own.host(), docker.Owner{Box: enginetest.Box})
	if err != nil {
		t.Fatal(err)
	}
	image := enginetest.TestImage(t, eng)
	b, err := openBox(t.Context(), setup{dir: t.TempDir(), engine: eng, image: image})
	if err != nil {
		t.Fatal(err)
	}
	b.Subnets = hostnet.Subnets // the machine's other engine has networks too
	t.Cleanup(func() {
		if err := b.teardown(context.Background(), "echo", appliance.Quiet{}); err != nil {
			t.Error(err)
		}
		b.end()
	})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() { _ = b.Run(ctx) }()
	job, err := b.Add(t.Context(), appliance.AddApp{Recipe: "echo", Host: "echo.demo.coop"})
	if job = b.follow(t, job, err); job.State != appliance.JobDone {
		t.Fatalf("add: %s %v", job.State, job.Problem)
	}
	own.kill(t)
	if app, err := b.Show(t.Context(), "echo"); err != nil || app.State != "unknown" {
		t.Errorf("without an engine: %+v, %v", app, err)
	}
	own.start(t)
	testkit.Eventually(t, 90*time.Second, "the app is back", func() bool {
		app, err := b.Show(t.Context(), "echo")
		return err == nil && app.State == "running" && b.Trouble(t.Context(), "echo", b.observe(t, "echo")) == nil
	})
}

// unmountBelow takes away what the killed engine left mounted.
func unmountBelow(dir string) {
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return
	}
	for _, line := range slices.Backward(strings.Split(string(mounts), "\n")) {
		if f := strings.Fields(line); len(f) > 1 && strings.HasPrefix(f[1], dir+"/") {
			_ = syscall.Unmount(f[1], syscall.MNT_DETACH)
		}
	}
}
