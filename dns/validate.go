// SPDX-License-Identifier: AGPL-3.0-or-later

package dns

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"coopkit/internal/problem"
)

// Normalise returns the zone with its records in order and in their normal
// form, or the first rule that it breaks, as a Problem "record-invalid" or
// "zone-invalid".
func (z Zone) Normalise() (Zone, error) {
	if err := z.checkHead(); err != nil {
		return Zone{}, err
	}
	if len(z.Records) > MaxRecords {
		return Zone{}, z.invalid(fmt.Sprintf("it has more than %d records", MaxRecords))
	}
	out := z
	out.NS, out.Records = slices.Clone(z.NS), make([]Record, 0, len(z.Records))
	for _, r := range z.Records {
		n, err := NewRecord(r.Name, r.Type, r.TTL, r.Data)
		if err != nil {
			return Zone{}, err
		}
		out.Records = append(out.Records, n)
	}
	slices.SortFunc(out.Records, Compare)
	if err := out.checkRules(); err != nil {
		return Zone{}, err
	}
	return out, nil
}

func (z Zone) checkHead() error {
	names := append([]string{z.Name, z.SOA.Primary, z.SOA.Mailbox}, z.NS...)
	for _, n := range names {
		if normal, err := normalName(n); err != nil || normal != n || strings.Contains(n, "*") {
			return z.invalid("“" + shorten(n) + "” is not a name in its normal form")
		}
	}
	if len(z.NS) == 0 {
		return z.invalid("it has no name server")
	}
	if slices.Contains(z.NS, z.Name) {
		return z.invalid("its name server may not have the name of the zone itself")
	}
	if z.TTL > 1<<31-1 || z.SOA.Minimum > 1<<31-1 {
		return z.invalid("its TTL is longer than DNS allows")
	}
	return nil
}

// checkRules wants the records sorted and each in its normal form.
func (z Zone) checkRules() error {
	for i, r := range z.Records {
		if err := z.checkRecord(r); err != nil {
			return err
		}
		if i == 0 || z.Records[i-1].Set() != r.Set() {
			continue
		}
		switch before := z.Records[i-1]; {
		case before.ID() == r.ID():
			return invalidRecord(r.Name, r.Type, "it is there twice", nil)
		case before.TTL != r.TTL:
			return invalidRecord(r.Name, r.Type, "all records of one name and type have the same TTL (RFC 2181)", nil)
		}
	}
	return z.checkNameServers()
}

// checkRecord checks one record against its neighbours in the zone.
func (z Zone) checkRecord(r Record) error {
	why := ""
	switch {
	case !within(r.Name, z.Name):
		why = "its name is not in the zone " + z.Name
	case r.Name == z.Name && (r.Type == "NS" || r.Type == "CNAME" || r.Type == "DS"):
		why = "it cannot stand at the top of a zone"
	case strings.HasPrefix(r.Name, "*.") && (r.Type == "NS" || r.Type == "DS"):
		why = "a wildcard cannot be delegated"
	case r.Type == "CNAME" && len(z.At(r.Name)) > 1:
		why = "a CNAME must be the only record of its name"
	case r.Type == "DS" && len(z.RRset(Set{r.Name, "NS"})) == 0:
		why = "a DS record needs NS records at the same name"
	default:
		if cut := z.cutAbove(r.Name); cut != "" && !isGlue(r, cut) {
			why = cut + " is delegated to other name servers, so this record would never be seen"
		}
	}
	if why == "" {
		return nil
	}
	return invalidRecord(r.Name, r.Type, why, nil)
}

// isGlue reports whether a record may stand at or below the delegation cut.
func isGlue(r Record, cut string) bool {
	if r.Name == cut && (r.Type == "NS" || r.Type == "DS") {
		return true
	}
	return r.Type == "A" || r.Type == "AAAA"
}

// cutAbove returns the topmost delegated name at or above name, below the apex;
// "" if there is none.
func (z Zone) cutAbove(name string) string {
	cut := ""
	for n := name; n != z.Name && n != ""; {
		if len(z.RRset(Set{n, "NS"})) > 0 {
			cut = n
		}
		_, n, _ = strings.Cut(n, ".")
	}
	return cut
}

// checkNameServers wants an address for each name server inside the zone.
func (z Zone) checkNameServers() error {
	for _, ns := range z.NS {
		if within(ns, z.Name) && z.cutAbove(ns) == "" && len(z.RRset(Set{ns, "A"}))+len(z.RRset(Set{ns, "AAAA"})) == 0 {
			return z.invalid("its name server " + ns + " has no address in it")
		}
	}
	return nil
}

// AddressRecord returns the A or AAAA record for an address. The error is a
// Problem "record-invalid".
func AddressRecord(name string, ttl uint32, addr netip.Addr) (Record, error) {
	typ := "AAAA"
	if addr = addr.Unmap(); addr.Is4() {
		typ = "A"
	}
	return NewRecord(name, typ, ttl, addr.WithZone("").String())
}

func (z Zone) invalid(why string) error {
	return &problem.Problem{
		Code: "zone-invalid", Kind: problem.Invalid,
		What: "the zone " + shorten(z.Name) + " is not valid",
		Why:  why,
		Next: []string{"correct the zone; docs/reference/dns-server.md has the rules"},
	}
}
