// SPDX-License-Identifier: AGPL-3.0-or-later

package portholder

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"coopkit/internal/testkit"
)

func TestHolder_namesThisProcess(t *testing.T) {
	comm := filepath.Base(os.Args[0])
	if len(comm) > 15 {
		comm = comm[:15]
	}
	want := fmt.Sprintf("%s (pid %d)", comm, os.Getpid())
	for _, network := range []string{"tcp4", "tcp6", "udp4", "udp6"} {
		for _, host := range []string{"127.0.0.1", "::1", "0.0.0.0", "::"} {
			if strings.HasSuffix(network, "4") != strings.Contains(host, ".") {
				continue
			}
			addr := listen(t, network, net.JoinHostPort(host, "0"))
			if got := Holder(network, addr); got != want {
				t.Errorf("Holder(%s, %s) = %q; want %q", network, addr, got, want)
			}
			_, port, _ := net.SplitHostPort(addr)
			if got := Holder(network[:3], ":"+port); got != want {
				t.Errorf("Holder(%s, :%s) = %q; want %q", network[:3], port, got, want)
			}
		}
	}
}

func TestHolder_ofNothing(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	if got := Holder("tcp", strings.Replace(addr, "127.0.0.1", "127.0.0.2", 1)); got != "" {
		t.Errorf("another address of the same port is held by %q", got)
	}
	_ = l.Close()
	for _, addr := range []string{addr, "", "nonsense", "127.0.0.1:0", "127.0.0.1:99999", ":http"} {
		if got := Holder("tcp", addr); got != "" {
			t.Errorf("Holder(tcp, %q) = %q; want nobody", addr, got)
		}
	}
}

func listen(t *testing.T, network, addr string) string {
	t.Helper()
	if strings.HasPrefix(network, "udp") {
		c, err := net.ListenPacket(network, addr)
		if err != nil {
			testkit.Missing(t, network, err.Error())
		}
		t.Cleanup(func() { _ = c.Close() })
		return c.LocalAddr().String()
	}
	l, err := net.Listen(network, addr)
	if err != nil {
		testkit.Missing(t, network, err.Error())
	}
	t.Cleanup(func() { _ = l.Close() })
	return l.Addr().String()
}

func FuzzParseLocal(f *testing.F) {
	for _, s := range []string{"0100007F:0035", "00000000000000000000000001000000:0016", ":", "zz:1", "01:02"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if addr, ok := parseLocal(s); ok && !addr.Addr().IsValid() {
			t.Errorf("parseLocal(%q) = %v", s, addr)
		}
	})
}
