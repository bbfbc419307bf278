// SPDX-License-Identifier: AGPL-3.0-or-later

package controltest

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"coopkit/appliance"
	"coopkit/internal/hostname"
	"coopkit/internal/problem"
)

const boxAddress = "192.0.2.7"

// Names implements control.Backend.
func (f fakeNames) Zones(ctx context.Context) ([]appliance.Zone, error) {
	defer f.mu.Unlock()
	if err := f.enter(ctx, "Names"); err != nil {
		return nil, err
	}
	names := []appliance.Zone{}
	for _, z := range f.zones {
		names = append(names, appliance.Zone{Zone: z, Serial: 2026112301, Records: f.records(z)})
	}
	return names, nil
}

func (f *Fake) records(zone string) []appliance.Record {
	records := []appliance.Record{{Name: zone, Type: "NS", TTL: 3600, Data: "ns1." + zone + ".", Owner: "zone"}}
	for _, a := range slices.Sorted(maps.Keys(f.apps)) {
		if host := f.apps[a].Addresses[0]; host.Within(hostname.Name(zone)) {
			records = append(records, appliance.Record{Name: string(host), Type: "A", TTL: 300, Data: boxAddress, Owner: "app:" + string(a)})
		}
	}
	return records
}

// PlanAddName implements control.Backend.
func (f fakeNames) PlanAddZone(ctx context.Context, req appliance.ZoneChange) (appliance.Plan, error) {
	zone := req.Zone
	defer f.mu.Unlock()
	if err := f.enter(ctx, "PlanAddName"); err != nil {
		return appliance.Plan{}, err
	}
	return f.planAddName(zone)
}

func (f *Fake) planAddName(zone string) (appliance.Plan, error) {
	z, err := hostname.Parse(zone)
	if err != nil {
		return appliance.Plan{}, err
	}
	if slices.Contains(f.zones, string(z)) {
		return appliance.Plan{}, fault("zone-exists", problem.Conflict,
			string(z)+" is on this box already", "coopkit name show "+string(z))
	}
	return appliance.Plan{
		Kind: appliance.ChangeAddName, Subject: "zone:" + string(z),
		Lines: []appliance.Line{
			{Verb: appliance.VerbCreate, Kind: appliance.KindZone, Name: string(z)},
			{Verb: appliance.VerbCreate, Kind: appliance.KindNameServer, Name: "ns1." + string(z)},
		},
		Notes: []appliance.Note{
			{Code: appliance.NoteDelegate, Args: map[string]string{"name": string(z)}},
			{Code: appliance.NoteGlueRecord, Args: map[string]string{"record": "ns1." + string(z) + ". 300 A " + boxAddress}},
		},
		WayBack: appliance.Note{Code: appliance.BackRemoveName, Command: "coopkit name remove " + string(z)},
	}.Seal(), nil
}

// AddName implements control.Backend.
func (f fakeNames) AddZone(ctx context.Context, req appliance.ZoneChange) (appliance.Job, error) {
	zone, planHash := req.Zone, req.PlanHash
	defer f.mu.Unlock()
	if err := f.enter(ctx, "AddName"); err != nil {
		return appliance.Job{}, err
	}
	p, err := f.planAddName(zone)
	if err != nil {
		return appliance.Job{}, err
	}
	if err := p.Agreed(planHash); err != nil {
		return appliance.Job{}, err
	}
	return f.start(appliance.ChangeAddName, p.Subject, func() { f.zones = append(f.zones, zone) }, appliance.StepAddZone, appliance.StepVerifyZone), nil
}

// PlanRemoveName implements control.Backend.
func (f fakeNames) PlanRemoveZone(ctx context.Context, req appliance.ZoneChange) (appliance.Plan, error) {
	zone := req.Zone
	defer f.mu.Unlock()
	if err := f.enter(ctx, "PlanRemoveName"); err != nil {
		return appliance.Plan{}, err
	}
	return f.planRemoveName(zone)
}

func (f *Fake) planRemoveName(zone string) (appliance.Plan, error) {
	if !slices.Contains(f.zones, zone) {
		return appliance.Plan{}, unknown("no-such-zone", fmt.Sprintf("the zone %q is not on this box", zone), "coopkit name list")
	}
	return appliance.Plan{
		Kind: appliance.ChangeRemoveName, Subject: "zone:" + zone,
		Lines:   []appliance.Line{{Verb: appliance.VerbRemove, Kind: appliance.KindZone, Name: zone, Destructive: true}},
		WayBack: appliance.Note{Code: appliance.BackZoneFile, Args: map[string]string{"folder": "/var/lib/coopkit/zones"}},
	}.Seal(), nil
}

