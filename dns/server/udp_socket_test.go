// SPDX-License-Identifier: AGPL-3.0-or-later

package server

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"testing"
	"time"

	mdns "github.com/miekg/dns"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
	"golang.org/x/sys/unix"

	"coopkit/dns"
)

// burst sends n queries at once from one new socket; their identifiers are from
// 0 to n-1.
func burst(tb testing.TB, addr string, n int) net.Conn {
	tb.Helper()
	c, err := net.Dial("udp", addr)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = c.Close() })
	for id := range n {
		q := question("ns1.demo.example.", mdns.TypeA)
		q.Id = uint16(id)
		msg, err := q.Pack()
		if err != nil {
			tb.Fatal(err)
		}
		if _, err := c.Write(msg); err != nil {
			tb.Fatal(err)
		}
	}
	return c
}

func TestUDP_eachAskerOfABurstGetsTheirAnswers(t *testing.T) {
	_, addr := start(t, zoneOf(t, "demo.example"))
	const askers, each = 4, batch // what fits into one socket's buffer, whatever the server does
	var conns []net.Conn
	for range askers {
		conns = append(conns, burst(t, addr, each))
	}
	buf := make([]byte, udpSize)
	for i, c := range conns {
		got := map[uint16]bool{}
		for range each {
			if err := c.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
				t.Fatal(err)
			}
			n, err := c.Read(buf)
			if err != nil {
				t.Fatalf("asker %d after %d answers: %v", i, len(got), err)
			}
			var a mdns.Msg
			if err := a.Unpack(buf[:n]); err != nil || len(a.Answer) != 1 {
				t.Fatalf("asker %d: %v, %v", i, err, &a)
			}
			got[a.Id] = true
		}
		if len(got) != each {
			t.Errorf("asker %d: answers to %d queries, want %d", i, len(got), each)
		}
	}
}

func TestUDP_aQueryThatIsTooLongDoesNotSpoilTheNext(t *testing.T) {
	_, addr := start(t, zoneOf(t, "demo.example"))
	c := burst(t, addr, 0)
	if _, err := c.Write(make([]byte, 2*queryBytes)); err != nil {
		t.Fatal(err)
	}
	if a := ask(t, "udp", addr, question("ns1.demo.example.", mdns.TypeA)); len(a.Answer) != 1 {
		t.Errorf("%v", a)
	}
}

// TestUDP_allocatesOnlyAddresses takes queries from a socket and answers them as
// serveUDP does, at one address and at all: x/net makes a net.UDPAddr of each
// asker and its IP, and that is all.
func TestUDP_allocatesOnlyAddresses(t *testing.T) {
	for _, host := range []string{"127.0.0.1", "0.0.0.0"} {
		socks, err := openUDP("4", host+":0", 1)
		if err != nil {
			t.Fatal(err)
		}
		u := socks[0]
		defer func() { _ = u.conn.Close() }()
		s := New(Config{Log: slog.New(slog.DiscardHandler)})
		if err := s.SetZones([]dns.Zone{zoneOf(t, "demo.example")}); err != nil {
			t.Fatal(err)
		}
		const runs = 3 // what fits into the socket's buffer
		_, port, _ := net.SplitHostPort(u.conn.LocalAddr().String())
		asker := burst(t, net.JoinHostPort("127.0.0.1", port), (runs+1)*batch)
		if err := u.conn.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
			t.Fatal(err)
		}
		q, lim, most := new(query), newLimiter(100), 0
		allocs := testing.AllocsPerRun(runs, func() {
			n, err := u.read()
			if err != nil {
				t.Fatal(err)
			}
			s.answerBatch(u, q, lim, n)
			u.flush()
			most = max(most, n)
		})
		const pool = batch / 4 // with the race detector, x/net's pool loses some of its buffers
		if allocs > 2*batch+pool || most != batch {
			t.Errorf("%s: %v allocations for a batch of %d, want no more than two for each of %d", host, allocs, most, batch)
		}
		if _, err := asker.Read(make([]byte, udpSize)); err != nil {
			t.Errorf("%s: %v", host, err)
		}
	}
}

func TestUDP_readEndsWhenTheSocketCloses(t *testing.T) {
	socks, err := openUDP("4", "127.0.0.1:0", 1)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	context.AfterFunc(ctx, func() { _ = socks[0].conn.Close() })
	cancel()
	if _, err := socks[0].read(); err == nil {
		t.Error("read a socket that is closed")
	}
}

func TestAnyInterface_keepsThatOfLinkLocalAddressesOnly(t *testing.T) {
	for addr, want := range map[string]int{"fe80::1": 3, "2001:db8::1": 0, "::1": 0} {
		control := (&ipv6.ControlMessage{Src: net.ParseIP(addr), IfIndex: 3}).Marshal()
		anyInterface(control)
		var got ipv6.ControlMessage
		if err := got.Parse(control); err != nil || got.IfIndex != want || got.Dst.String() != addr {
			t.Errorf("%s: %+v, %v; want interface %d", addr, got, err, want)
		}
	}
	control := (&ipv4.ControlMessage{Src: net.IPv4(192, 0, 2, 1), IfIndex: 3}).Marshal()
	from := bytes.Clone(control[unix.CmsgLen(0)+4:])
	anyInterface(control)
	var got ipv4.ControlMessage
	if err := got.Parse(control); err != nil || got.IfIndex != 0 || !bytes.Equal(control[unix.CmsgLen(0)+4:], from) {
		t.Errorf("IPv4: %+v, %v", got, err)
	}
	anyInterface(nil) // of a socket at one address
}
