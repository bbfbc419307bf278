// SPDX-License-Identifier: AGPL-3.0-or-later

// Package dns owns the model of a DNS zone and the planner that changes one:
// records in a normal form, the rules of a zone, and plan, apply and undo that
// touch only the records that we own. It must not know the appliance, sockets
// or databases. Its tests are tables, properties and fuzzed parsers.
package dns

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// MaxRecords is the most records that a zone may have.
const MaxRecords = 50_000

// SOA is the start of authority of a zone, without its serial.
type SOA struct {
	Primary string // the first name server: "ns1.demo.coop"
	Mailbox string // a person's address as a name: "hostmaster.demo.coop"
	Refresh uint32 // seconds, as all that follow
	Retry   uint32
	Expire  uint32
	Minimum uint32 // how long "there is no such name" may be remembered
}

// Zone is a DNS zone. SOA and the name servers of the zone itself are fields;
// Records holds everything else in the order of Compare. A Zone is a value:
// nothing here changes one in place.
type Zone struct {
	Name    string // without the final dot: "demo.coop"
	Serial  uint32
	TTL     uint32   // of the SOA and NS records, and of new records
	SOA     SOA      //
	NS      []string // the zone's name servers, without final dots
	Records []Record
}

// NewZone returns a zone without records and with our defaults. Without name
// servers it gets ns1 below itself, which needs an address record to be valid.
func NewZone(name string, now time.Time, ns ...string) Zone {
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	if len(ns) == 0 {
		ns = []string{"ns1." + name}
	}
	return Zone{
		Name: name, Serial: NextSerial(0, now), TTL: 300, NS: ns,
		SOA: SOA{
			Primary: ns[0], Mailbox: "hostmaster." + name,
			Refresh: 3600, Retry: 600, Expire: 1_209_600, Minimum: 300,
		},
	}
}

// All returns every record of the zone: SOA, NS, then the rest.
func (z Zone) All() []Record {
	all := make([]Record, 0, len(z.Records)+len(z.NS)+1)
	all = append(all, z.SOARecord())
	for _, ns := range z.NS {
		all = append(all, Record{z.Name, "NS", z.TTL, ns + "."})
	}
	return append(all, z.Records...)
}

// SOARecord returns the zone's SOA record.
func (z Zone) SOARecord() Record {
	parts := []string{z.SOA.Primary + ".", z.SOA.Mailbox + "."}
	for _, v := range []uint32{z.Serial, z.SOA.Refresh, z.SOA.Retry, z.SOA.Expire, z.SOA.Minimum} {
		parts = append(parts, strconv.FormatUint(uint64(v), 10))
	}
	return Record{z.Name, "SOA", z.TTL, strings.Join(parts, " ")}
}

// RRset returns the records of one name and type, without copying them.
func (z Zone) RRset(s Set) []Record {
	from, _ := slices.BinarySearchFunc(z.Records, s, compareSet)
	to := from
	for to < len(z.Records) && z.Records[to].Set() == s {
		to++
	}
	return z.Records[from:to:to]
}

// At returns the records of one name, without copying them.
func (z Zone) At(name string) []Record {
	from, _ := slices.BinarySearchFunc(z.Records, Set{Name: name}, compareSet)
	to := from
	for to < len(z.Records) && z.Records[to].Name == name {
		to++
	}
	return z.Records[from:to:to]
}

// Compare orders records by the reversed labels of their names (so that a zone
// reads from the top down), then by type and value.
func Compare(a, b Record) int {
	if c := compareSet(a, b.Set()); c != 0 {
		return c
	}
	return strings.Compare(a.Data, b.Data)
}

func compareSet(a Record, b Set) int {
	if c := compareNames(a.Name, b.Name); c != 0 {
		return c
	}
	return strings.Compare(a.Type, b.Type)
}

// compareNames compares label by label from the right.
func compareNames(a, b string) int {
	for a != b {
		var la, lb string
		if a == "" || b == "" {
			return len(a) - len(b)
		}
		a, la = cutLast(a)
		b, lb = cutLast(b)
		if la != lb {
			return strings.Compare(la, lb)
		}
	}
	return 0
}

func cutLast(name string) (rest, label string) {
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		return name[:i], name[i+1:]
	}
	return "", name
}

// NextSerial returns the serial after old: the date of now with a counter
// (2026112301) if that is later in the sense of RFC 1982, else old + 1. It is
// never 0, which some secondaries take for "none".
func NextSerial(old uint32, now time.Time) uint32 {
	y, m, d := now.UTC().Date()
	dated := uint32(((y%4000)*100+int(m))*100+d)*100 + 1 //nolint:gosec // at most 3,999,123,101
	if old == 0 || SerialBefore(old, dated) {
		return dated
	}
	if old+1 == 0 {
		return 1
	}
	return old + 1
}

// SerialBefore reports whether serial a comes before b in the arithmetic of RFC
// 1982.
func SerialBefore(a, b uint32) bool { return a != b && b-a < 1<<31 }