// RemoveName implements control.Backend.
func (f fakeNames) RemoveZone(ctx context.Context, req appliance.ZoneChange) (appliance.Job, error) {
	zone, planHash := req.Zone, req.PlanHash
	defer f.mu.Unlock()
	if err := f.enter(ctx, "RemoveName"); err != nil {
		return appliance.Job{}, err
	}
	p, err := f.planRemoveName(zone)
	if err != nil {
		return appliance.Job{}, err
	}
	if err := p.Agreed(planHash); err != nil {
		return appliance.Job{}, err
	}
	return f.start(appliance.ChangeRemoveName, p.Subject, func() {
		f.zones = slices.DeleteFunc(f.zones, func(z string) bool { return z == zone })
	}, appliance.StepKeepZone, appliance.StepRemoveZone), nil
}

// CheckName implements control.Backend.
func (f fakeNames) Check(ctx context.Context, host string) (appliance.NameCheck, error) {
	defer f.mu.Unlock()
	if err := f.enter(ctx, "CheckName"); err != nil {
		return appliance.NameCheck{}, err
	}
	h, err := hostname.Parse(host)
	if err != nil {
		return appliance.NameCheck{}, err
	}
	if c, ok := f.checks[string(h)]; ok {
		return c, nil
	}
	c := appliance.NameCheck{Host: string(h), Want: []string{boxAddress}, Found: []string{}, Server: "127.0.0.1:5453"}
	if slices.Contains(f.hosts(), h) {
		c.Found, c.OK = c.Want, true
	} else {
		c.Problem = "there is no such name"
	}
	return c, nil
}

// SetCheck makes this the result of looking a host up.
func (f *Fake) SetCheck(c appliance.NameCheck) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.checks[c.Host] = c
}

// SetDelegation makes these the name servers that the world is sent to for a
// zone; without it there are none.
func (f *Fake) SetDelegation(zone string, servers ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.delegated[zone] = servers
}

// CheckZone implements control.Backend.
func (f fakeNames) CheckZone(ctx context.Context, zone string) (appliance.ZoneCheck, error) {
	defer f.mu.Unlock()
	if err := f.enter(ctx, "CheckZone"); err != nil {
		return appliance.ZoneCheck{}, err
	}
	if !slices.Contains(f.zones, zone) {
		return appliance.ZoneCheck{}, unknown("no-such-zone", fmt.Sprintf("the zone %q is not on this box", zone), "coopkit name list")
	}
	c := appliance.ZoneCheck{Zone: zone, Want: []string{"ns1." + zone}, Found: append([]string{}, f.delegated[zone]...)}
	c.OK = slices.Equal(c.Want, c.Found)
	return c, nil
}

// Redirects implements control.Backend.
func (f fakeRedirects) List(ctx context.Context) ([]appliance.Address, error) {
	defer f.mu.Unlock()
	if err := f.enter(ctx, "Redirects"); err != nil {
		return nil, err
	}
	list := []appliance.Address{}
	for _, host := range slices.Sorted(maps.Keys(f.redirects)) {
		list = append(list, appliance.Address{Host: host, Kind: appliance.ToRedirect, Target: f.redirects[host]})
	}
	return list, nil
}

// AddRedirect implements control.Backend.
func (f fakeRedirects) Add(ctx context.Context, req appliance.Redirect) (appliance.Job, error) {
	host, target := req.Host, req.Target
	defer f.mu.Unlock()
	if err := f.enter(ctx, "AddRedirect"); err != nil {
		return appliance.Job{}, err
	}
	h, err := hostname.Parse(host)
	if err != nil {
		return appliance.Job{}, err
	}
	return f.start(appliance.ChangeAddRedirect, "redirect:"+string(h), func() { f.redirects[h] = target }, appliance.StepDoor), nil
}

// RemoveRedirect implements control.Backend.
func (f fakeRedirects) Remove(ctx context.Context, host string) (appliance.Job, error) {
	defer f.mu.Unlock()
	if err := f.enter(ctx, "RemoveRedirect"); err != nil {
		return appliance.Job{}, err
	}
	h := hostname.Name(host)
	if _, ok := f.redirects[h]; !ok {
		return appliance.Job{}, unknown("redirect-unknown", fmt.Sprintf("there is no redirect at %q", host), "coopkit redirect list")
	}
	return f.start(appliance.ChangeRemoveRedirect, "redirect:"+host, func() { delete(f.redirects, h) }, appliance.StepClose), nil
}
