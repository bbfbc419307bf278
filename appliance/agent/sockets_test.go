// SPDX-License-Identifier: AGPL-3.0-or-later

package agent

import (
	"log/slog"
	"net"
	"os"
	"slices"
	"testing"

	mdns "github.com/miekg/dns"
)

// given opens sockets as systemd does, and returns them as files.
func given(t *testing.T, addrs ...string) (files []*os.File, at []string) {
	t.Helper()
	type filer interface {
		File() (*os.File, error)
		Close() error
	}
	take := func(s filer, addr net.Addr) {
		f, err := s.File()
		if err != nil || s.Close() != nil {
			t.Fatal(err)
		}
		files, at = append(files, f), append(at, addr.String())
	}
	for i, addr := range addrs {
		if addr == "same" { // UDP beside the TCP socket before it
			c, err := net.ListenPacket("udp", at[i-1])
			if err != nil {
				t.Fatal(err)
			}
			take(c.(*net.UDPConn), c.LocalAddr())
			continue
		}
		l, err := net.Listen("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		take(l.(*net.TCPListener), l.Addr())
	}
	return files, at
}

func TestSockets_ofSystemdAreUsedByTheAgent(t *testing.T) {
	files, at := given(t, "127.0.0.1:0", "127.0.0.1:0", ":0", "same", "127.0.0.1:0")
	cfg := config(t)
	_, dnsPort, _ := net.SplitHostPort(at[2])
	cfg.HTTP, cfg.HTTPS, cfg.DNS = at[0], at[1], []string{":" + dnsPort}
	var err error
	if cfg.sockets, err = socketsFrom(files); err != nil {
		t.Fatal(err)
	}
	r := run(t, cfg)
	status, err := r.Box.Status(t.Context())
	if err != nil || status.HTTP != at[0] || status.HTTPS != at[1] || status.DNS != at[2] {
		t.Errorf("status %+v, %v; want the sockets at %v", status, err, at)
	}
	if _, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", at[4]); err == nil {
		t.Errorf("a socket that nobody asked for is open: %s", at[4])
	}
	for _, host := range []string{"127.0.0.1", "127.0.0.9"} { // the client wants the answer from there
		for _, network := range []string{"udp", "tcp"} {
			c := mdns.Client{Net: network}
			if _, _, err := c.ExchangeContext(t.Context(), new(mdns.Msg).SetQuestion("demo.example.", mdns.TypeSOA), net.JoinHostPort(host, dnsPort)); err != nil {
				t.Errorf("ask %s over %s: %v", host, network, err)
			}
		}
	}
}

func TestSockets_whatIsNoSocketIsRefused(t *testing.T) {
	f, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := socketsFrom([]*os.File{f}); err == nil {
		t.Error("a file was taken for a socket")
	}
	var s sockets
	if s.listener(":80") != nil {
		t.Error("there is a listener from nowhere")
	}
	if _, rest := s.dns([]string{":53"}); !slices.Equal(rest, []string{":53"}) {
		t.Errorf("without systemd the agent opens port 53 itself, not %v", rest)
	}
	s.closeRest(slog.New(slog.DiscardHandler))
}
