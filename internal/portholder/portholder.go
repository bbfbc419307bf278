// SPDX-License-Identifier: AGPL-3.0-or-later

// Package portholder finds out which program holds a port of this machine, so
// that "the port is taken" can say by whom. It reads /proc and knows nothing of
// what the ports are for. Its tests hold real ports.
package portholder

import (
	"bufio"
	"encoding/hex"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// The states of /proc/net/{tcp,udp} that mean "holds the port".
const (
	tcpListen = "0A"
	udpBound  = "07"
)

// Holder returns the program that holds addr ("127.0.0.1:53", ":443") as "named
// (pid 123)", or "" when nobody does or it cannot be seen. network is "tcp" or
// "udp", with or without 4 or 6.
func Holder(network, addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return ""
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil || number == 0 {
		return ""
	}
	ip, _ := netip.ParseAddr(host) // a name or nothing: any address counts
	proto, state := "tcp", tcpListen
	if strings.HasPrefix(network, "udp") {
		proto, state = "udp", udpBound
	}
	var sockets []string
	for _, table := range []string{"/proc/net/" + proto, "/proc/net/" + proto + "6"} {
		sockets = append(sockets, inodes(table, state, ip.Unmap(), uint16(number))...)
	}
	return owner(sockets)
}

// inodes returns the sockets of a table in /proc/net that stand in the way of
// binding ip and port.
func inodes(table, state string, ip netip.Addr, port uint16) []string {
	f, err := os.Open(table) //nolint:gosec // a fixed path
	if err != nil {
		return nil
	}
	defer func() { _ = f.Close() }()
	var found []string
	for lines := bufio.NewScanner(f); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) < 10 || fields[3] != state {
			continue
		}
		local, ok := parseLocal(fields[1])
		if !ok || local.Port() != port {
			continue
		}
		if a := local.Addr(); !ip.IsValid() || ip.IsUnspecified() || a.IsUnspecified() || a == ip {
			found = append(found, "socket:["+fields[9]+"]")
		}
	}
	return found
}

// parseLocal reads "0100007F:0035": an address as little-endian 32-bit words
// and a port.
func parseLocal(s string) (netip.AddrPort, bool) {
	words, port, ok := strings.Cut(s, ":")
	number, err := strconv.ParseUint(port, 16, 16)
	raw, err2 := hex.DecodeString(words)
	if !ok || err != nil || err2 != nil || len(raw)%4 != 0 {
		return netip.AddrPort{}, false
	}
	for i := 0; i < len(raw); i += 4 {
		slices.Reverse(raw[i : i+4])
	}
	addr, ok := netip.AddrFromSlice(raw)
	return netip.AddrPortFrom(addr.Unmap(), uint16(number)), ok
}

// owner returns the first process that has one of the sockets open.
func owner(sockets []string) string {
	if len(sockets) == 0 {
		return ""
	}
	fds, _ := filepath.Glob("/proc/[0-9]*/fd/*") // the pattern is well formed
	for _, fd := range fds {
		if target, err := os.Readlink(fd); err != nil || !slices.Contains(sockets, target) {
			continue
		}
		pid := strings.Split(fd, "/")[2]
		name, err := os.ReadFile("/proc/" + pid + "/comm") //nolint:gosec // a path of /proc
		if err != nil {
			continue
		}
		return strings.TrimSpace(string(name)) + " (pid " + pid + ")"
	}
	return ""
}
