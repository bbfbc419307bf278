// SPDX-License-Identifier: AGPL-3.0-or-later

package server

import (
	"slices"

	mdns "github.com/miekg/dns"
)

// maxChain is how many CNAME records one answer follows.
const maxChain = 8

// maxRef is how far a compression pointer reaches.
const maxRef = 0x3fff

// answer returns the answer to a message, built in buf, or nil if there should
// be none. The answer is at most limit bytes long, and less if the asker says
// so and udp is true.
func (x *index) answer(q *query, msg, buf []byte, udp bool) []byte {
	v := q.parse(msg)
	if v == drop {
		return nil
	}
	limit := mdns.MaxMsgSize
	if udp {
		limit = min(udpSize, int(q.size))
	}
	var r reply
	r.start(q, buf, limit)
	if v != proper {
		r.rcode = int(v)
		return r.finish(q)
	}
	x.lookUp(q, &r)
	return r.finish(q)
}

// lookUp answers a proper query.
func (x *index) lookUp(q *query, r *reply) {
	switch q.typ {
	case mdns.TypeOPT, mdns.TypeNone:
		r.rcode = mdns.RcodeFormatError
		return
	case mdns.TypeTKEY, mdns.TypeTSIG, mdns.TypeMAILA, mdns.TypeMAILB:
		r.rcode = mdns.RcodeNotImplemented
		return
	case mdns.TypeAXFR, mdns.TypeIXFR:
		r.rcode = mdns.RcodeRefused
		return
	}
	var z *zone
	if q.class == mdns.ClassINET {
		z = x.find(q.name)
	}
	if z != nil && q.typ == mdns.TypeDS && len(q.name) == len(z.apex) {
		// DS records of a zone stand in the zone above (RFC 4035 section 3.1.4.1).
		if above := x.find(q.name[1+q.name[0]:]); above != nil {
			z = above
		}
	}
	if z == nil {
		r.rcode = mdns.RcodeRefused
		return
	}
	r.aa = true
	z.resolve(q, r)
}

// resolve follows the algorithm of RFC 1034 section 4.3.2 with the wildcards of
// RFC 4592, within one zone.
func (z *zone) resolve(q *query, r *reply) {
	soaRef := headerLen + len(q.name) - len(z.apex)
	name, ref := q.name, headerLen
	var seen [maxChain + 1]string
	for step := range maxChain {
		n, encloser := z.match(name)
		if cut := encloser.cut; cut != nil && (cut != n || q.typ != mdns.TypeDS) {
			r.aa = step > 0
			r.refer(cut, ref+len(name)-len(cut.name))
			return
		}
		switch {
		case n == nil:
			r.rcode = mdns.RcodeNameError
			r.add(authority, soaRef, z.denial)
			return
		case n.cname == nil || q.typ == mdns.TypeCNAME || q.typ == mdns.TypeANY:
			z.finalSet(q, r, n, ref, soaRef)
			return
		}
		r.add(answers, ref, n.cname.records[0])
		target := n.cname.target
		ref = len(r.buf) - len(target)
		if step == 0 {
			seen[0] = string(q.name)
		}
		if slices.Contains(seen[:step+1], target) {
			return
		}
		seen[step+1] = target
		name = append(q.buf[:0], target...)
		if r.tc || ref > maxRef || !z.holds(name) {
			return
		}
	}
}

// finalSet answers with the records of the type that was asked for. "Any" gets
// one set only, so that it cannot be used to amplify (RFC 8482).
func (z *zone) finalSet(q *query, r *reply, n *node, ref, soaRef int) {
	s := n.set(q.typ)
	if q.typ == mdns.TypeANY && len(n.sets) > 0 {
		s = &n.sets[0]
	}
	if s == nil {
		r.add(authority, soaRef, z.denial)
		return
	}
	r.add(answers, ref, s.records...)
}

// match returns the node that answers for a name (itself, or the wildcard that
// covers it, or nil) and its closest encloser.
func (z *zone) match(name []byte) (n, encloser *node) {
	if n := z.nodes[string(name)]; n != nil {
		return n, n
	}
	for encloser == nil {
		name = name[1+name[0]:]
		encloser = z.nodes[string(name)]
	}
	return encloser.wild, encloser
}

// holds reports whether a name is in the zone.
func (z *zone) holds(name []byte) bool {
	for len(name) > len(z.apex) {
		name = name[1+name[0]:]
	}
	return string(name) == z.apex
}

// refer answers that others know: the delegation and the addresses of its name
// servers.
func (r *reply) refer(cut *node, ref int) {
	r.add(authority, ref, cut.set(mdns.TypeNS).records...)
	for _, g := range cut.glue {
		for _, s := range g.sets {
			r.addNamed(additional, g.name, s.records)
		}
	}
}
