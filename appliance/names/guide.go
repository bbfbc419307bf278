// SPDX-License-Identifier: AGPL-3.0-or-later

package names

import (
	"errors"
	"fmt"
	"net"

	"coopkit/appliance"
	"coopkit/dns"
	"coopkit/internal/hostname"
	"coopkit/internal/problem"
)

// guideTTL is the lifetime that people are told to choose for records that they
// set by hand.
const guideTTL = 3600

// guide returns the records that a person sets where a name is managed, so that
// it leads to this box.
func (n *Names) guide(host hostname.Name) ([]appliance.Note, error) {
	records, err := n.addresses(string(host), guideTTL)
	if err != nil {
		return nil, err
	}
	args := map[string]string{"name": string(host)}
	notes := []appliance.Note{{Code: appliance.NoteSetRecords, Args: args}}
	for _, r := range records {
		notes = append(notes, recordNote(appliance.NoteRecord, r))
	}
	return append(notes, appliance.Note{Code: appliance.NoteCheckName, Args: args, Command: "coopkit name check " + string(host)}), nil
}

// delegationNotes returns what a person sets at the registrar so that the world
// asks this box for the zone.
func delegationNotes(z zone) []appliance.Note {
	if hostname.Name(z.Name).Within("internal") { // nobody registers one
		return []appliance.Note{{Code: appliance.NoteInside, Args: map[string]string{"name": z.Name}}}
	}
	notes := []appliance.Note{{Code: appliance.NoteDelegate, Args: map[string]string{"name": z.Name}}}
	for _, ns := range z.NS {
		notes = append(notes, recordNote(appliance.NoteRecord, dns.Record{Name: z.Name, Type: "NS", TTL: guideTTL, Data: ns + "."}))
		for _, r := range append(z.RRset(dns.Set{Name: ns, Type: "A"}), z.RRset(dns.Set{Name: ns, Type: "AAAA"})...) {
			notes = append(notes, recordNote(appliance.NoteGlueRecord, r))
		}
	}
	if len(z.NS) == 1 {
		notes = append(notes, appliance.Note{Code: appliance.NoteSingleServer})
	}
	return append(notes, appliance.Note{Code: appliance.NoteBeforeDelegating}, appliance.Note{Code: appliance.NoteLeaveElsewhere})
}

func recordNote(code appliance.NoteCode, r dns.Record) appliance.Note {
	return appliance.Note{Code: code, Args: map[string]string{"record": fmt.Sprintf("%s. %d %s %s", r.Name, r.TTL, r.Type, r.Data)}}
}

func noAddress() error {
	return &problem.Problem{
		Code: "no-public-address", Kind: problem.Unavailable,
		What: "no address is known under which this box can be reached",
		Why:  "the box has no network connection, or its public address was not found",
		Next: []string{"connect the box to the network", "or start the agent with the public address of your router"},
	}
}

func zoneExists(name hostname.Name) error {
	return &problem.Problem{
		Code: "zone-exists", Kind: problem.Conflict,
		What: "this box answers for " + string(name) + " already",
		Next: []string{"coopkit name list"},
		Args: map[string]string{"name": string(name)},
	}
}

func noSuchZone(name hostname.Name) error {
	return &problem.Problem{
		Code: "no-such-zone", Kind: problem.NotFound,
		What: "this box has no zone " + string(name),
		Next: []string{"coopkit name list"},
		Args: map[string]string{"name": string(name)},
	}
}

func notListening() error {
	return &problem.Problem{
		Code: "dns-not-listening", Kind: problem.Unavailable,
		What: "the DNS server of this box does not listen anywhere, so it cannot answer for names",
		Next: []string{"start the agent with --dns and the address to listen at, for example --dns :53"},
	}
}

func notVerified(name, server, why string, err error) error {
	return &problem.Problem{
		Code: "name-not-verified", Kind: problem.Failed,
		What: "the DNS server at " + server + " does not answer for " + name + " as it should",
		Why:  why,
		Next: []string{"coopkit doctor", "check whether another program answers at " + server},
		Err:  err,
	}
}

// asNotFound returns the resolver's error in err's tree.
func asNotFound(err error) (*net.DNSError, bool) { return errors.AsType[*net.DNSError](err) }
