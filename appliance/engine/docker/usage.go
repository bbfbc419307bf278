// SPDX-License-Identifier: AGPL-3.0-or-later

package docker

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/docker/docker/api/types/container"

	"coopkit/appliance"
	"coopkit/appliance/engine"
)

// Usage asks the engine which containers run, and the kernel what each uses:
// reading two small files costs a hundredth of what the engine's own answer
// does. Where these files are not to be found the engine is asked after all.
func (e *Engine) Usage(ctx context.Context) ([]engine.Usage, error) {
	if err := e.meet(ctx); err != nil {
		return nil, err
	}
	list, err := e.cli.ContainerList(ctx, container.ListOptions{Filters: e.own(engine.LabelInstall)})
	if err != nil {
		return nil, e.wrap(err, "list containers")
	}
	out := make([]engine.Usage, 0, len(list))
	for _, c := range list {
		u, err := e.cgroups.usage(c.ID)
		if err != nil {
			if u, err = e.askUsage(ctx, c.ID); err != nil { // it ended since it was listed, most likely
				continue
			}
		}
		u.Install, u.Service, u.Container = appliance.InstallName(c.Labels[engine.LabelInstall]), c.Labels[engine.LabelService], c.ID
		out = append(out, u)
	}
	return out, ctx.Err()
}

// askUsage asks the engine for what a container uses.
func (e *Engine) askUsage(ctx context.Context, id string) (u engine.Usage, err error) {
	answer, err := e.cli.ContainerStatsOneShot(ctx, id)
	if err != nil {
		return u, e.wrap(err, "ask for the usage of a container")
	}
	defer func() { _ = answer.Body.Close() }()
	var s container.StatsResponse
	if err := json.NewDecoder(answer.Body).Decode(&s); err != nil {
		return u, fmt.Errorf("read the usage of a container: %w", err)
	}
	if s.MemoryStats.Usage == 0 {
		return u, fmt.Errorf("read the usage of a container: %w", engine.ErrNotMeasured)
	}
	idle, ok := s.MemoryStats.Stats["total_inactive_file"] // version 1
	if !ok {
		idle = s.MemoryStats.Stats["inactive_file"]
	}
	u.MemoryBytes = s.MemoryStats.Usage - min(idle, s.MemoryStats.Usage)
	u.Processor = time.Duration(s.CPUStats.CPUUsage.TotalUsage) //nolint:gosec // 292 years of it
	return u, nil
}

// cgroups is where the kernel shows control groups: /sys/fs/cgroup.
type cgroups string

// homes are where engines put the control group of a container, below the
// hierarchy: by the cgroupfs and the systemd driver.
func homes(id string) [2]string {
	return [2]string{"docker/" + id, "system.slice/docker-" + id + ".scope"}
}

// usage reads what the container with this id uses. The error wraps
// fs.ErrNotExist where its group is not to be found.
func (g cgroups) usage(id string) (u engine.Usage, err error) {
	for _, home := range homes(id) {
		if u, err = g.version2(filepath.Join(string(g), home)); err == nil {
			return u, nil
		}
		if u, err = g.version1(home); err == nil {
			return u, nil
		}
	}
	return u, err
}

// version2 reads the files of the unified hierarchy.
func (g cgroups) version2(dir string) (engine.Usage, error) {
	used, err := number(filepath.Join(dir, "memory.current"))
	if err != nil {
		return engine.Usage{}, err
	}
	idle, err := field(filepath.Join(dir, "memory.stat"), "inactive_file")
	if err != nil {
		return engine.Usage{}, err
	}
	micros, err := field(filepath.Join(dir, "cpu.stat"), "usage_usec")
	return engine.Usage{MemoryBytes: used - min(idle, used), Processor: time.Duration(micros) * time.Microsecond}, err //nolint:gosec // 292,000 years of it
}

// version1 reads the files of a hierarchy for each controller.
func (g cgroups) version1(home string) (engine.Usage, error) {
	memory := filepath.Join(string(g), "memory", home)
	used, err := number(filepath.Join(memory, "memory.usage_in_bytes"))
	if err != nil {
		return engine.Usage{}, err
	}
	idle, err := field(filepath.Join(memory, "memory.stat"), "total_inactive_file")
	if err != nil {
		return engine.Usage{}, err
	}
	nanos, err := number(filepath.Join(string(g), "cpuacct", home, "cpuacct.usage"))
	return engine.Usage{MemoryBytes: used - min(idle, used), Processor: time.Duration(nanos)}, err //nolint:gosec // 292 years of it
}

// number reads a file that has a number in it.
func number(path string) (uint64, error) {
	b, err := os.ReadFile(path) //nolint:gosec // below /sys
	if err != nil {
		return 0, fmt.Errorf("read control group: %w", err)
	}
	n, err := strconv.ParseUint(strings.TrimSpace(string(b)), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read control group: %w", err)
	}
	return n, nil
}

// field reads the line "name number" of a file.
func field(path, name string) (uint64, error) {
	f, err := os.Open(path) //nolint:gosec // below /sys
	if err != nil {
		return 0, fmt.Errorf("read control group: %w", err)
	}
	defer func() { _ = f.Close() }()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if text, ok := strings.CutPrefix(lines.Text(), name+" "); ok {
			n, err := strconv.ParseUint(text, 10, 64)
			if err != nil {
				return 0, fmt.Errorf("read control group: %w", err)
			}
			return n, nil
		}
	}
	return 0, fmt.Errorf("read control group: %s has no %s", path, name)
}
