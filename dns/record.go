// SPDX-License-Identifier: AGPL-3.0-or-later

package dns

import (
	"fmt"
	"slices"
	"strings"

	mdns "github.com/miekg/dns"

	"coopkit/internal/problem"
)

// Record is one DNS record in its normal form, as NewRecord makes it. Records
// compare with ==.
type Record struct {
	Name string // absolute, lower case, without the final dot: "www.demo.coop", "*.demo.coop"
	Type string // "A", "TXT" …
	TTL  uint32 // seconds
	Data string // as in a zone file; names in it are absolute and end in a dot
}

// ID is what makes a record itself within its zone. Two records may not have
// the same one.
type ID struct{ Name, Type, Data string }

// Set names an RRset: all records of one name and type.
type Set struct{ Name, Type string }

// ID returns the record's identity.
func (r Record) ID() ID { return ID{r.Name, r.Type, r.Data} }

// Set returns the RRset to which the record belongs.
func (r Record) Set() Set { return Set{r.Name, r.Type} }

// String returns the record as a line of a zone file.
func (r Record) String() string {
	return fmt.Sprintf("%s. %d IN %s %s", r.Name, r.TTL, r.Type, r.Data)
}

// Types that are not kept as records: DNSSEC's own, those of messages, and
// DNAME, which the server does not synthesise.
var unsupportedTypes = []uint16{
	mdns.TypeNone, mdns.TypeOPT, mdns.TypeTSIG, mdns.TypeTKEY, mdns.TypeSIG, mdns.TypeANY, mdns.TypeAXFR, mdns.TypeIXFR,
	mdns.TypeMAILA, mdns.TypeMAILB, mdns.TypeRRSIG, mdns.TypeNSEC, mdns.TypeNSEC3, mdns.TypeNSEC3PARAM, mdns.TypeDNSKEY,
	mdns.TypeNXT, mdns.TypeKEY, mdns.TypeDNAME, mdns.TypeSOA,
}

// NewRecord checks a record as a person or a program wrote it and returns its
// normal form. name is absolute, with or without the final dot; data is written
// as in a zone file with absolute names. The error is a Problem
// "record-invalid".
func NewRecord(name, typ string, ttl uint32, data string) (Record, error) {
	n, err := normalName(name)
	if err != nil {
		return Record{}, invalidRecord(name, typ, err.Error(), nil)
	}
	typ = strings.ToUpper(strings.TrimSpace(typ))
	code, known := mdns.StringToType[typ]
	switch {
	case !known || slices.Contains(unsupportedTypes, code):
		return Record{}, invalidRecord(n, typ, "this kind of record is not supported", nil)
	case ttl > 1<<31-1:
		return Record{}, invalidRecord(n, typ, "its TTL is longer than DNS allows", nil)
	case len(data) > 64<<10 || strings.ContainsFunc(data, isControl):
		return Record{}, invalidRecord(n, typ, "its value is too long or has line breaks or control characters in it", nil)
	}
	r := Record{Name: n, Type: typ, TTL: ttl, Data: data}
	rr, err := r.RR()
	if err != nil {
		return Record{}, invalidRecord(n, typ, "its value cannot be read", err)
	}
	return FromRR(rr)
}

// FromRR returns the normal form of a record of the DNS library. The error is
// a Problem "record-invalid".
func FromRR(rr mdns.RR) (Record, error) {
	h := rr.Header()
	typ := mdns.Type(h.Rrtype).String()
	n, err := normalName(h.Name)
	if err != nil {
		return Record{}, invalidRecord(h.Name, typ, err.Error(), nil)
	}
	if h.Class != mdns.ClassINET || slices.Contains(unsupportedTypes, h.Rrtype) || strings.HasPrefix(typ, "TYPE") {
		return Record{}, invalidRecord(n, typ, "this kind of record is not supported", nil)
	}
	rr, err = overTheWire(rr)
	if err != nil {
		return Record{}, invalidRecord(n, typ, "its value does not fit into a DNS message", err)
	}
	lowerTargets(rr)
	r := Record{Name: n, Type: typ, TTL: h.Ttl, Data: rdata(rr)}
	again, err := r.RR()
	if err != nil || rdata(again) != r.Data || r.TTL > 1<<31-1 {
		return Record{}, invalidRecord(n, typ, "its value has no normal form", err)
	}
	return r, nil
}

