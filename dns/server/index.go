// SPDX-License-Identifier: AGPL-3.0-or-later

package server

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"

	mdns "github.com/miekg/dns"

	"coopkit/dns"
)

// index holds all zones in the form in which they are answered: every name in
// wire format and lower case, every record packed. It never changes; new zones
// make a new index.
type index struct {
	zones map[string]*zone // by the name of the apex
}

// zone is one zone of an index.
type zone struct {
	apex   string
	nodes  map[string]*node // every name that exists, empty non-terminals too
	denial []byte           // the SOA record with the TTL of negative answers
}

// node is one name of a zone.
type node struct {
	name  string
	sets  []rrset // by type
	cname *rrset  // the node's CNAME, if it has one
	wild  *node   // the wildcard right below
	cut   *node   // the delegation at or above; nil where the zone has authority
	glue  []glue  // of a delegation: addresses of its name servers in this zone
}

// rrset is all records of one name and type.
type rrset struct {
	typ     uint16
	records [][]byte // each from its type on: type, class, TTL, length, value
	target  string   // of a CNAME
}

// glue is the addresses of one name server.
type glue struct {
	name string
	sets []rrset
}

// newIndex checks and packs the zones.
// newIndex packs zones. One that is not valid is in the error; if before has a
// zone of its name, that stays in its place.
func newIndex(zones []dns.Zone, before *index) (*index, error) {
	x := &index{zones: make(map[string]*zone, len(zones))}
	var errs error
	for _, model := range zones {
		if err := x.add(model); err != nil {
			errs = errors.Join(errs, fmt.Errorf("pack zone %s: %w", model.Name, err))
			x.keep(model.Name, before)
		}
	}
	return x, errs
}

func (x *index) keep(name string, before *index) {
	apex, err := wireName(name)
	if err == nil && before != nil && x.zones[apex] == nil && before.zones[apex] != nil {
		x.zones[apex] = before.zones[apex]
	}
}

func (x *index) add(model dns.Zone) error {
	model, err := model.Normalise()
	if err != nil {
		return err
	}
	z, err := newZone(model)
	if err != nil {
		return err
	}
	if x.zones[z.apex] != nil {
		return errors.New("it is there twice")
	}
	x.zones[z.apex] = z
	return nil
}

func newZone(model dns.Zone) (*zone, error) {
	apex, err := wireName(model.Name)
	if err != nil {
		return nil, err
	}
	z := &zone{apex: apex, nodes: map[string]*node{}}
	for _, r := range model.All() {
		if err := z.addRecord(r); err != nil {
			return nil, err
		}
	}
	z.denial = slices.Clone(z.nodes[apex].set(mdns.TypeSOA).records[0])
	binary.BigEndian.PutUint32(z.denial[4:], min(model.TTL, model.SOA.Minimum))
	for _, n := range z.nodes {
		z.link(n)
	}
	return z, nil
}

// addRecord packs one record.
func (z *zone) addRecord(r dns.Record) error {
	rr, err := r.RR()
	if err != nil {
		return err
	}
	name, err := wireName(r.Name)
	if err != nil {
		return err
	}
	buf := make([]byte, mdns.Len(rr)+64)
	end, err := mdns.PackRR(rr, buf, 0, nil, false)
	if err != nil {
		return fmt.Errorf("pack record: %w", err)
	}
	n, typ := z.node(name), rr.Header().Rrtype
	s := n.set(typ)
	if s == nil {
		n.sets = append(n.sets, rrset{typ: typ})
		s = &n.sets[len(n.sets)-1]
	}
	s.records = append(s.records, slices.Clone(buf[len(name):end]))
	if c, ok := rr.(*mdns.CNAME); ok {
		s.target, err = wireName(c.Target)
	}
	return err
}

// node returns the node of a name, which it makes with all names above up to
// the apex.
func (z *zone) node(name string) *node {
	if n := z.nodes[name]; n != nil {
		return n
	}
	n := &node{name: name}
	z.nodes[name] = n
	if name == z.apex {
		return n
	}
	parent := z.node(name[1+name[0]:])
	if strings.HasPrefix(name, "\x01*") {
		parent.wild = n
	}
	return n
}

// link fills in what a node needs to know of others, once all are there.
func (z *zone) link(n *node) {
	slices.SortFunc(n.sets, func(a, b rrset) int { return cmp.Compare(a.typ, b.typ) })
	n.cname = n.set(mdns.TypeCNAME)
	for name := n.name; name != z.apex; name = name[1+name[0]:] {
		if above := z.nodes[name]; above.set(mdns.TypeNS) != nil {
			n.cut = above
		}
	}
	if n.cut != n {
		return
	}
	for _, rec := range n.set(mdns.TypeNS).records {
		name := strings.ToLower(string(rec[10:]))
		target := z.nodes[name]
		if target == nil {
			continue
		}
		g := glue{name: name}
		for _, s := range target.sets {
			if s.typ == mdns.TypeA || s.typ == mdns.TypeAAAA {
				g.sets = append(g.sets, s)
			}
		}
		n.glue = append(n.glue, g)
	}
}

// set returns the node's records of a type, or nil.
func (n *node) set(typ uint16) *rrset {
	for i := range n.sets {
		if n.sets[i].typ == typ {
			return &n.sets[i]
		}
	}
	return nil
}

// find returns the zone with the longest name that the wire name is in.
func (x *index) find(name []byte) *zone {
	for len(name) > 1 {
		if z := x.zones[string(name)]; z != nil {
			return z
		}
		name = name[1+name[0]:]
	}
	return nil
}

// wireName returns a name in wire format and lower case.
func wireName(name string) (string, error) {
	buf := make([]byte, 256)
	n, err := mdns.PackDomainName(mdns.CanonicalName(name), buf, 0, nil, false)
	if err != nil {
		return "", fmt.Errorf("pack name %q: %w", name, err)
	}
	return string(buf[:n]), nil
}
