// SPDX-License-Identifier: AGPL-3.0-or-later

package server

import (
	"encoding/binary"

	mdns "github.com/miekg/dns"
)

// udpSize is the largest answer over UDP: what passes without fragments nearly
// everywhere (DNS flag day 2020).
const udpSize = 1232

// optLen is the length of our OPT record.
const optLen = 11

// The sections of a message, as places of their counters in the header.
const (
	answers    = 6
	authority  = 8
	additional = 10
)

// reply builds the answer to a query in buf, never longer than limit.
type reply struct {
	buf   []byte
	limit int // leaves room for our OPT record
	rcode int
	aa    bool
	tc    bool
}

// start begins an answer with the question as it was asked: letter case and all.
func (r *reply) start(q *query, buf []byte, limit int) {
	*r = reply{buf: append(buf[:0], q.msg[:q.end]...), limit: limit}
	if q.edns {
		r.limit -= optLen
	}
	clear(r.buf[4:headerLen])
	if q.end > headerLen {
		r.buf[5] = 1
	}
}

// finish completes header and EDNS and returns the message.
func (r *reply) finish(q *query) []byte {
	if r.tc {
		r.buf = r.buf[:q.end]
		clear(r.buf[6:headerLen])
	}
	r.buf[2] = 0x80 | q.msg[2]&0x79 // the opcode and "recursion desired" go back as they came
	r.buf[3] = byte(r.rcode & 0xf)
	if r.aa {
		r.buf[2] |= 0x04
	}
	if r.tc {
		r.buf[2] |= 0x02
	}
	if q.edns {
		do := byte(0)
		if q.do {
			do = 0x80
		}
		ext := byte(r.rcode >> 4) //nolint:gosec // response codes have 12 bits
		r.buf = append(r.buf, 0, 0, byte(mdns.TypeOPT), udpSize>>8, udpSize&0xff, ext, 0, do, 0, 0, 0)
		r.count(additional, 1)
	}
	return r.buf
}

// add appends records to a section. Their owner is the name that begins at
// place ref of the message.
func (r *reply) add(section, ref int, records ...[]byte) {
	for _, rec := range records {
		if len(r.buf)+2+len(rec) > r.limit {
			r.tc = true
			return
		}
		r.buf = append(r.buf, 0xc0|byte(ref>>8), byte(ref)) //nolint:gosec // callers keep ref below 0x4000
		r.buf = append(r.buf, rec...)
	}
	r.count(section, len(records))
}

// addNamed appends the records of a set to a section, with their owner in full.
func (r *reply) addNamed(section int, name string, records [][]byte) {
	for _, rec := range records {
		if len(r.buf)+len(name)+len(rec) > r.limit {
			r.tc = true
			return
		}
		r.buf = append(append(r.buf, name...), rec...)
	}
	r.count(section, len(records))
}

func (r *reply) count(section, n int) {
	c := binary.BigEndian.Uint16(r.buf[section:])
	binary.BigEndian.PutUint16(r.buf[section:], c+uint16(n)) //nolint:gosec // a message has no room for 65,536 records
}