// overTheWire packs and unpacks a record, after which its value has one form
// only, however it was written.
func overTheWire(rr mdns.RR) (mdns.RR, error) {
	buf := make([]byte, min(mdns.Len(rr)+64, mdns.MaxMsgSize))
	end, err := mdns.PackRR(rr, buf, 0, nil, false)
	if err != nil {
		return nil, fmt.Errorf("pack record: %w", err)
	}
	rr, _, err = mdns.UnpackRR(buf[:end], 0)
	if err != nil {
		return nil, fmt.Errorf("unpack record: %w", err)
	}
	return rr, nil
}

// RR returns the record as the DNS library has it.
func (r Record) RR() (mdns.RR, error) {
	zp := mdns.NewZoneParser(strings.NewReader(r.String()+"\n"), ".", "")
	rr, ok := zp.Next()
	if err := zp.Err(); err != nil {
		return nil, fmt.Errorf("parse record: %w", err)
	}
	if !ok || rdata(rr) == "" {
		return nil, fmt.Errorf("parse record: %s has no value", r.Type)
	}
	return rr, nil
}

// rdata returns the value part of the record's text.
func rdata(rr mdns.RR) string {
	return strings.TrimSpace(strings.TrimPrefix(rr.String(), rr.Header().String()))
}

// TXTData returns the value of a TXT record for any text: quoted, escaped and
// split into parts of at most 255 bytes.
func TXTData(text string) string {
	if text == "" {
		return `""`
	}
	var b strings.Builder
	for i := range len(text) {
		if i%255 == 0 {
			if i > 0 {
				b.WriteString(`" `)
			}
			b.WriteByte('"')
		}
		switch c := text[i]; {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < ' ' || c > '~':
			fmt.Fprintf(&b, `\%03d`, c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String() + `"`
}

// lowerTargets puts the names that a record points to into lower case, so that
// equal records have equal text.
func lowerTargets(rr mdns.RR) {
	switch v := rr.(type) {
	case *mdns.CNAME:
		v.Target = mdns.CanonicalName(v.Target)
	case *mdns.NS:
		v.Ns = mdns.CanonicalName(v.Ns)
	case *mdns.PTR:
		v.Ptr = mdns.CanonicalName(v.Ptr)
	case *mdns.MX:
		v.Mx = mdns.CanonicalName(v.Mx)
	case *mdns.SRV:
		v.Target = mdns.CanonicalName(v.Target)
	}
}

// normalName returns the normal form of a record's name: letters, digits,
// hyphens and underscores, "/" for RFC 2317, and "*" as the whole first label.
func normalName(s string) (string, error) {
	n := strings.ToLower(strings.TrimSuffix(s, "."))
	if n == "" || len(n) > 253 {
		return "", fmt.Errorf("a name has 1 to 253 characters")
	}
	for i, label := range strings.Split(n, ".") {
		if label == "" || len(label) > 63 {
			return "", fmt.Errorf("each part of a name has 1 to 63 characters")
		}
		if label == "*" && i == 0 {
			continue
		}
		if strings.ContainsFunc(label, func(c rune) bool {
			return (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != '/'
		}) {
			return "", fmt.Errorf("only letters, digits, hyphens, underscores and dots are allowed in a name")
		}
	}
	return n, nil
}

// within reports whether name is zone or below it.
func within(name, zone string) bool {
	return name == zone || strings.HasSuffix(name, "."+zone)
}

func isControl(c rune) bool { return c < ' ' || c == 0x7f }

func invalidRecord(name, typ, why string, err error) error {
	return &problem.Problem{
		Code: "record-invalid", Kind: problem.Invalid,
		What: "the " + shorten(typ) + " record at " + shorten(name) + " is not valid",
		Why:  why,
		Next: []string{"correct the record; docs/reference/dns-server.md lists the kinds and how each is written"},
		Err:  err,
	}
}

// shorten makes s fit for a message.
func shorten(s string) string {
	s = strings.ToValidUTF8(strings.Map(func(c rune) rune {
		if isControl(c) {
			return '?'
		}
		return c
	}, s), "?")
	if len(s) > 80 {
		return strings.ToValidUTF8(s[:80], "") + "…"
	}
	return s
}
