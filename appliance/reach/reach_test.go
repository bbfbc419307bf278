// SPDX-License-Identifier: AGPL-3.0-or-later

package reach

import (
	"context"
	"errors"
	"net/netip"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"coopkit/appliance"
)

var now = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

func at(addrs ...string) []netip.Addr {
	out := make([]netip.Addr, len(addrs))
	for i, a := range addrs {
		out[i] = netip.MustParseAddr(a)
	}
	return out
}

// good are the facts of an address that everybody can open.
func good() Facts {
	return Facts{
		Host: "www.demo.coop", Serves: true, Listens: at("::"), NameServer: at("::"), Addresses: at("192.0.2.7"),
		Found: Found{
			At:   now,
			Host: appliance.NameCheck{Want: []string{"192.0.2.7"}, OK: true},
			Zone: &appliance.ZoneCheck{Zone: "demo.coop", Want: []string{"ns1.demo.coop"}, Found: []string{"ns1.demo.coop"}, OK: true},
		},
		Certificate: appliance.Certificate{NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour)},
	}
}

func TestJudge(t *testing.T) {
	for name, c := range map[string]struct {
		but   func(*Facts)
		want  appliance.Reach
		which string
	}{
		"open":                        {func(*Facts) {}, appliance.ReachOpen, ""},
		"open, managed elsewhere":     {func(f *Facts) { f.Found.Zone = nil }, appliance.ReachOpen, ""},
		"open, a second name server":  {func(f *Facts) { f.Found.Zone.Found, f.Found.Zone.OK = []string{"ns.other", "ns1.demo.coop"}, false }, appliance.ReachOpen, ""},
		"stopped":                     {func(f *Facts) { f.Serves = false }, appliance.ReachClosed, ""},
		"no listener":                 {func(f *Facts) { f.Listens = nil }, appliance.ReachClosed, ""},
		"no certificate":              {func(f *Facts) { f.Certificate = appliance.Certificate{} }, appliance.ReachClosed, ""},
		"stopped and not switched":    {func(f *Facts) { f.Serves, f.Found.Zone.Found = false, nil }, appliance.ReachClosed, ""},
		"own authority":               {func(f *Facts) { f.Certificate.Private = true }, appliance.ReachWarned, ""},
		"certificate has ended":       {func(f *Facts) { f.Certificate.NotAfter = now }, appliance.ReachWarned, ""},
		"listens on loopback":         {func(f *Facts) { f.Listens = at("127.0.0.1") }, appliance.ReachInside, ""},
		"leads to the local network":  {func(f *Facts) { f.Addresses = at("192.168.1.7", "fd00::7", "100.64.0.9") }, appliance.ReachInside, ""},
		"also leads to the Internet":  {func(f *Facts) { f.Addresses = at("192.168.1.7", "192.0.2.7") }, appliance.ReachOpen, ""},
		"a name for inside":           {func(f *Facts) { f.Host, f.Found.Zone.Found = "wiki.box.internal", nil }, appliance.ReachInside, ""},
		"own name server on loopback": {func(f *Facts) { f.NameServer, f.Found.Zone.Found = at("127.0.0.1"), nil }, appliance.ReachInside, ""},
		"not switched over":           {func(f *Facts) { f.Found.Zone.Found = []string{"ns.registrar.example"} }, appliance.ReachNotSwitched, "demo.coop"},
		"nobody is asked":             {func(f *Facts) { f.Found.Zone.Found = nil }, appliance.ReachNotSwitched, "demo.coop"},
		"not switched, own authority": {func(f *Facts) { f.Found.Zone.Found, f.Certificate.Private = nil, true }, appliance.ReachNotSwitched, "demo.coop"},
		"leads elsewhere":             {func(f *Facts) { f.Found.Zone, f.Found.Host.OK = nil, false }, appliance.ReachNotSwitched, "www.demo.coop"},
		"switched, record is wrong":   {func(f *Facts) { f.Found.Host.OK = false }, appliance.ReachNotSwitched, "www.demo.coop"},
		"nobody looked":               {func(f *Facts) { f.Found = Found{} }, appliance.ReachUnknown, ""},
		"no answer about the zone":    {func(f *Facts) { f.Found.Zone.Unanswered = true }, appliance.ReachUnknown, ""},
		"no answer about the host":    {func(f *Facts) { f.Found.Zone, f.Found.Host.Unanswered = nil, true }, appliance.ReachUnknown, ""},
		"own address is not known":    {func(f *Facts) { f.Found.Host = appliance.NameCheck{} }, appliance.ReachUnknown, ""},
	} {
		f := good()
		c.but(&f)
		if got, which := Judge(f, now); got != c.want || which != c.which {
			t.Errorf("%s: %s %q, want %s %q", name, got, which, c.want, c.which)
		}
	}
}

// servers are name servers that count how often they are asked.
type servers struct {
	hosts, zones atomic.Int64
	down         atomic.Bool
}

func (s *servers) Check(context.Context, string) (appliance.NameCheck, error) {
	s.hosts.Add(1)
	if s.down.Load() {
		return appliance.NameCheck{}, errors.New("down")
	}
	return appliance.NameCheck{OK: true}, nil
}

func (s *servers) CheckZone(_ context.Context, zone string) (appliance.ZoneCheck, error) {
	s.zones.Add(1)
	return appliance.ZoneCheck{Zone: zone, OK: true}, nil
}

func TestLooker_asksOnceAndAgainBehindTheBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &servers{}
		l := NewLooker(s, time.Now)
		hosts := map[string]string{"a.demo.coop": "demo.coop", "b.demo.coop": "demo.coop", "c.example.org": ""}
		for range 3 {
			if f := l.Find(t.Context(), hosts, false); !f["a.demo.coop"].Zone.OK || !f["b.demo.coop"].Host.OK || f["c.example.org"].Zone != nil {
				t.Fatalf("%+v", f)
			}
		}
		if s.hosts.Load() != 3 || s.zones.Load() != 1 {
			t.Errorf("asked for %d hosts and %d zones", s.hosts.Load(), s.zones.Load())
		}
		s.down.Store(true)
		time.Sleep(goodFor + time.Second) //nolint:forbidigo // the bubble's clock
		if f := l.Find(t.Context(), hosts, false); f["a.demo.coop"].Host.Unanswered {
			t.Error("it waited for a look")
		}
		synctest.Wait()
		if f := l.Find(t.Context(), hosts, false); !f["a.demo.coop"].Host.Unanswered || s.hosts.Load() != 6 {
			t.Errorf("%+v after %d", f, s.hosts.Load())
		}
		s.down.Store(false)
		if f := l.Find(t.Context(), hosts, true); f["a.demo.coop"].Host.Unanswered {
			t.Error("a fresh look was not one")
		}
		hosts["d.demo.coop"] = "demo.coop"
		if f := l.Find(t.Context(), hosts, false); !f["d.demo.coop"].Host.OK {
			t.Error("a new host was not looked up")
		}
	})
}
