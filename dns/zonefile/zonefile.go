// SPDX-License-Identifier: AGPL-3.0-or-later

// Package zonefile reads and writes zones as master files (RFC 1035 section 5).
// It must not know where the files come from. Its tests are tables and a fuzzed
// round trip.
package zonefile

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	mdns "github.com/miekg/dns"

	"coopkit/dns"
	"coopkit/internal/problem"
)

// MaxBytes is the largest file that Parse reads.
const MaxBytes = 8 << 20

// Parse reads the zone that is named origin. $INCLUDE is refused. The errors
// are Problems: "zone-file-invalid" that says where, and those of
// dns.Zone.Normalise.
func Parse(r io.Reader, origin string) (dns.Zone, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxBytes+1))
	if err != nil {
		return dns.Zone{}, fmt.Errorf("read zone file: %w", err)
	}
	origin = strings.ToLower(strings.TrimSuffix(origin, "."))
	if len(data) > MaxBytes {
		return dns.Zone{}, invalid(origin, fmt.Sprintf("it is larger than %d MiB", MaxBytes>>20), nil)
	}
	p := parser{zone: dns.Zone{Name: origin}}
	zp := mdns.NewZoneParser(bytes.NewReader(data), origin+".", "")
	for rr, ok := zp.Next(); ok; rr, ok = zp.Next() {
		if err := p.add(rr); err != nil {
			return dns.Zone{}, err
		}
	}
	if err := zp.Err(); err != nil {
		return dns.Zone{}, invalid(origin, strings.TrimPrefix(err.Error(), "dns: "), err)
	}
	if !p.hasSOA {
		return dns.Zone{}, invalid(origin, "it has no SOA record for "+origin, nil)
	}
	return p.zone.Normalise()
}

// parser gathers a zone record by record.
type parser struct {
	zone   dns.Zone
	hasSOA bool
}

func (p *parser) add(rr mdns.RR) error {
	name := strings.ToLower(strings.TrimSuffix(rr.Header().Name, "."))
	switch v := rr.(type) {
	case *mdns.SOA:
		return p.addSOA(name, v)
	case *mdns.NS:
		if name == p.zone.Name {
			p.zone.NS = append(p.zone.NS, plain(v.Ns))
			return nil
		}
	}
	if len(p.zone.Records) >= dns.MaxRecords {
		return invalid(p.zone.Name, fmt.Sprintf("it has more than %d records", dns.MaxRecords), nil)
	}
	r, err := dns.FromRR(rr)
	if err != nil {
		return err
	}
	p.zone.Records = append(p.zone.Records, r)
	return nil
}

func (p *parser) addSOA(name string, v *mdns.SOA) error {
	if p.hasSOA || name != p.zone.Name {
		return invalid(p.zone.Name, "it has a second SOA record, or one for "+name, nil)
	}
	p.hasSOA = true
	p.zone.Serial, p.zone.TTL = v.Serial, v.Hdr.Ttl
	p.zone.SOA = dns.SOA{
		Primary: plain(v.Ns), Mailbox: plain(v.Mbox),
		Refresh: v.Refresh, Retry: v.Retry, Expire: v.Expire, Minimum: v.Minttl,
	}
	return nil
}

func plain(name string) string { return strings.TrimSuffix(mdns.CanonicalName(name), ".") }

// Format writes the zone with absolute names, one record a line. Parse reads
// the same zone back, as long as the zone is in its normal form.
func Format(w io.Writer, z dns.Zone) error {
	for _, r := range z.All() {
		if _, err := fmt.Fprintln(w, r); err != nil {
			return fmt.Errorf("write zone file: %w", err)
		}
	}
	return nil
}

func invalid(origin, why string, err error) error {
	return &problem.Problem{
		Code: "zone-file-invalid", Kind: problem.Invalid,
		What: "the zone file of " + origin + " cannot be read",
		Why:  why,
		Next: []string{"correct the line that is named and read the file again"},
		Err:  err,
	}
}
