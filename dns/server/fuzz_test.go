// SPDX-License-Identifier: AGPL-3.0-or-later

package server

import (
	"testing"

	mdns "github.com/miekg/dns"

	"coopkit/dns"
)

// FuzzAnswer feeds packets to the server. An answer must be readable, belong to
// its query, keep its size and never be an answer to an answer.
func FuzzAnswer(f *testing.F) {
	x, err := newIndex([]dns.Zone{comparedZone(f)}, nil)
	if err != nil {
		f.Fatal(err)
	}
	for i, q := range queries(comparedZone(f), 2) {
		msg := question(q.Name, q.Qtype)
		if i%2 == 0 {
			msg.SetEdns0(uint16(i), i%4 == 0)
		}
		packed, err := msg.Pack()
		if err != nil {
			f.Fatal(err)
		}
		if i < 200 {
			f.Add(packed, i%3 == 0)
		}
	}
	f.Add([]byte{}, true)
	f.Add(make([]byte, headerLen), false)
	q := new(query)
	f.Fuzz(func(t *testing.T, packet []byte, udp bool) {
		before := string(packet)
		got := x.answer(q, packet, nil, udp)
		if string(packet) != before {
			t.Fatal("the packet was changed")
		}
		if got == nil {
			if len(packet) >= headerLen && packet[2]&0x80 == 0 {
				t.Fatal("a query got no answer")
			}
			return
		}
		if udp && (len(got) > udpSize || len(got) > int(q.size)) {
			t.Fatalf("%d bytes are too many for an asker that takes %d", len(got), q.size)
		}
		var a mdns.Msg
		if err := a.Unpack(got); err != nil {
			t.Fatalf("the answer %x cannot be read: %v", got, err)
		}
		if !a.Response || got[0] != packet[0] || got[1] != packet[1] || a.RecursionAvailable || (a.Truncated && len(a.Answer) > 0) {
			t.Fatalf("strange answer: %v", &a)
		}
	})
}

func BenchmarkAnswer(b *testing.B) {
	x, err := newIndex([]dns.Zone{comparedZone(b)}, nil)
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range []struct{ title, name string }{
		{"address", "mail.demo.example."}, {"cname", "www.demo.example."}, {"wildcard", "x.wild.demo.example."}, {"nxdomain", "a.b.c.demo.example."},
	} {
		b.Run(c.title, func(b *testing.B) {
			packed, err := question(c.name, mdns.TypeA).Pack()
			if err != nil {
				b.Fatal(err)
			}
			q, buf := new(query), make([]byte, 0, udpSize)
			b.ReportAllocs()
			for b.Loop() {
				x.answer(q, packed, buf, true)
			}
		})
	}
}
