// SPDX-License-Identifier: AGPL-3.0-or-later

package docker

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/docker/docker/api/types/container"
	"golang.org/x/sync/errgroup"

	"coopkit/appliance"
	"coopkit/appliance/engine"
)

// Usage asks the engine which containers run, and the kernel what each uses: three
// small files, where the engine's own answer takes a second. Where these files are
// not to be found the engine is asked after all.
func (e *Engine) Usage(ctx context.Context) ([]engine.Usage, error) {
	if err := e.meet(ctx); err != nil {
		return nil, err
	}
	list, err := e.cli.ContainerList(ctx, container.ListOptions{Filters: e.own(engine.LabelInstall)})
	if err != nil {
		return nil, e.wrap(err, "list containers")
	}
	all := make([]engine.Usage, len(list))
	var asked errgroup.Group
	asked.SetLimit(askedAtOnce)
	for i, c := range list {
		one := engine.Usage{Install: appliance.InstallName(c.Labels[engine.LabelInstall]), Service: c.Labels[engine.LabelService], Container: c.ID}
		if e.cgroups.usage(&one) == nil {
			all[i] = one
			continue
		}
		asked.Go(func() error {
			if e.askUsage(ctx, &one) == nil { // otherwise it ended since it was listed, most likely
				all[i] = one
			}
			return nil
		})
	}
	_ = asked.Wait() // no error is returned there
	return slices.DeleteFunc(all, func(u engine.Usage) bool { return u.Container == "" }), ctx.Err()
}

// askedAtOnce is how many containers the engine is asked about at a time: its
// answer takes a second or two, in which it does hardly anything.
const askedAtOnce = 16

// askUsage asks the engine for what a container uses.
func (e *Engine) askUsage(ctx context.Context, u *engine.Usage) error {
	answer, err := e.cli.ContainerStatsOneShot(ctx, u.Container)
	if err != nil {
		return e.wrap(err, "ask for the usage of a container")
	}
	defer func() { _ = answer.Body.Close() }()
	var s container.StatsResponse
	if err := json.NewDecoder(answer.Body).Decode(&s); err != nil {
		return fmt.Errorf("read the usage of a container: %w", err)
	}
	if s.MemoryStats.Usage == 0 {
		return fmt.Errorf("read the usage of a container: %w", engine.ErrNotMeasured)
	}
	idle, ok := s.MemoryStats.Stats["total_inactive_file"] // version 1
	if !ok {
		idle = s.MemoryStats.Stats["inactive_file"]
	}
	u.MemoryBytes = s.MemoryStats.Usage - min(idle, s.MemoryStats.Usage)
	u.Processor = time.Duration(s.CPUStats.CPUUsage.TotalUsage) //nolint:gosec // 292 years of it
	return nil
}

// cgroups is where the kernel shows control groups: /sys/fs/cgroup.
type cgroups string

// homes are where engines put the control group of a container, below the
// hierarchy: by the cgroupfs and the systemd driver.
func homes(id string) [2]string {
	return [2]string{"docker/" + id, "system.slice/docker-" + id + ".scope"}
}

// usage reads what a container uses. The error wraps fs.ErrNotExist where its
// group is not to be found.
func (g cgroups) usage(u *engine.Usage) (err error) {
	for _, home := range homes(u.Container) {
		if err = g.version2(u, home); err == nil {
			return nil
		}
		if err = g.version1(u, home); err == nil {
			return nil
		}
	}
	return err
}

// version2 reads the files of the unified hierarchy.
func (g cgroups) version2(u *engine.Usage, home string) error {
	dir := filepath.Join(string(g), home)
	used, err := number(filepath.Join(dir, "memory.current"))
	if err != nil {
		return err
	}
	idle, err := field(filepath.Join(dir, "memory.stat"), "inactive_file")
	if err != nil {
		return err
	}
	micros, err := field(filepath.Join(dir, "cpu.stat"), "usage_usec")
	u.MemoryBytes, u.Processor = used-min(idle, used), time.Duration(micros)*time.Microsecond //nolint:gosec // 292,000 years of it
	return err
}

// version1 reads the files of a hierarchy for each controller.
func (g cgroups) version1(u *engine.Usage, home string) error {
	memory := filepath.Join(string(g), "memory", home)
	used, err := number(filepath.Join(memory, "memory.usage_in_bytes"))
	if err != nil {
		return err
	}
	idle, err := field(filepath.Join(memory, "memory.stat"), "total_inactive_file")
	if err != nil {
		return err
	}
	nanos, err := number(filepath.Join(string(g), "cpuacct", home, "cpuacct.usage"))
	u.MemoryBytes, u.Processor = used-min(idle, used), time.Duration(nanos) //nolint:gosec // 292 years of it
	return err
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
