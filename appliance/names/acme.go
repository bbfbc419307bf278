// SPDX-License-Identifier: AGPL-3.0-or-later

package names

import (
	"context"
	"strings"

	"coopkit/dns"
	"coopkit/internal/problem"
)

// proofTTL is how long others may remember a proof.
const proofTTL = 60

// SetTXT adds a proof for a certificate authority at a name such as
// "_acme-challenge.www.demo.coop", beside others that are there. It follows
// CNAMEs within the zones of this box, and returns once the server answers with
// the value. The errors are Problems: "name-not-here" when no zone of this box
// contains the name, "record-in-the-way", "name-not-verified".
func (n *Names) SetTXT(ctx context.Context, name, value string) error {
	return n.changeTXT(ctx, name, value, func(r dns.Record) dns.Change {
		return dns.Change{Owner: OwnerACME, Add: []dns.Record{r}}
	})
}

// RemoveTXT removes a proof that SetTXT added. It is no error if there is none.
func (n *Names) RemoveTXT(ctx context.Context, name, value string) error {
	return n.changeTXT(ctx, name, value, func(r dns.Record) dns.Change {
		return dns.Change{Owner: OwnerACME, Remove: []dns.Record{r}}
	})
}

func (n *Names) changeTXT(ctx context.Context, name, value string, change func(dns.Record) dns.Change) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	zones, err := n.zones(ctx)
	if err != nil {
		return err
	}
	r, err := dns.NewRecord(name, "TXT", proofTTL, dns.TXTData(value))
	if err != nil {
		return err
	}
	z, target, ok := follow(zones, r.Name)
	if !ok {
		return notHere(r.Name)
	}
	if z.broken != nil {
		return z.broken
	}
	r.Name = target
	d, err := dns.Plan(z.Zone, z.ledger, change(r))
	if err != nil {
		return err
	}
	return n.apply(ctx, z, d)
}

// follow returns the name at the end of the CNAMEs that begin at name, and its
// zone; ok is false when that is not a zone of this box.
func follow(zones []zone, name string) (z zone, target string, ok bool) {
	for range 8 {
		z, ok = containing(zones, name)
		if !ok {
			return zone{}, "", false
		}
		cname := z.RRset(dns.Set{Name: name, Type: "CNAME"})
		if len(cname) == 0 {
			return z, name, true
		}
		name = strings.TrimSuffix(cname[0].Data, ".")
	}
	return zone{}, "", false
}

func notHere(name string) error {
	return &problem.Problem{
		Code: "name-not-here", Kind: problem.NotFound,
		What: "no zone on this box contains " + name,
		Why:  "a proof for the certificate authority can be set only in a zone that this box answers for",
		Next: []string{"set the CNAME record that “coopkit name check” shows, once, where the name is managed"},
	}
}
