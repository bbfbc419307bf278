// SPDX-License-Identifier: AGPL-3.0-or-later

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// When a section counts as disturbed: the host of a virtual machine took more
// than mostStolen of its processors while it ran, or somebody else kept more
// than mostBusy of them busy just before, after, or meanwhile.
const (
	mostStolen = 0.03
	mostBusy   = 0.10
)

// How long the machine may take to come to rest around a section, and over how
// long a look at it goes. What the section before has left to do is over by then.
const (
	quietWithin = 30 * time.Second
	quietLook   = 2 * time.Second
)

// cpuTimes are the processors' times since the machine started, in ticks: of
// all of it, without idling, that of programs (interrupts are nobody's), and what
// the host kept for others (proc(5)).
type cpuTimes struct{ total, busy, programs, stolen float64 }

func readCPU() (cpuTimes, error) {
	stat, err := os.ReadFile("/proc/stat")
	if err != nil {
		return cpuTimes{}, err
	}
	return parseCPU(string(stat))
}

// parseCPU reads the first line of /proc/stat: user nice system idle iowait irq
// softirq steal. The rest of the line is in user and nice already.
func parseCPU(stat string) (t cpuTimes, err error) {
	first, _, _ := strings.Cut(stat, "\n")
	fields := strings.Fields(first)
	if len(fields) < 9 || fields[0] != "cpu" {
		return t, errors.New("read processor times: not as in proc(5)")
	}
	for i, field := range fields[1:9] {
		ticks, err := strconv.ParseFloat(field, 64)
		if err != nil {
			return t, fmt.Errorf("read processor times: %w", err)
		}
		t.total += ticks
		switch i {
		case 3, 4: // idle, iowait
		case 7:
			t.stolen = ticks
		default:
			t.busy += ticks
			if i < 3 {
				t.programs += ticks
			}
		}
	}
	return t, nil
}

// since returns the shares of the processors that were busy and stolen since before.
func (t cpuTimes) since(before cpuTimes) (busy, stolen float64) {
	all := t.total - before.total
	if all <= 0 {
		return 0, 0
	}
	return (t.busy - before.busy) / all, (t.stolen - before.stolen) / all
}

// undisturbed runs measure and says why its figures do not count, or "".
func undisturbed(ctx context.Context, measure func() error) (why string, err error) {
	if why, err = quiet(ctx, "before it began"); err != nil {
		return "", err
	}
	before, err := readCPU()
	if err != nil {
		return "", err
	}
	others, err := othersDuring(ctx, othersLook, measure)
	if err != nil {
		return "", err
	}
	after, err := readCPU()
	if err != nil {
		return "", err
	}
	_, stolen := after.since(before)
	switch {
	case why != "":
		return why, nil
	case stolen > mostStolen:
		return fmt.Sprintf("the host took %.1f %% of the processors", 100*stolen), nil
	case others > mostBusy:
		return fmt.Sprintf("somebody else kept %.0f %% of the processors busy while it ran", 100*others), nil
	}
	return quiet(ctx, "after its end")
}

// quiet waits until nothing much runs on this machine. It returns "" then, and
// after quietWithin what it saw instead.
func quiet(ctx context.Context, when string) (string, error) {
	for end := time.Now().Add(quietWithin); ; {
		before, err := readCPU()
		if err != nil {
			return "", err
		}
		select {
		case <-ctx.Done():
			return "", context.Cause(ctx)
		case <-time.After(quietLook):
		}
		after, err := readCPU()
		if err != nil {
			return "", err
		}
		busy, _ := after.since(before)
		if busy <= mostBusy {
			return "", nil
		}
		if time.Now().After(end) {
			return fmt.Sprintf("somebody else kept %.0f %% of the processors busy %s (load average %s)", 100*busy, when, loadAverage()), nil
		}
	}
}

// loadAverage is that of the last minute, as proc(5)'s loadavg has it.
func loadAverage() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	first, _, _ := strings.Cut(string(text), " ")
	return first
}
