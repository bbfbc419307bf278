// SPDX-License-Identifier: AGPL-3.0-or-later

package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	mdns "github.com/miekg/dns"

	"coopkit/dns"
	"coopkit/internal/problem"
	"coopkit/internal/testkit"
)

func TestListen_saysWhoHasThePort(t *testing.T) {
	for _, network := range []string{"tcp", "udp"} {
		var addr string
		if network == "tcp" {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = l.Close() }()
			addr = l.Addr().String()
		} else {
			// One that would share the port, if it were asked the wrong way.
			cfg := net.ListenConfig{Control: shareAndTell}
			c, err := cfg.ListenPacket(context.Background(), "udp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = c.Close() }()
			addr = c.LocalAddr().String()
		}
		err := New(Config{Listen: []string{addr}, Log: slog.New(slog.DiscardHandler)}).Listen()
		p, ok := errors.AsType[*problem.Problem](err)
		if !ok || p.Code != "dns-port-taken" || !strings.Contains(p.Why, fmt.Sprintf("(pid %d)", os.Getpid())) {
			t.Errorf("%s: %v", network, err)
		}
	}
}

func TestListen_refusesAnAddressThatIsNotOurs(t *testing.T) {
	for _, addr := range []string{"192.0.2.7:0", "nonsense", "localhost:53", "127.0.0.1:99999"} {
		err := New(Config{Listen: []string{addr}, Log: slog.New(slog.DiscardHandler)}).Listen()
		if !errors.Is(err, &problem.Problem{Code: "dns-listen"}) {
			t.Errorf("%s: %v", addr, err)
		}
	}
}

func TestServer_atAllAddressesAnswersFromTheOneThatWasAsked(t *testing.T) {
	s := New(Config{Listen: []string{":0"}, Log: slog.New(slog.DiscardHandler)})
	if err := s.SetZones([]dns.Zone{zoneOf(t, "demo.example")}); err != nil {
		t.Fatal(err)
	}
	run(t, s)
	_, port, _ := net.SplitHostPort(s.Addrs()[0])
	hosts := []string{"127.0.0.1", "127.0.0.53"}
	if len(s.Addrs()) > 1 {
		hosts = append(hosts, "::1")
	}
	for _, host := range hosts {
		for _, network := range []string{"udp", "tcp"} { // the client takes UDP answers from that address only
			a := ask(t, network, net.JoinHostPort(host, port), question("ns1.demo.example.", mdns.TypeA))
			if len(a.Answer) != 1 {
				t.Errorf("%s over %s: %v", host, network, a)
			}
		}
	}
}

// TestSetZones_oneThatIsNotValidTakesNoOtherDown: a new one is left out, of one
// that was there the old stays.
func TestSetZones_oneThatIsNotValidTakesNoOtherDown(t *testing.T) {
	s, addr := start(t, zoneOf(t, "demo.example"))
	for _, name := range []string{"other.example", "demo.example"} {
		bad := zoneOf(t, name)
		bad.Records = nil // its name server has no address
		zones := []dns.Zone{bad, zoneOf(t, "third.example")}
		if name != "demo.example" {
			zones = append(zones, zoneOf(t, "demo.example"))
		}
		if err := s.SetZones(zones); !errors.Is(err, &problem.Problem{Code: "zone-invalid"}) {
			t.Errorf("%s: SetZones: %v", name, err)
		}
		for _, good := range []string{"demo.example", "third.example"} {
			if a := ask(t, "udp", addr, question("ns1."+good+".", mdns.TypeA)); len(a.Answer) != 1 {
				t.Errorf("%s is not valid, %s answers %v", name, good, a)
			}
		}
	}
}

func TestSetZones_underLoadNeverLosesAName(t *testing.T) {
	s, addr := start(t, zoneOf(t, "demo.example"))
	ctx, stop := context.WithCancel(t.Context())
	swapped := make(chan error)
	go func() {
		zone := zoneOf(t, "demo.example", [3]string{"@", "A", "192.0.2.4"})
		for ctx.Err() == nil {
			if err := s.SetZones([]dns.Zone{zone}); err != nil {
				swapped <- err
				return
			}
		}
		swapped <- nil
	}()
	for range 300 {
		if a := ask(t, "udp", addr, question("ns1.demo.example.", mdns.TypeA)); len(a.Answer) != 1 {
			t.Errorf("%v", a)
		}
	}
	stop()
	if err := <-swapped; err != nil {
		t.Error(err)
	}
}

