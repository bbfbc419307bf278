// SPDX-License-Identifier: AGPL-3.0-or-later

package gateway

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// owner is a process that holds a socket.
type owner struct {
	pid     int
	program string
}

// findPortOwner looks in a proc file system for the process that listens on a
// TCP port of any address. Processes of other users are seen by root only.
func findPortOwner(proc string, port uint16) (owner, bool) {
	inodes := make(map[string]bool)
	for _, file := range []string{"net/tcp", "net/tcp6"} {
		listeningInodes(filepath.Join(proc, file), port, inodes)
	}
	if len(inodes) == 0 {
		return owner{}, false
	}
	entries, err := os.ReadDir(proc)
	if err != nil {
		return owner{}, false
	}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || !holdsSocket(filepath.Join(proc, e.Name(), "fd"), inodes) {
			continue
		}
		name, err := os.ReadFile(filepath.Join(proc, e.Name(), "comm")) //nolint:gosec // a fixed file of the kernel
		if err != nil {
			continue
		}
		return owner{pid, strings.TrimSpace(string(name))}, true
	}
	return owner{}, false
}

// listeningInodes adds the socket inodes of file's lines that are in state
// LISTEN (0A) on the port. The fields are those of proc_net_tcp(5).
func listeningInodes(file string, port uint16, inodes map[string]bool) {
	f, err := os.Open(file) //nolint:gosec // a fixed file of the kernel
	if err != nil {
		return
	}
	defer func() { _ = f.Close() }()
	suffix := fmt.Sprintf(":%04X", port)
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if fields := strings.Fields(lines.Text()); len(fields) > 9 && fields[3] == "0A" && strings.HasSuffix(fields[1], suffix) {
			inodes["socket:["+fields[9]+"]"] = true
		}
	}
}

// holdsSocket reports whether a folder of file descriptors has one of the inodes.
func holdsSocket(fds string, inodes map[string]bool) bool {
	entries, err := os.ReadDir(fds)
	if err != nil {
		return false
	}
	for _, e := range entries {
		if to, err := os.Readlink(filepath.Join(fds, e.Name())); err == nil && inodes[to] {
			return true
		}
	}
	return false
}
