// SPDX-License-Identifier: AGPL-3.0-or-later

package names

import (
	"context"
	"errors"
	"slices"

	"coopkit/appliance"
	"coopkit/appliance/jobs"
	"coopkit/dns"
	"coopkit/internal/hostname"
	"coopkit/internal/logkey"
	"coopkit/internal/problem"
)

// PlanHost returns what EnsureHost would change, line by line. When no zone of
// this box contains the host there are no lines, but notes with the records to
// set where the name is managed. The errors are Problems, "record-in-the-way"
// among them.
func (n *Names) PlanHost(ctx context.Context, host hostname.Name, owner string) ([]appliance.Line, []appliance.Note, error) {
	zones, err := n.zones(ctx)
	if err != nil {
		return nil, nil, err
	}
	z, ok := containing(zones, string(host))
	if !ok {
		notes, err := n.guide(host)
		return nil, notes, err
	}
	if z.broken != nil {
		return nil, nil, z.broken
	}
	d, err := n.hostDiff(z, host, owner)
	return lines(d), nil, err
}

// EnsureHost makes host lead to this box, when a zone of this box contains it:
// it sets the records, serves them and asks the server for them. It changes
// nothing when all is well already, and nothing when the name is managed
// elsewhere. The errors are Problems, "record-in-the-way" and
// "name-not-verified" among them; after an error everything is as before.
func (n *Names) EnsureHost(ctx context.Context, host hostname.Name, owner string) error {
	return n.changeHost(ctx, host, func(z zone) (dns.Diff, error) { return n.hostDiff(z, host, owner) })
}

// RemoveHost removes the records that owner has at host. It is no error when
// there are none, when this box has no name server any more, which is then not
// asked, or when the zone cannot be read, which nobody is answered from.
func (n *Names) RemoveHost(ctx context.Context, host hostname.Name, owner string) error {
	err := n.changeHost(ctx, host, func(z zone) (dns.Diff, error) {
		return dns.Plan(z.Zone, z.ledger, dns.Change{
			Owner: owner, Remove: z.owned(string(host), owner, "A", "AAAA"),
		})
	})
	if errors.Is(err, &problem.Problem{Code: "record-unreadable"}) {
		n.d.Log.Warn("records not removed", logkey.Host, host, logkey.Err, err)
		jobs.AddNote(ctx, appliance.Note{Code: appliance.NoteNameUnreadable, Args: map[string]string{"name": string(host)}})
		return nil
	}
	return err
}

func (n *Names) changeHost(ctx context.Context, host hostname.Name, plan func(zone) (dns.Diff, error)) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	zones, err := n.zones(ctx)
	if err != nil {
		return err
	}
	z, ok := containing(zones, string(host))
	if !ok {
		jobs.AddFact(ctx, appliance.FactElsewhere, "host", string(host))
		return nil
	}
	if z.broken != nil {
		return z.broken
	}
	d, err := plan(z)
	if err != nil {
		return err
	}
	for _, l := range d.Lines() {
		if l.To != "" {
			jobs.AddFact(ctx, appliance.FactRecord, "host", l.Name, "record", l.To)
		}
	}
	return n.apply(ctx, z, d)
}

// hostDiff plans the addresses of this box at host; older ones of the same
// owner go.
func (n *Names) hostDiff(z zone, host hostname.Name, owner string) (dns.Diff, error) {
	want, err := n.addresses(string(host), z.TTL)
	if err != nil {
		return dns.Diff{}, err
	}
	old := slices.DeleteFunc(z.owned(string(host), owner, "A", "AAAA"), func(r dns.Record) bool {
		return slices.ContainsFunc(want, func(w dns.Record) bool { return w.ID() == r.ID() })
	})
	return dns.Plan(z.Zone, z.ledger, dns.Change{Owner: owner, Add: want, Remove: old})
}

// owned returns the records at name that owner has, of the given types.
func (z zone) owned(name, owner string, types ...string) []dns.Record {
	var records []dns.Record
	for _, r := range z.At(name) {
		if slices.Contains(types, r.Type) && z.ledger.Owner(r) == owner {
			records = append(records, r)
		}
	}
	return records
}

// Refresh makes every name that leads to this box lead to its present
// addresses, and returns how many names it changed. The agent calls it when the
// addresses may have changed.
func (n *Names) Refresh(ctx context.Context) (int, error) {
	zones, err := n.zones(ctx)
	if err != nil {
		return 0, err
	}
	changed := 0
	for _, z := range zones { // one that is broken has no hosts
		for host, owner := range z.hosts() {
			d, err := n.hostDiff(z, host, owner)
			if err != nil || d.Empty() {
				continue // a name that cannot be moved is found by the check of its address
			}
			if err := n.EnsureHost(ctx, host, owner); err != nil {
				return changed, err
			}
			changed++
		}
	}
	return changed, nil
}

// hosts returns the names that lead to this box and who owns their addresses.
func (z zone) hosts() map[hostname.Name]string {
	hosts := map[hostname.Name]string{}
	for _, r := range z.Records {
		if owner := z.ledger.Owner(r); owner != dns.You && (r.Type == "A" || r.Type == "AAAA") {
			hosts[hostname.Name(r.Name)] = owner
		}
	}
	return hosts
}

// lines turns a diff into the appliance's words.
func lines(d dns.Diff) []appliance.Line {
	var out []appliance.Line
	for _, l := range d.Lines() {
		out = append(out, appliance.Line{
			Verb: appliance.Verb(l.Verb), Kind: appliance.KindRecord, Name: l.Name, From: l.From, To: l.To, Destructive: l.Verb == "remove",
		})
	}
	return out
}
