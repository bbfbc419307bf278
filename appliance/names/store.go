// SPDX-License-Identifier: AGPL-3.0-or-later

package names

import (
	"context"

	"coopkit/appliance"
	"coopkit/dns"
)

// Store keeps the zones. Its methods are safe for concurrent use.
type Store interface {
	// Zones returns all zones, sorted by name, each with its records in the order
	// in which ReplaceZone got them.
	Zones(ctx context.Context) ([]StoredZone, error)
	// ReplaceZone inserts a zone, or replaces the one of the same name with all
	// its records, as a whole or not at all.
	ReplaceZone(ctx context.Context, z StoredZone) error
	// DeleteZone removes a zone and its records; it is no error if there is none.
	DeleteZone(ctx context.Context, name string) error
}

// StoredZone is a zone in plain types. All times are in seconds.
type StoredZone struct {
	Name    string             `json:"name"` // without the final dot
	Serial  uint32             `json:"serial"`
	TTL     uint32             `json:"ttl"` // of the SOA and NS records, and of new records
	NS      []string           `json:"ns"`
	Primary string             `json:"primary"`
	Mailbox string             `json:"mailbox"`
	Refresh uint32             `json:"refresh"`
	Retry   uint32             `json:"retry"`
	Expire  uint32             `json:"expire"`
	Minimum uint32             `json:"minimum"`
	Records []appliance.Record `json:"records"` // without SOA and the zone's own NS
}

// All returns every record of the zone for people: SOA and NS, owned by the
// zone, then the rest.
func (s StoredZone) All() []appliance.Record {
	z, err := s.zone()
	if err != nil {
		return s.Records
	}
	var all []appliance.Record
	for _, r := range z.All() {
		owner := z.ledger.Owner(r)
		if r.Type == "SOA" || (r.Type == "NS" && r.Name == z.Name) {
			owner = OwnerZone
		}
		all = append(all, appliance.Record{Name: r.Name, Type: r.Type, TTL: r.TTL, Data: r.Data, Owner: owner})
	}
	return all
}

// zone is a zone with its ledger.
type zone struct {
	dns.Zone
	ledger dns.Ledger
	broken error // why it cannot be used; only its name is known then
}

// zone checks a stored zone and returns it in the words of package dns.
func (s StoredZone) zone() (zone, error) {
	z := dns.Zone{
		Name: s.Name, Serial: s.Serial, TTL: s.TTL, NS: s.NS,
		SOA: dns.SOA{
			Primary: s.Primary, Mailbox: s.Mailbox,
			Refresh: s.Refresh, Retry: s.Retry, Expire: s.Expire, Minimum: s.Minimum,
		},
	}
	ledger := dns.Ledger{}
	for _, r := range s.Records {
		rec := dns.Record{Name: r.Name, Type: r.Type, TTL: r.TTL, Data: r.Data}
		z.Records = append(z.Records, rec)
		if r.Owner != dns.You {
			ledger[rec.ID()] = r.Owner
		}
	}
	z, err := z.Normalise()
	return zone{Zone: z, ledger: ledger}, err
}

// stored returns the zone for the store.
func (z zone) stored() StoredZone {
	s := StoredZone{
		Name: z.Name, Serial: z.Serial, TTL: z.TTL, NS: z.NS,
		Primary: z.SOA.Primary, Mailbox: z.SOA.Mailbox,
		Refresh: z.SOA.Refresh, Retry: z.SOA.Retry, Expire: z.SOA.Expire, Minimum: z.SOA.Minimum,
	}
	for _, r := range z.Records {
		s.Records = append(s.Records, appliance.Record{Name: r.Name, Type: r.Type, TTL: r.TTL, Data: r.Data, Owner: z.ledger.Owner(r)})
	}
	return s
}
