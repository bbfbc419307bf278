// SPDX-License-Identifier: AGPL-3.0-or-later

// Package names keeps the DNS zones on this box: which records there are, who
// owns each, and that the DNS server really answers them. It plans, applies and
// verifies changes, and puts them back when verification fails. It must not
// know SQL, certificates or what an address leads to. Its tests use a store in
// memory and a real DNS server.
package names

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"coopkit/appliance"
	"coopkit/appliance/jobs"
	"coopkit/dns"
	"coopkit/internal/hostname"
	"coopkit/internal/logkey"
)

// The owners that this package sets itself. Apps and sites own their records as
// "app:wordpress" and "site:demo.coop"; records that nobody owns are dns.You's.
const (
	OwnerZone = "zone" // the address of the zone's own name server
	OwnerACME = "acme" // proofs for a certificate authority
)

// Server answers for the zones. *server.Server is one.
type Server interface {
	SetZones(zones []dns.Zone) error
}

// Deps is what Names needs.
type Deps struct {
	Store  Store
	Server Server
	Jobs   *jobs.Runner // nil: zones are not added or removed
	Log    *slog.Logger
	Now    func() time.Time
	// PublicAddrs returns the addresses under which this box is reached.
	PublicAddrs func() []netip.Addr
	// ServerAddr returns the address at which Server answers, e.g.
	// "127.0.0.1:5453"; changes are verified there.
	ServerAddr func() string
	// Dir is the folder in which zones that were removed are kept.
	Dir string
	// NameServers returns the name servers for a new zone; nil, or an empty
	// answer, means ns1 below the zone itself.
	NameServers func(zone hostname.Name) []string
	// LookUp finds the addresses of a host that is not in a zone of this box; nil
	// means the machine's own resolver.
	LookUp func(ctx context.Context, host string) ([]netip.Addr, error)
	// LookUpNS finds the name servers that the world is sent to for a zone; nil
	// means the machine's own resolver.
	LookUpNS func(ctx context.Context, zone string) ([]string, error)
	// Report is told which zones cannot be served, whenever zones are; none:
	// all are. nil: nobody is told.
	Report func(broken []appliance.Trouble)
}

// Names keeps the zones of this box. Its methods are safe for concurrent use.
type Names struct {
	d  Deps
	mu sync.Mutex // held over each read, change and write of the store
}

// New returns the names of a box and registers its kinds of job. Load comes before anything else.
func New(d Deps) *Names {
	d.Log = d.Log.With(logkey.Component, "names")
	if d.LookUp == nil {
		d.LookUp = systemLookUp
	}
	if d.LookUpNS == nil {
		d.LookUpNS = systemLookUpNS
	}
	if d.Report == nil {
		d.Report = func([]appliance.Trouble) {}
	}
	n := &Names{d: d}
	if d.Jobs != nil {
		d.Jobs.Register(appliance.ChangeAddName, jobs.Typed(n.addSteps))
		d.Jobs.Register(appliance.ChangeRemoveName, jobs.Typed(n.removeSteps))
	}
	return n
}

// Load gives all zones to the server. Proofs for certificate authorities that
// an earlier run left behind are removed, because none can be under way.
func (n *Names) Load(ctx context.Context) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	zones, err := n.zones(ctx)
	if err != nil {
		return err
	}
	for _, z := range zones {
		if z.broken != nil {
			continue
		}
		if err := n.dropProofs(ctx, z); err != nil {
			n.d.Log.Warn("old proofs not removed", logkey.Zone, z.Name, logkey.Err, err)
		}
	}
	return n.serve(ctx)
}

func (n *Names) dropProofs(ctx context.Context, z zone) error {
	var old []dns.Record
	for _, r := range z.Records {
		if z.ledger.Owner(r) == OwnerACME {
			old = append(old, r)
		}
	}
	if len(old) == 0 {
		return nil
	}
	_, err := n.write(ctx, z, dns.Diff{Zone: z.Name, Owner: OwnerACME, Remove: old}) // all of them are ours, so there is nothing to plan
	return err
}

