// SPDX-License-Identifier: AGPL-3.0-or-later

package agent

import (
	"fmt"
	"os/user"
	"runtime/debug"
	"strconv"

	"github.com/shirou/gopsutil/v4/mem"
)

// freeMemory is what programs could still use, in bytes.
func freeMemory() (uint64, error) {
	m, err := mem.VirtualMemory()
	if err != nil {
		return 0, fmt.Errorf("measure memory: %w", err)
	}
	return m.Available, nil
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

// buildVersion is the version that the Go toolchain recorded in the binary.
func buildVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		return info.Main.Version
	}
	return "unknown"
}
