// SPDX-License-Identifier: AGPL-3.0-or-later

package agent

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/shirou/gopsutil/v4/cpu"
	"github.com/shirou/gopsutil/v4/host"
	"github.com/shirou/gopsutil/v4/load"
	"github.com/shirou/gopsutil/v4/mem"
	"golang.org/x/sys/unix"

	"coopkit/appliance"
	"coopkit/appliance/apps"
	"coopkit/appliance/engine"
	"coopkit/appliance/usage"
)

// Host describes this machine as it is now.
func (b *backend) Host(ctx context.Context) (appliance.Host, error) {
	name, err := os.Hostname()
	if err != nil {
		return appliance.Host{}, fmt.Errorf("read name of machine: %w", err)
	}
	system, err1 := b.system.name()
	kernel, err2 := host.KernelVersionWithContext(ctx)
	uptime, err3 := host.UptimeWithContext(ctx)
	avg, err4 := load.AvgWithContext(ctx)
	memory, err5 := mem.VirtualMemoryWithContext(ctx)
	disk, err6 := b.disk(ctx)
	if err := errors.Join(err1, err2, err3, err4, err5, err6); err != nil {
		return appliance.Host{}, fmt.Errorf("measure machine: %w", err)
	}
	return appliance.Host{
		Name: name, System: system, Kernel: kernel, Arch: runtime.GOARCH, CPUs: runtime.NumCPU(),
		UptimeS: int64(uptime), Load: avg.Load1 / float64(runtime.NumCPU()), //nolint:gosec // seconds since it started
		MemoryBytes: memory.Total, MemoryUsed: memory.Used, DiskBytes: disk.total, DiskUsed: disk.used,
	}, nil
}

// boxUsage is what the whole machine uses now.
func (b *backend) boxUsage(ctx context.Context) (usage.Box, error) {
	memory, err1 := mem.VirtualMemoryWithContext(ctx)
	disk, err2 := b.disk(ctx)
	times, err3 := cpu.TimesWithContext(ctx, false)
	if err := errors.Join(err1, err2, err3); err != nil || len(times) == 0 {
		return usage.Box{}, fmt.Errorf("measure machine: %w", err)
	}
	t := times[0]
	seconds := func(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
	busy := t.User + t.System + t.Nice + t.Irq + t.Softirq + t.Steal
	return usage.Box{
		MemoryUsed: memory.Used, MemoryBytes: memory.Total, DiskUsed: disk.used, DiskBytes: disk.total,
		Busy: seconds(busy), All: seconds(busy + t.Idle + t.Iowait),
	}, nil
}

// system is the system that the agent was started on: to ask for it starts a
// program on some, and it does not change while the agent runs.
type system struct {
	once sync.Once
	text string
	err  error
}

func (s *system) name() (string, error) {
	s.once.Do(func() {
		name, _, version, err := host.PlatformInformation()
		s.text, s.err = systemName(name, version), err
	})
	return s.text, s.err
}

// systemName is how people call a system: "Debian 12".
func systemName(system, version string) string {
	if system != "" {
		system = strings.ToUpper(system[:1]) + system[1:]
	}
	major, _, _ := strings.Cut(version, ".")
	if system == "Ubuntu" {
		major = version
	}
	return strings.TrimSpace(system + " " + major)
}

// room is what apps could still use. Where nobody can wait, 5 s are enough.
func (b *backend) room() (apps.Room, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	disk, err := b.disk(ctx)
	if err != nil {
		return apps.Room{}, err
	}
	memory, err := mem.VirtualMemoryWithContext(ctx)
	if err != nil {
		return apps.Room{}, fmt.Errorf("measure memory: %w", err)
	}
	return apps.Room{DiskBytes: disk.free, MemoryBytes: memory.Available}, nil
}

// disk is the room of one file system, in bytes.
type disk struct{ total, used, free uint64 }

// disk measures where the engine keeps volumes, or, when it does not answer,
// where the state is.
func (b *backend) disk(ctx context.Context) (disk, error) {
	at := b.cfg.State
	ctx, cancel := context.WithTimeout(ctx, engine.Glance)
	defer cancel()
	if info, err := b.engine.Info(ctx); err == nil && info.RootDir != "" {
		if _, err := os.Stat(info.RootDir); err == nil {
			at = info.RootDir
		}
	}
	var s unix.Statfs_t
	if err := unix.Statfs(at, &s); err != nil {
		return disk{}, fmt.Errorf("measure disk at %s: %w", at, err)
	}
	size := uint64(s.Bsize) //nolint:gosec // a block size is positive
	used := (s.Blocks - s.Bfree) * size
	return disk{total: used + s.Bavail*size, used: used, free: s.Bavail * size}, nil
}

// socketGroup is the group that may use the control socket besides root: the
// one named coopkit, if this machine has it.
func socketGroup() int {
	g, err := user.LookupGroup("coopkit")
	if err != nil {
		return -1
	}
	id, err := strconv.Atoi(g.Gid)
	if err != nil {
		return -1
	}
	return id
}
