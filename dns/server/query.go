// SPDX-License-Identifier: AGPL-3.0-or-later

package server

import (
	"encoding/binary"

	mdns "github.com/miekg/dns"
)

// headerLen is the length of the header of a DNS message.
const headerLen = 12

// query is a question as it came in. Its fields that are slices lie in the
// message or in buf.
type query struct {
	msg    []byte // the whole message
	end    int    // where the question ends in it; headerLen if there is none
	name   []byte // the name asked for, in lower case
	typ    uint16
	class  uint16
	edns   bool
	do     bool
	size   uint16 // the largest UDP answer that the asker takes; 512 without EDNS
	buf    [256]byte
	opcode int
}

// verdict is what reading a query came to.
type verdict int

const (
	drop   verdict = -1 // no answer at all
	proper verdict = 0  // a query to be looked up
	// Any other is the response code of an error.
)

// parse reads a message. It never keeps msg beyond the next call.
func (q *query) parse(msg []byte) verdict {
	q.msg, q.end, q.name, q.edns, q.do, q.size = msg, headerLen, nil, false, false, mdns.MinMsgSize
	if len(msg) < headerLen || msg[2]&0x80 != 0 {
		return drop
	}
	q.opcode = int(msg[2]>>3) & 0xf
	if binary.BigEndian.Uint16(msg[4:]) != 1 || !q.parseQuestion() {
		return q.byOpcode(mdns.RcodeFormatError)
	}
	v := q.parseRest()
	return q.byOpcode(v)
}

// byOpcode replaces the verdict for everything that is not an ordinary query:
// the content of such messages is not looked at.
func (q *query) byOpcode(v verdict) verdict {
	switch q.opcode {
	case mdns.OpcodeQuery:
		return v
	case mdns.OpcodeUpdate:
		return mdns.RcodeRefused
	default:
		return mdns.RcodeNotImplemented
	}
}

// parseQuestion reads the one question. Names in it cannot be compressed.
func (q *query) parseQuestion() bool {
	at := headerLen
	for {
		if at >= len(q.msg) {
			return false
		}
		n := int(q.msg[at])
		if n > 63 || at+1+n-headerLen >= 255 || at+1+n > len(q.msg) {
			return false
		}
		at += 1 + n
		if n == 0 {
			break
		}
	}
	if at+4 > len(q.msg) {
		return false
	}
	q.name = q.buf[:at-headerLen]
	for i, c := range q.msg[headerLen:at] {
		if c >= 'A' && c <= 'Z' { // lengths of labels are below 'A'
			c += 'a' - 'A'
		}
		q.name[i] = c
	}
	q.typ, q.class = binary.BigEndian.Uint16(q.msg[at:]), binary.BigEndian.Uint16(q.msg[at+2:])
	q.end = at + 4
	return true
}

// parseRest walks over the other records and reads EDNS (RFC 6891).
func (q *query) parseRest() verdict {
	at, result := q.end, proper
	plain := int(binary.BigEndian.Uint16(q.msg[6:])) + int(binary.BigEndian.Uint16(q.msg[8:]))
	for i := range plain + int(binary.BigEndian.Uint16(q.msg[10:])) {
		head := q.skipName(at)
		if head < 0 || head+10 > len(q.msg) {
			return mdns.RcodeFormatError
		}
		next := head + 10 + int(binary.BigEndian.Uint16(q.msg[head+8:]))
		if next > len(q.msg) {
			return mdns.RcodeFormatError
		}
		switch typ := binary.BigEndian.Uint16(q.msg[head:]); {
		case typ == mdns.TypeOPT && (i < plain || q.edns || head != at+1):
			return mdns.RcodeFormatError
		case typ == mdns.TypeOPT:
			result = q.parseOPT(q.msg[head:next])
		case typ == mdns.TypeTSIG:
			return mdns.RcodeNotAuth // we share keys with nobody
		}
		at = next
	}
	if at != len(q.msg) {
		return mdns.RcodeFormatError
	}
	return result
}

// parseOPT reads the OPT record from its type on.
func (q *query) parseOPT(rr []byte) verdict {
	for opts := rr[10:]; len(opts) > 0; {
		if len(opts) < 4 || len(opts) < 4+int(binary.BigEndian.Uint16(opts[2:])) {
			return mdns.RcodeFormatError
		}
		opts = opts[4+int(binary.BigEndian.Uint16(opts[2:])):]
	}
	q.edns = true
	q.size = max(mdns.MinMsgSize, binary.BigEndian.Uint16(rr[2:]))
	q.do = rr[6]&0x80 != 0
	if rr[5] != 0 {
		return mdns.RcodeBadVers
	}
	return proper
}

// skipName returns where the name at a place ends, or -1.
func (q *query) skipName(at int) int {
	for at < len(q.msg) {
		switch n := int(q.msg[at]); {
		case n == 0:
			return at + 1
		case n >= 0xc0:
			return at + 2
		case n > 63:
			return -1
		default:
			at += 1 + n
		}
	}
	return -1
}
