// SPDX-License-Identifier: AGPL-3.0-or-later

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// othersLook is how long a look at a section under way goes: somebody else's
// work counts when it keeps mostBusy of the processors for so long.
const othersLook = 5 * time.Second

// othersDuring calls measure and looks meanwhile at what somebody else does, for
// so long at a time. It returns the largest share of the processors that that took.
func othersDuring(ctx context.Context, look time.Duration, measure func() error) (share float64, err error) {
	ctx, cancel := context.WithCancel(ctx)
	looked := make(chan error, 1)
	go func() {
		var err error
		share, err = mostByOthers(ctx, look)
		looked <- err
	}()
	err = measure()
	cancel()
	return share, errors.Join(err, <-looked)
}

// mostByOthers looks until ctx ends.
func mostByOthers(ctx context.Context, look time.Duration) (most float64, err error) {
	before, err := lookAtAll(os.Getpid())
	if err != nil {
		return 0, err
	}
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return most, nil
		case <-tick.C:
		}
		after, err := lookAtAll(os.Getpid())
		if err != nil {
			return 0, err
		}
		most = max(most, after.others(before))
		before = after
	}
}

// work is what all programs had of the processors at some time, in ticks, and
// what each family had that works for the measurement.
type work struct {
	cpu      cpuTimes
	families map[int]float64 // by the number of the first process
}

// others returns the share of the processors that went to anything but the
// families since before.
func (w work) others(before work) float64 {
	ours := 0.0
	for first, ticks := range w.families {
		// Less than before: a process ended that its parent did not wait for.
		ours += max(0, ticks-before.families[first])
	}
	return (w.cpu.programs - before.cpu.programs - ours) / max(1, w.cpu.total-before.cpu.total)
}

// lookAtAll reads the times of the families of a process, of the container
// engine, whose containers are part of what is measured, and of the kernel.
func lookAtAll(self int) (work, error) {
	cpu, err := readCPU()
	if err != nil {
		return work{}, err
	}
	paths, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return work{}, err
	}
	all := make(map[int]procStat, len(paths))
	for _, path := range paths {
		text, err := os.ReadFile(path) //nolint:gosec // proc(5)
		if err != nil {
			continue // it has ended
		}
		p, err := parseStat(string(text))
		if err != nil {
			return work{}, err
		}
		all[p.pid] = p
	}
	return work{cpu, families(all, self)}, nil
}

// families adds up what processes and the children that they waited for had.
func families(all map[int]procStat, self int) map[int]float64 {
	sums := make(map[int]float64)
	for pid, p := range all {
		for range len(all) { // to the first of the family; no further than there are
			of := all[pid]
			if pid == self || of.name == "kthreadd" || strings.HasPrefix(of.name, "dockerd") || strings.HasPrefix(of.name, "containerd") {
				sums[pid] += p.ticks + p.waitedFor
				break
			}
			pid = of.parent
		}
	}
	return sums
}

// procStat is a process as proc(5)'s stat has it; times in ticks.
type procStat struct {
	pid, parent      int
	name             string
	ticks, waitedFor float64 // of its own, and of children that it waited for
}

// parseStat reads proc(5)'s stat: the second field is a name in brackets that
// may have spaces in it, the fourth the parent; from the 14th on come utime,
// stime, cutime and cstime.
func parseStat(stat string) (p procStat, err error) {
	begin, end := strings.IndexByte(stat, '('), strings.LastIndexByte(stat, ')')
	if begin < 0 || end < begin {
		return p, errors.New("read process times: no name")
	}
	p.name = stat[begin+1 : end]
	fields := strings.Fields(stat[end+1:])
	if len(fields) < 15 {
		return p, errors.New("read process times: too few fields")
	}
	var n [6]int
	for i, field := range []string{strings.TrimSpace(stat[:begin]), fields[1], fields[11], fields[12], fields[13], fields[14]} {
		if n[i], err = strconv.Atoi(field); err != nil {
			return p, fmt.Errorf("read process times: %w", err)
		}
	}
	p.pid, p.parent, p.ticks, p.waitedFor = n[0], n[1], float64(n[2]+n[3]), float64(n[4]+n[5])
	return p, nil
}