func TestTCP_manyQueriesOnOneConnection(t *testing.T) {
	_, addr := start(t, zoneOf(t, "demo.example"))
	conn, err := mdns.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	const n = 50
	for i := range n { // all sent before one answer is read
		q := question("ns1.demo.example.", mdns.TypeA)
		q.Id = uint16(i)
		if err := conn.WriteMsg(q); err != nil {
			t.Fatal(err)
		}
	}
	for i := range n {
		a, err := conn.ReadMsg()
		if err != nil || a.Id != uint16(i) || len(a.Answer) != 1 {
			t.Fatalf("answer %d: %v, %v", i, a, err)
		}
	}
}

func TestTCP_oneHostCanNotTakeAllConnections(t *testing.T) {
	s, addr := start(t, zoneOf(t, "demo.example"))
	var conns []net.Conn
	for range maxConnsPerHost + 5 {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close() }()
		conns = append(conns, c)
	}
	last := conns[len(conns)-1]
	_ = last.SetReadDeadline(time.Now().Add(5 * time.Second))
	if _, err := last.Read(make([]byte, 1)); !errors.Is(err, io.EOF) && !strings.Contains(fmt.Sprint(err), "reset") {
		t.Errorf("the connection beyond the limit ended with %v", err)
	}
	for _, c := range conns {
		_ = c.Close()
	}
	testkit.Eventually(t, 5*time.Second, "the connections are forgotten", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(s.conns) == 0
	})
	if a := ask(t, "tcp", addr, question("ns1.demo.example.", mdns.TypeA)); len(a.Answer) != 1 {
		t.Errorf("afterwards: %v", a)
	}
}

func TestLimiter(t *testing.T) {
	l := newLimiter(10 * sockets())
	now := time.Unix(1000, 0)
	count := func(addr string, n int, now time.Time) map[pass]int {
		got := map[pass]int{}
		for range n {
			got[l.take(netip.MustParseAddr(addr), now)]++
		}
		return got
	}
	if got := count("192.0.2.1", 30, now); got[passed] != 10 || got[slipped] != 10 || got[dropped] != 10 {
		t.Errorf("30 queries with a limit of 10: %v", got)
	}
	if got := count("192.0.2.250", 2, now); got[passed] != 0 {
		t.Errorf("a neighbour in the same network: %v", got)
	}
	if got := count("198.51.100.1", 10, now); got[passed] != 10 {
		t.Errorf("another network: %v", got)
	}
	if got := count("2001:db8::1", 11, now); got[passed] != 10 {
		t.Errorf("an IPv6 network: %v", got)
	}
	if got := count("192.0.2.1", 5, now.Add(time.Second)); got[passed] != 5 {
		t.Errorf("a second later: %v", got)
	}
	if got := count("127.0.0.1", 1000, now); got[passed] != 1000 {
		t.Errorf("loopback: %v", got)
	}
}

func TestTruncated_asksToComeBackOverTCP(t *testing.T) {
	msg, err := question("ns1.demo.example.", mdns.TypeA).Pack()
	if err != nil {
		t.Fatal(err)
	}
	var a mdns.Msg
	if err := a.Unpack(truncated(new(query), msg, nil)); err != nil || !a.Truncated || !a.Response || len(a.Answer) != 0 {
		t.Errorf("%v, %v", &a, err)
	}
	if got := truncated(new(query), msg[:11], nil); got != nil {
		t.Errorf("half a header is answered with %x", got)
	}
}

// TestRealClients asks with programs that other people wrote.
func TestRealClients(t *testing.T) {
	_, addr := start(t, zoneOf(t, "demo.example", [3]string{"www", "CNAME", "ns1.demo.example."}))
	_, port, _ := net.SplitHostPort(addr)
	for _, program := range []string{"dig", "kdig"} {
		path := testkit.NeedProgram(t, program)
		for _, network := range []string{"+notcp", "+tcp"} {
			var errs bytes.Buffer
			cmd := exec.CommandContext(t.Context(), path, "@127.0.0.1", "-p", port, network, "+norec", "+dnssec", "www.demo.example", "A")
			cmd.Stderr = &errs
			out, err := cmd.Output()
			text := strings.ToLower(string(out)) + errs.String()
			if err != nil || !strings.Contains(text, "noerror") || !strings.Contains(text, "192.0.2.1") || strings.Contains(text, "warning") {
				t.Errorf("%s %s: %v\n%s", program, network, err, text)
			}
		}
	}
}
