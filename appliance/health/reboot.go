// SPDX-License-Identifier: AGPL-3.0-or-later

package health

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"coopkit/appliance"
)

func rebootCheck(f Facts) Check {
	return Check{
		Name: "reboot", Title: "updates that wait for a restart of the box", Every: time.Hour,
		Codes: []Code{{
			Code: "REBOOT-NEEDED", Severity: appliance.Notice, VisibleAfter: 1, HoldAfter: 1,
			Means: "Updates of the system are installed and become effective when the box is started again.",
		}},
		Run: func(context.Context) ([]appliance.Finding, error) {
			why, args, err := rebootWhy(f.host)
			if err != nil || why == "" {
				return nil, err
			}
			return []appliance.Finding{{
				Code: "REBOOT-NEEDED", Severity: appliance.Notice,
				What: "Nothing is wrong now; updates of the system wait until the box is started again",
				Why:  why,
				Next: []string{"At a quiet hour: reboot", "The apps come back by themselves"},
				Who:  appliance.You,
				Args: args,
			}}, nil
		},
	}
}

// rebootWhy says why a restart is due, or nothing.
func rebootWhy(h host) (why string, args map[string]string, err error) {
	_, err = os.Stat(filepath.Join(h.run, "reboot-required"))
	if err == nil {
		b, err := os.ReadFile(filepath.Join(h.run, "reboot-required.pkgs"))
		names := strings.Fields(string(b))
		slices.Sort(names)
		if names = slices.Compact(names); err != nil || len(names) == 0 {
			return "The system asks for it.", nil, nil
		}
		packages := strings.Join(names[:min(5, len(names))], ", ")
		return "The system asks for it, because of " + packages + ".", map[string]string{"case": "packages", "packages": packages}, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", nil, fmt.Errorf("look for a wish to restart: %w", err)
	}
	return newerKernel(h)
}

// newerKernel says when a kernel was installed after the running one was
// started. A box whose running kernel is not in /boot got it from outside.
func newerKernel(h host) (why string, args map[string]string, err error) {
	b, err := os.ReadFile(filepath.Join(h.proc, "sys/kernel/osrelease"))
	if err != nil {
		return "", nil, fmt.Errorf("ask for the running kernel: %w", err)
	}
	running := strings.TrimSpace(string(b))
	installed, err := filepath.Glob(filepath.Join(h.boot, "vmlinuz-*"))
	if err != nil {
		return "", nil, fmt.Errorf("look for kernels: %w", err)
	}
	if !slices.Contains(installed, filepath.Join(h.boot, "vmlinuz-"+running)) {
		return "", nil, nil
	}
	stat, err := numbers(filepath.Join(h.proc, "stat"), 1)
	if err != nil {
		return "", nil, err
	}
	started := time.Unix(int64(stat["btime"]), 0) //nolint:gosec // a time of our age
	for _, path := range installed {
		info, err := os.Stat(path)
		version := strings.TrimPrefix(filepath.Base(path), "vmlinuz-")
		if err == nil && version != running && info.ModTime().After(started) {
			return fmt.Sprintf("Kernel %s is installed; %s is running.", version, running),
				map[string]string{"case": "kernel", "installed": version, "running": running}, nil
		}
	}
	return "", nil, nil
}
