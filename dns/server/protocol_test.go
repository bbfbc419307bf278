// SPDX-License-Identifier: AGPL-3.0-or-later

package server

import (
	"encoding/binary"
	"encoding/hex"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	mdns "github.com/miekg/dns"
)

func TestEDNS(t *testing.T) {
	_, addr := start(t, zoneOf(t, "demo.example"))
	q := question("ns1.demo.example.", mdns.TypeA)
	if opt := ask(t, "udp", addr, q).IsEdns0(); opt != nil {
		t.Errorf("EDNS answered to a query without: %s", opt)
	}
	for _, do := range []bool{false, true} {
		q := question("ns1.demo.example.", mdns.TypeA)
		q.SetEdns0(4096, do)
		q.IsEdns0().Option = append(q.IsEdns0().Option, &mdns.EDNS0_COOKIE{Code: mdns.EDNS0COOKIE, Cookie: "0011223344556677"})
		a := ask(t, "udp", addr, q)
		opt := a.IsEdns0()
		if opt == nil || opt.Do() != do || opt.UDPSize() != udpSize || opt.Version() != 0 || len(a.Answer) != 1 {
			t.Errorf("with do=%v: %v", do, a)
		}
	}
	q = question("ns1.demo.example.", mdns.TypeA)
	q.SetEdns0(1232, false)
	q.IsEdns0().SetVersion(1)
	if a := ask(t, "udp", addr, q); a.Rcode != mdns.RcodeBadVers || len(a.Answer) != 0 || a.IsEdns0().Version() != 0 {
		t.Errorf("EDNS version 1: %v", a)
	}
}

func TestTruncation_bySize(t *testing.T) {
	txt := strings.TrimSpace(strings.Repeat(`"`+strings.Repeat("x", 199)+`" `, 4)) // 800 bytes
	huge := strings.TrimSpace(strings.Repeat(`"`+strings.Repeat("x", 199)+`" `, 10))
	_, addr := start(t, zoneOf(t, "demo.example", [3]string{"big", "TXT", txt}, [3]string{"huge", "TXT", huge}))
	for _, c := range []struct {
		name      string
		size      uint16 // 0: no EDNS
		truncated bool
	}{{"big", 0, true}, {"big", 100, true}, {"big", 600, true}, {"big", 1232, false}, {"huge", 4096, true}} {
		q := question(c.name+".demo.example.", mdns.TypeTXT)
		if c.size > 0 {
			q.SetEdns0(c.size, false)
		}
		a := ask(t, "udp", addr, q)
		if a.Truncated != c.truncated || (len(a.Answer) == 0) != c.truncated || len(a.Question) != 1 {
			t.Errorf("%s with size %d over UDP: %v", c.name, c.size, a)
		}
		if a := ask(t, "tcp", addr, q); a.Truncated || len(a.Answer) != 1 {
			t.Errorf("%s with size %d over TCP: %v", c.name, c.size, a)
		}
	}
}

func TestReferral_truncatesWhenTheGlueDoesNotFit(t *testing.T) {
	lines := [][3]string{}
	for i := range 20 {
		ns := "ns" + string(rune('a'+i)) + "-with-a-rather-long-name-for-a-server"
		lines = append(lines, [3]string{"sub", "NS", ns + ".sub.demo.example."}, [3]string{ns + ".sub", "A", "192.0.2.9"})
	}
	_, addr := start(t, zoneOf(t, "demo.example", lines...))
	q := question("www.sub.demo.example.", mdns.TypeA)
	if a := ask(t, "udp", addr, q); !a.Truncated || len(a.Ns) != 0 {
		t.Errorf("over UDP: %v", a)
	}
	if a := ask(t, "tcp", addr, q); a.Truncated || len(a.Ns) != 20 || len(a.Extra) != 20 {
		t.Errorf("over TCP: %v", a)
	}
}

// TestWire has what a well-behaved client library does not send. The queries
// are for ns1.demo.example, and each answer is its first bytes.
func TestWire(t *testing.T) {
	s, addr := start(t, zoneOf(t, "demo.example"))
	const name = "036e7331 0464656d6f 076578616d706c65 00"
	for _, c := range []struct{ title, query, want string }{
		{"case of the question is kept", "1234 0100 0001000000000000 036E5331 0464654D6f 076578616d706C65 00 00010001", "1234 8500 0001000100000000 036E5331 0464654D6f 076578616d706C65 00 00010001 c00c 0001 0001 0000012c 0004 c0000201"},
		{"an answer gets no answer", "1234 8100 0001000000000000 " + name + " 00010001", ""},
		{"half a header", "1234 0100 0001", ""},
		{"no question", "1234 0100 0000000000000000", "1234 8101 0000000000000000"},
		{"two questions", "1234 0100 0002000000000000 " + name + " 00010001 " + name + " 00010001", "1234 8101 0000000000000000"},
		{"a compressed question", "1234 0100 0001000000000000 c00c 00010001", "1234 8101 0000000000000000"},
		{"a question that is cut off", "1234 0100 0001000000000000 036e73", "1234 8101 0000000000000000"},
		{"garbage behind the question", "1234 0100 0001000000000000 " + name + " 00010001 ff", "1234 8101 0001000000000000"},
		{"class CHAOS", "1234 0100 0001000000000000 0776657273696f6e 0462696e64 00 00100003", "1234 8105 0001000000000000"},
		{"NOTIFY", "1234 2000 0001000000000000 " + name + " 00060001", "1234 a004 0001000000000000"},
		{"UPDATE", "1234 2800 0001000000000000 " + name + " 00060001", "1234 a805 0001000000000000"},
		{"STATUS", "1234 1000 0000000000000000", "1234 9004 0000000000000000"},
		{"two OPT records", "1234 0000 0001000000000002 " + name + " 00010001 00 0029 04d0 00000000 0000 00 0029 04d0 00000000 0000", "1234 8001 000100000000"},
		{"an OPT option that is cut off", "1234 0000 0001000000000001 " + name + " 00010001 00 0029 04d0 00000000 0002 000a", "1234 8001 0001000000000000"},
		{"signed with a key that we do not have", "1234 0000 0001000000000001 " + name + " 00010001 00 00fa 00ff 00000000 0000", "1234 8009 0001000000000000"},
	} {
		msg := fromHex(t, c.query)
		want := fromHex(t, c.want)
		// Straight into the index, because silence is hard to see on a socket.
		got := s.index.Load().answer(new(query), msg, nil, true)
		if len(got) < len(want) || hex.EncodeToString(got[:len(want)]) != hex.EncodeToString(want) || (len(want) == 0 && got != nil) {
			t.Errorf("%s:\n got %x\nwant %x", c.title, got, want)
		}
		if len(want) == 0 {
			continue
		}
		if over := rawTCP(t, addr, msg); hex.EncodeToString(over[:len(want)]) != hex.EncodeToString(want) {
			t.Errorf("%s over TCP: %x", c.title, over)
		}
	}
}

func fromHex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// rawTCP sends one message over TCP, byte by byte, and returns the answer.
func rawTCP(t *testing.T, addr string, msg []byte) []byte {
	t.Helper()
	conn, err := net.DialTimeout("tcp", addr, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	for _, b := range append(binary.BigEndian.AppendUint16(nil, uint16(len(msg))), msg...) {
		if _, err := conn.Write([]byte{b}); err != nil {
			t.Fatal(err)
		}
	}
	var head [2]byte
	if _, err := io.ReadFull(conn, head[:]); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, binary.BigEndian.Uint16(head[:]))
	if _, err := io.ReadFull(conn, answer); err != nil {
		t.Fatal(err)
	}
	return answer
}
