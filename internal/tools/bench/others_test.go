// SPDX-License-Identifier: AGPL-3.0-or-later

package main

import (
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"coopkit/internal/testkit"
)

func TestParseStat(t *testing.T) {
	got, err := parseStat("42 (my (odd) name) S 7 42 42 0 -1 4194560 900 0 0 0 123 45 6 7 20 0 9 0 100")
	if want := (procStat{42, 7, "my (odd) name", 168, 13}); err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err := ticks(os.Getpid()); err != nil || got < 0 {
		t.Errorf("own ticks: %v, %v", got, err)
	}
	for _, bad := range []string{"", "42 (x) S 1 2", "42 x S 1", "42 (x) S 1 42 42 0 -1 4194560 900 0 0 0 a b 0 0 20"} {
		if _, err := parseStat(bad); err == nil {
			t.Errorf("took %q", bad)
		}
	}
}

// TestFamilies_areWhoWorksForTheMeasurement: the bench, the engine and its
// containers, and the kernel; a compiler in another terminal is not.
func TestFamilies_areWhoWorksForTheMeasurement(t *testing.T) {
	all := map[int]procStat{}
	for _, p := range []procStat{
		{1, 0, "init", 5, 90},
		{2, 0, "kthreadd", 0, 0},
		{9, 2, "kworker/0:1", 30, 0},
		{100, 1, "bash", 1, 2},
		{101, 100, "bench", 10, 200},
		{102, 101, "nginx", 1, 0},
		{103, 102, "nginx", 400, 0},
		{200, 1, "dockerd", 7, 1},
		{210, 1, "containerd-shim", 2, 0},
		{211, 210, "mariadbd", 50, 0},
		{300, 1, "go", 3, 800},
		{301, 300, "compile", 600, 0},
	} {
		all[p.pid] = p
	}
	want := map[int]float64{2: 30, 101: 611, 200: 8, 210: 52}
	if diff := cmp.Diff(want, families(all, 101)); diff != "" {
		t.Error(diff)
	}
	before := work{cpuTimes{total: 1000, programs: 500}, map[int]float64{101: 100, 210: 52, 220: 9}}
	after := work{cpuTimes{total: 2000, programs: 1100}, map[int]float64{101: 600, 210: 50}} // 220 is gone, with what it had
	if share := after.others(before); share != 0.1 {
		t.Errorf("others had %v", share)
	}
}

// TestOthers_areNoticedMeanwhile: a program that is nobody's child keeps one
// processor busy; a child of ours counts as ours.
func TestOthers_areNoticedMeanwhile(t *testing.T) {
	const busy = "while :; do :; done"
	out, err := exec.CommandContext(t.Context(), "sh", "-c", "("+busy+") >/dev/null 2>&1 & echo $!").Output()
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := strconv.Atoi(strings.TrimSpace(string(out)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Kill(stranger, syscall.SIGKILL) })
	testkit.Eventually(t, 30*time.Second, "the stranger is noticed", func() bool {
		share, err := othersDuring(t.Context(), 200*time.Millisecond, func() error {
			<-time.After(500 * time.Millisecond)
			return nil
		})
		return err == nil && share > 0.3/float64(runtime.NumCPU())
	})
	child := exec.CommandContext(t.Context(), "sh", "-c", busy)
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = child.Process.Kill(); _ = child.Wait() }()
	before, err := lookAtAll(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, 30*time.Second, "the child counts as ours", func() bool {
		after, err := lookAtAll(os.Getpid())
		return err == nil && after.families[os.Getpid()]-before.families[os.Getpid()] > 20
	})
}
