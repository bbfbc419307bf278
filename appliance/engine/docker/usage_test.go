// SPDX-License-Identifier: AGPL-3.0-or-later

package docker

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/engine"
	"coopkit/appliance/engine/enginetest"
	"coopkit/internal/testkit"
)

// busy is an install whose one service holds 64 MiB and keeps a processor busy.
func busy(t *testing.T, e *Engine) engine.Spec {
	t.Helper()
	spec := one(t, e, nil)
	spec.Services[0].Command, spec.Services[0].Health = []string{"work", "64"}, nil
	enginetest.Run(t, e, spec)
	return spec
}

// used is what the service of an install uses now.
func used(t *testing.T, e *Engine, install appliance.InstallName) engine.Usage {
	t.Helper()
	all, err := e.Usage(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range all {
		if u.Install == install {
			return u
		}
	}
	t.Fatalf("%s is not measured", install)
	return engine.Usage{}
}

func TestUsage_seesWhoEatsMemoryAndProcessor(t *testing.T) {
	t.Parallel()
	e := connect(t)
	spec := busy(t, e)
	var u engine.Usage
	testkit.Eventually(t, time.Minute, "it does not eat", func() bool {
		u = used(t, e, spec.Install)
		return u.MemoryBytes > 64<<20 && u.Processor > 500*time.Millisecond
	})
	if u.MemoryBytes > 256<<20 {
		t.Errorf("%+v", u)
	}
}

func TestUsage_theEngineSaysTheSameAsTheKernel(t *testing.T) {
	t.Parallel()
	e := connect(t)
	spec := busy(t, e)
	testkit.Eventually(t, time.Minute, "it does not eat", func() bool { return used(t, e, spec.Install).MemoryBytes > 64<<20 })
	files := engine.Usage{Container: used(t, e, spec.Install).Container}
	if err := e.cgroups.usage(&files); err != nil {
		t.Fatalf("the files of this kernel are not found: %v", err)
	}
	blind := &Engine{cli: e.cli, owner: e.owner, cgroups: cgroups(t.TempDir())} // as with an engine on another machine
	asked := used(t, blind, spec.Install)
	if d := int64(asked.MemoryBytes) - int64(files.MemoryBytes); d < -8<<20 || d > 8<<20 {
		t.Errorf("the engine says %d bytes, the kernel %d", asked.MemoryBytes, files.MemoryBytes)
	}
	if d := asked.Processor - files.Processor; d < 0 || d > 30*time.Second {
		t.Errorf("the engine says %s of processor time, the kernel said %s before", asked.Processor, files.Processor)
	}
}

// TestUsage_theEngineIsAskedAboutAllAtOnce: it takes a second or two for each, and
// a sample has five.
func TestUsage_theEngineIsAskedAboutAllAtOnce(t *testing.T) {
	t.Parallel()
	e := connect(t)
	spec := one(t, e, func(s *engine.Service) { s.Health = nil })
	for _, name := range []string{"b", "c", "d", "e", "f"} {
		s := spec.Services[0]
		s.Name, s.Mounts = name, nil
		spec.Services = append(spec.Services, s)
	}
	enginetest.Run(t, e, spec)
	blind := &Engine{cli: e.cli, owner: e.owner, cgroups: cgroups(t.TempDir())}
	limited, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	all, err := blind.Usage(limited)
	n := 0
	for _, u := range all {
		if u.Install == spec.Install && u.MemoryBytes > 0 && u.Processor > 0 {
			n++
		}
	}
	if err != nil || n != len(spec.Services) {
		t.Errorf("%d of %d services are measured, %v", n, len(spec.Services), err)
	}
}

func TestUsage_readsBothVersionsOfControlGroups(t *testing.T) {
	t.Parallel()
	want := engine.Usage{Container: "abc", MemoryBytes: 70_000_000, Processor: 1_500_000 * time.Microsecond}
	v2 := map[string]string{
		"memory.current": "100000000\n", "memory.stat": "anon 60000000\ninactive_anon 5\ninactive_file 30000000\n", "cpu.stat": "usage_usec 1500000\nuser_usec 1\n",
	}
	for name, files := range map[string]map[string]string{
		"2, systemd":  under("system.slice/docker-abc.scope/", v2),
		"2, cgroupfs": under("docker/abc/", v2),
		"1, cgroupfs": {
			"memory/docker/abc/memory.usage_in_bytes": "100000000\n", "cpuacct/docker/abc/cpuacct.usage": "1500000000\n",
			"memory/docker/abc/memory.stat": "inactive_file 1\ntotal_inactive_file 30000000\n",
		},
		"1, systemd": {
			"memory/system.slice/docker-abc.scope/memory.usage_in_bytes": "100000000\n", "cpuacct/system.slice/docker-abc.scope/cpuacct.usage": "1500000000\n",
			"memory/system.slice/docker-abc.scope/memory.stat": "total_inactive_file 30000000\n",
		},
	} {
		dir := t.TempDir()
		for path, text := range files {
			path = filepath.Join(dir, path)
			if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
				t.Fatal(err)
			}
		}
		got := engine.Usage{Container: "abc"}
		if err := cgroups(dir).usage(&got); err != nil || got != want {
			t.Errorf("version %s: %+v, %v", name, got, err)
		}
		if err := cgroups(dir).usage(&engine.Usage{Container: "other"}); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("version %s, of another: %v", name, err)
		}
	}
}

func under(dir string, files map[string]string) map[string]string {
	out := map[string]string{}
	for name, text := range files {
		out[dir+name] = text
	}
	return out
}

func TestVolumeBytes_countsWhatAnAppWrote(t *testing.T) {
	t.Parallel()
	e := connect(t)
	spec := one(t, e, nil)
	enginetest.Run(t, e, spec)
	run(t, e, spec, "fill", "/data/big", "3")
	n, err := e.VolumeBytes(t.Context(), spec.Install, "data")
	if err != nil || n < 3<<20 || n > 4<<20 {
		t.Errorf("3 MiB take %d bytes, %v", n, err)
	}
}

func TestWalk_countsLinksOnceAndStaysInside(t *testing.T) {
	t.Parallel()
	dir, outside := t.TempDir(), filepath.Join(t.TempDir(), "big")
	big := make([]byte, 1<<20)
	for i := range big {
		big[i] = byte(i)
	}
	if err := errors.Join(
		os.MkdirAll(filepath.Join(dir, "a", "b"), 0o700), os.WriteFile(filepath.Join(dir, "a", "b", "one"), big, 0o600),
		os.Link(filepath.Join(dir, "a", "b", "one"), filepath.Join(dir, "two")),
		os.WriteFile(outside, big, 0o600), os.Symlink(filepath.Dir(outside), filepath.Join(dir, "out")), os.Symlink(outside, filepath.Join(dir, "file")),
	); err != nil {
		t.Fatal(err)
	}
	sum := func(ctx context.Context, deep int) (float64, error) {
		root, err := os.OpenRoot(dir)
		if err != nil {
			t.Fatal(err)
		}
		w := walk{ctx: ctx, since: time.Now()}
		err = w.folder(root, deep)
		return w.bytes, err
	}
	if n, err := sum(t.Context(), 8); err != nil || n < 1<<20 || n > 1<<20+64<<10 {
		t.Errorf("1 MiB with two names takes %.0f bytes, %v", n, err)
	}
	if _, err := sum(t.Context(), 1); !errors.Is(err, engine.ErrNotMeasured) {
		t.Errorf("deeper than it looks: %v", err)
	}
}
