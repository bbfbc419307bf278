// SPDX-License-Identifier: AGPL-3.0-or-later

package names

import (
	"context"
	"slices"
	"strings"

	"coopkit/appliance"
	"coopkit/dns"
	"coopkit/internal/hostname"
	"coopkit/internal/problem"
)

// planAddZone returns what adding a zone would do, with the records to set
// where the name was registered among the notes. The errors are Problems:
// "zone-exists", "no-public-address", "dns-not-listening".
func (n *Names) planAddZone(ctx context.Context, name hostname.Name) (appliance.Plan, error) {
	if n.d.ServerAddr() == "" {
		return appliance.Plan{}, notListening()
	}
	zones, err := n.zones(ctx)
	if err != nil {
		return appliance.Plan{}, err
	}
	if z, ok := containing(zones, string(name)); ok && z.Name == string(name) {
		return appliance.Plan{}, zoneExists(name)
	}
	z, err := n.newZone(name)
	if err != nil {
		return appliance.Plan{}, err
	}
	p := appliance.Plan{
		Kind: appliance.ChangeAddName, Subject: "zone:" + string(name),
		Lines:   []appliance.Line{{Verb: appliance.VerbCreate, Kind: appliance.KindZone, Name: string(name)}},
		Notes:   delegationNotes(z),
		WayBack: appliance.Note{Code: appliance.BackRemoveName, Command: "coopkit name remove " + string(name)},
	}
	for _, ns := range z.NS {
		p.Lines = append(p.Lines, appliance.Line{Verb: appliance.VerbCreate, Kind: appliance.KindNameServer, Name: ns})
	}
	p.Lines = append(p.Lines, lines(dns.Diff{Add: z.Records})...)
	return n.sealed(ctx, p, name)
}

// newZone returns a zone with our defaults and the address of its name server.
// Its serial is later than that of a zone of the same name that was removed.
func (n *Names) newZone(name hostname.Name) (zone, error) {
	var ns []string
	if n.d.NameServers != nil {
		ns = n.d.NameServers(name)
	}
	z := zone{Zone: dns.NewZone(string(name), n.d.Now(), ns...), ledger: dns.Ledger{}}
	if old, err := n.readKept(name); err == nil {
		z.Serial = dns.NextSerial(old.Serial, n.d.Now())
	}
	for _, server := range z.NS {
		if !hostname.Name(server).Within(name) {
			continue
		}
		records, err := n.addresses(server, z.TTL)
		if err != nil {
			return zone{}, err
		}
		for _, r := range records {
			z.Records = append(z.Records, r)
			z.ledger[r.ID()] = OwnerZone
		}
	}
	var err error
	z.Zone, err = z.Normalise()
	return z, err
}

// planRemoveZone returns what removing a zone would do. The errors are
// Problems: "no-such-zone", and "zone-in-use" while apps or sites have
// addresses in it.
func (n *Names) planRemoveZone(ctx context.Context, name hostname.Name) (appliance.Plan, error) {
	z, err := n.find(ctx, name)
	if err != nil {
		return appliance.Plan{}, err
	}
	if err := z.unused(); err != nil {
		return appliance.Plan{}, err
	}
	p := appliance.Plan{
		Kind: appliance.ChangeRemoveName, Subject: "zone:" + string(name),
		Lines:   []appliance.Line{{Verb: appliance.VerbRemove, Kind: appliance.KindZone, Name: string(name), Destructive: true}},
		Notes:   []appliance.Note{{Code: appliance.NoteStillDelegated, Args: map[string]string{"name": string(name)}}},
		WayBack: appliance.Note{Code: appliance.BackZoneFile, Args: map[string]string{"folder": n.d.Dir}},
	}
	p.Lines = append(p.Lines, lines(dns.Diff{Remove: z.Records})...)
	return n.sealed(ctx, p, name)
}

// sealed completes a plan with the steps of its job, where there are jobs.
func (n *Names) sealed(ctx context.Context, p appliance.Plan, name hostname.Name) (_ appliance.Plan, err error) {
	if n.d.Jobs != nil {
		p.Steps, err = n.d.Jobs.Outline(ctx, p.Kind, zoneInput{name})
	}
	return p.Seal(), err
}

// find returns the zone of that name. The error is a Problem "no-such-zone", or
// "record-unreadable".
func (n *Names) find(ctx context.Context, name hostname.Name) (zone, error) {
	zones, err := n.zones(ctx)
	if err != nil {
		return zone{}, err
	}
	i := slices.IndexFunc(zones, func(z zone) bool { return z.Name == string(name) })
	if i < 0 {
		return zone{}, noSuchZone(name)
	}
	return zones[i], zones[i].broken
}

// unused returns a Problem "zone-in-use" that names the addresses in the zone
// that something on this box uses.
func (z zone) unused() error {
	var hosts []string
	for _, r := range z.Records {
		owner := z.ledger.Owner(r)
		if owner != OwnerZone && owner != OwnerACME && owner != dns.You && !slices.Contains(hosts, r.Name) {
			hosts = append(hosts, r.Name)
		}
	}
	if len(hosts) == 0 {
		return nil
	}
	slices.Sort(hosts)
	return &problem.Problem{
		Code: "zone-in-use", Kind: problem.Conflict,
		What: "the name " + z.Name + " is still in use",
		Why:  "apps, sites or redirects have these addresses in it: " + strings.Join(hosts, ", "),
		Next: []string{"remove them first, or give them other addresses"},
		Args: map[string]string{"name": z.Name, "hosts": strings.Join(hosts, ", ")},
	}
}

// pristine reports whether nobody but the zone itself has records in it.
func (z zone) pristine() bool {
	return !slices.ContainsFunc(z.Records, func(r dns.Record) bool { return z.ledger.Owner(r) != OwnerZone })
}