// zones reads the store. A zone that is not valid is there, broken, so that
// nothing takes its name for free.
func (n *Names) zones(ctx context.Context) ([]zone, error) {
	stored, err := n.d.Store.Zones(ctx)
	if err != nil {
		return nil, fmt.Errorf("read zones: %w", err)
	}
	zones := make([]zone, len(stored))
	for i, s := range stored {
		if zones[i], err = s.zone(); err != nil {
			zones[i] = zone{Zone: dns.Zone{Name: s.Name}, broken: appliance.Unreadable("the name "+s.Name, err)}
		}
	}
	return zones, nil
}

// containing returns the zone with the longest name that contains name.
func containing(zones []zone, name string) (zone, bool) {
	var best zone
	for _, z := range zones {
		if (name == z.Name || strings.HasSuffix(name, "."+z.Name)) && len(z.Name) > len(best.Name) {
			best = z
		}
	}
	return best, best.Name != ""
}

// apply writes a diff, serves it and verifies it at the server, or puts
// everything back and returns why.
func (n *Names) apply(ctx context.Context, z zone, d dns.Diff) error {
	if d.Empty() {
		if n.unasked(d) {
			return nil
		}
		return n.verify(ctx, d)
	}
	after, err := n.write(ctx, z, d)
	if err != nil {
		return err
	}
	err = n.serve(ctx)
	if n.unasked(d) {
		n.d.Log.Info("records removed without asking a name server: this box has none", logkey.Zone, z.Name)
		jobs.AddNote(ctx, appliance.Note{Code: appliance.NoteNameUnchecked, Args: map[string]string{"name": d.Remove[0].Name}})
	} else if err == nil {
		err = n.verify(ctx, d)
	}
	if err == nil {
		n.d.Log.Info("zone changed", logkey.Zone, z.Name, logkey.Count, len(d.Add)+len(d.Remove))
		return nil
	}
	// The way back must also be gone when the caller has given up.
	back := context.WithoutCancel(ctx)
	_, undo := n.write(back, after, d.Inverse())
	return errors.Join(err, undo, n.serve(back))
}

// unasked reports whether a diff needs no look at the server because there is
// none: without a name server on this box nobody asks it, so what only takes
// records away is done once the store has done it.
func (n *Names) unasked(d dns.Diff) bool {
	return n.d.ServerAddr() == "" && len(d.Add)+len(d.Keep) == 0
}

// write stores the zone after a diff.
func (n *Names) write(ctx context.Context, z zone, d dns.Diff) (zone, error) {
	after, err := dns.Apply(z.Zone, d, n.d.Now())
	if err != nil {
		return zone{}, err
	}
	next := zone{Zone: after, ledger: z.ledger.Apply(d)}
	if err := n.d.Store.ReplaceZone(ctx, next.stored()); err != nil {
		return zone{}, fmt.Errorf("store zone %s: %w", z.Name, err)
	}
	return next, nil
}

// serve gives what is in the store to the server.
func (n *Names) serve(ctx context.Context) error {
	zones, err := n.zones(ctx)
	if err != nil {
		return err
	}
	var plain []dns.Zone
	var broken []appliance.Trouble
	for _, z := range zones {
		if z.broken != nil {
			broken = append(broken, appliance.Trouble{Kind: appliance.TroubleZone, Name: z.Name, Err: z.broken})
			continue
		}
		plain = append(plain, z.Zone)
	}
	n.d.Report(broken)
	if err := n.d.Server.SetZones(plain); err != nil {
		return fmt.Errorf("serve zones: %w", err)
	}
	return nil
}

// addresses returns the records that lead name to this box.
func (n *Names) addresses(name string, ttl uint32) ([]dns.Record, error) {
	addrs := n.d.PublicAddrs()
	if len(addrs) == 0 {
		return nil, noAddress()
	}
	var records []dns.Record
	for _, a := range addrs {
		r, err := dns.AddressRecord(name, ttl, a)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(records, r) {
			records = append(records, r)
		}
	}
	slices.SortFunc(records, dns.Compare)
	return records, nil
}
