// SPDX-License-Identifier: AGPL-3.0-or-later

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
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	mdns "github.com/miekg/dns"

	"coopkit/appliance"
	"coopkit/appliance/jobs"
	"coopkit/dns"
	"coopkit/dns/server"
	"coopkit/internal/hostname"
	"coopkit/internal/problem"
)

// memStore is a Store in memory. It can be made to fail.
type memStore struct {
	mu    sync.Mutex
	zones map[string]StoredZone
	fail  error
}

func (m *memStore) Zones(context.Context) ([]StoredZone, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []StoredZone
	for _, z := range m.zones {
		out = append(out, z)
	}
	slices.SortFunc(out, func(a, b StoredZone) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

func (m *memStore) ReplaceZone(_ context.Context, z StoredZone) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail == nil {
		m.zones[z.Name] = z
	}
	return m.fail
}

func (m *memStore) DeleteZone(_ context.Context, name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail == nil {
		delete(m.zones, name)
	}
	return m.fail
}

// box is Names with a real server.
type box struct {
	*Names
	store *memStore
	addr  string
	addrs []netip.Addr
	deaf  bool // the server does not take new zones
	srv   *server.Server
}

func (b *box) SetZones(zones []dns.Zone) error {
	if b.deaf {
		return nil
	}
	return b.srv.SetZones(zones)
}

func newBox(t *testing.T) *box {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	b := &box{
		store: &memStore{zones: map[string]StoredZone{}},
		addrs: []netip.Addr{netip.MustParseAddr("192.0.2.7"), netip.MustParseAddr("2001:db8::7")},
		srv:   server.New(server.Config{Listen: []string{"127.0.0.1:0"}, Log: log}),
	}
	if err := b.srv.Listen(); err != nil {
		t.Fatal(err)
	}
	b.addr = b.srv.Addrs()[0]
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- b.srv.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	b.Names = New(Deps{
		Store: b.store, Server: b, Log: log, Dir: t.TempDir(),
		Now:         func() time.Time { return time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC) },
		PublicAddrs: func() []netip.Addr { return b.addrs },
		ServerAddr:  func() string { return b.addr },
		LookUp: func(_ context.Context, host string) ([]netip.Addr, error) {
			if host == "here.example" {
				return b.addrs[:1], nil
			}
			return nil, nil
		},
	})
	return b
}

// runJob does all steps.
func runJob(t *testing.T, steps []jobs.Step) error {
	t.Helper()
	for _, s := range steps {
		if err := s.Do(t.Context(), appliance.Quiet{}); err != nil {
			return err
		}
	}
	return nil
}

// withZone adds demo.example.
func (b *box) withZone(t *testing.T) *box {
	t.Helper()
	if err := runJob(t, b.addZoneSteps("demo.example")); err != nil {
		t.Fatal(err)
	}
	return b
}

// answer returns what the server answers, as "data data".
func (b *box) answer(t *testing.T, name, typ string) string {
	t.Helper()
	a, err := mdns.Exchange(new(mdns.Msg).SetQuestion(name+".", mdns.StringToType[typ]), b.addr)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, rr := range a.Answer {
		out = append(out, strings.TrimPrefix(rr.String(), rr.Header().String()))
	}
	return strings.Join(out, " ")
}

func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	if p, ok := errors.AsType[*problem.Problem](err); !ok || p.Code != code || len(p.Next) == 0 {
		t.Errorf("got %v; want the problem %s", err, code)
	}
}

func TestEnsureHost_inAZoneOfThisBox(t *testing.T) {
	b := newBox(t).withZone(t)
	lines, notes, err := b.PlanHost(t.Context(), "www.demo.example", "app:wordpress")
	if err != nil || len(notes) != 0 {
		t.Errorf("%v, %v", notes, err)
	}
	if diff := cmp.Diff([]appliance.Line{
		{Verb: appliance.VerbCreate, Kind: appliance.KindRecord, Name: "www.demo.example", To: "300 A 192.0.2.7"},
		{Verb: appliance.VerbCreate, Kind: appliance.KindRecord, Name: "www.demo.example", To: "300 AAAA 2001:db8::7"},
	}, lines); diff != "" {
		t.Error(diff)
	}
	for range 2 {
		if err := b.EnsureHost(t.Context(), "www.demo.example", "app:wordpress"); err != nil {
			t.Fatal(err)
		}
	}
	if got := b.answer(t, "www.demo.example", "A") + " " + b.answer(t, "www.demo.example", "AAAA"); got != "192.0.2.7 2001:db8::7" {
		t.Errorf("the server answers %q", got)
	}
	if got := b.store.zones["demo.example"].Serial; got != 2026112302 {
		t.Errorf("serial %d: ensured twice, changed once", got)
	}
	c, err := b.Check(t.Context(), "www.demo.example")
	if err != nil || !c.OK || c.Server != b.addr {
		t.Errorf("%+v, %v", c, err)
	}
	if err := b.EnsureHost(t.Context(), "www.demo.example", "site:x"); err != nil { // there as wanted: kept, not owned
		t.Error(err)
	}
}

func TestEnsureHost_followsTheBoxToItsNewAddress(t *testing.T) {
	b := newBox(t).withZone(t)
	if err := b.EnsureHost(t.Context(), "www.demo.example", "app:x"); err != nil {
		t.Fatal(err)
	}
	b.addrs = []netip.Addr{netip.MustParseAddr("192.0.2.99")}
	if c, err := b.Check(t.Context(), "www.demo.example"); err != nil || c.OK || !strings.Contains(c.Problem, "instead of this box") {
		t.Errorf("%+v, %v", c, err)
	}
	n, err := b.Refresh(t.Context())
	if err != nil || n != 2 { // the app's name and the name server's
		t.Errorf("%d names changed, %v", n, err)
	}
	if got := b.answer(t, "www.demo.example", "A") + b.answer(t, "www.demo.example", "AAAA") + " " + b.answer(t, "ns1.demo.example", "A"); got != "192.0.2.99 192.0.2.99" {
		t.Errorf("the server answers %q", got)
	}
	if n, err := b.Refresh(t.Context()); n != 0 || err != nil {
		t.Errorf("again: %d, %v", n, err)
	}
	b.addrs = nil
	wantCode(t, b.EnsureHost(t.Context(), "www.demo.example", "app:x"), "no-public-address")
}

// TestRefresh_movesALargeZone: each name is a plan of its own, so that the guard
// against large changes does not stop a box that moves.
func TestRefresh_movesALargeZone(t *testing.T) {
	b := newBox(t).withZone(t)
	for i := range 12 {
		if err := b.EnsureHost(t.Context(), hostname.Name(fmt.Sprintf("h%d.demo.example", i)), "app:x"); err != nil {
			t.Fatal(err)
		}
	}
	b.addrs = []netip.Addr{netip.MustParseAddr("192.0.2.99")}
	if n, err := b.Refresh(t.Context()); err != nil || n != 13 {
		t.Errorf("%d names changed, %v", n, err)
	}
	if got := b.answer(t, "h7.demo.example", "A") + b.answer(t, "h7.demo.example", "AAAA"); got != "192.0.2.99" {
		t.Errorf("the server answers %q", got)
	}
}

func TestEnsureHost_leavesOthersAlone(t *testing.T) {
	b := newBox(t).withZone(t)
	s := b.store.zones["demo.example"]
	s.Records = append(s.Records, appliance.Record{Name: "www.demo.example", Type: "A", TTL: 300, Data: "198.51.100.9", Owner: dns.You})
	b.store.zones["demo.example"] = s
	if err := b.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, _, err := b.PlanHost(t.Context(), "www.demo.example", "app:x")
	wantCode(t, err, "record-in-the-way")
	wantCode(t, b.EnsureHost(t.Context(), "www.demo.example", "app:x"), "record-in-the-way")
	if err := b.RemoveHost(t.Context(), "www.demo.example", "app:x"); err != nil {
		t.Error(err)
	}
	if got := b.answer(t, "www.demo.example", "A"); got != "198.51.100.9" {
		t.Errorf("the server answers %q", got)
	}
}

func TestEnsureHost_elsewhereIsGuided(t *testing.T) {
	b := newBox(t)
	lines, notes, err := b.PlanHost(t.Context(), "www.other.example", "app:x")
	args := map[string]string{"name": "www.other.example"}
	want := []appliance.Note{
		{Code: appliance.NoteSetRecords, Args: args},
		{Code: appliance.NoteRecord, Args: map[string]string{"record": "www.other.example. 3600 A 192.0.2.7"}},
		{Code: appliance.NoteRecord, Args: map[string]string{"record": "www.other.example. 3600 AAAA 2001:db8::7"}},
		{Code: appliance.NoteCheckName, Args: args, Command: "coopkit name check www.other.example"},
	}
	if diff := cmp.Diff(want, notes); diff != "" || err != nil || len(lines) != 0 {
		t.Errorf("%v, %v, %s", lines, err, diff)
	}
	if err := b.EnsureHost(t.Context(), "www.other.example", "app:x"); err != nil {
		t.Error(err)
	}
	if c, err := b.Check(t.Context(), "here.example"); err != nil || !c.OK {
		t.Errorf("%+v, %v", c, err)
	}
	if c, err := b.Check(t.Context(), "www.other.example"); err != nil || c.OK || !strings.Contains(c.Problem, "no address yet") {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestChanges_returnWhenTheServerDoesNotAnswerThem(t *testing.T) {
	b := newBox(t).withZone(t)
	before := b.store.zones["demo.example"].Records
	b.deaf = true
	err := b.EnsureHost(t.Context(), "www.demo.example", "app:x")
	wantCode(t, err, "name-not-verified")
	wantCode(t, b.SetTXT(t.Context(), "_acme-challenge.demo.example", "x"), "name-not-verified")
	b.deaf = false
	if diff := cmp.Diff(before, b.store.zones["demo.example"].Records); diff != "" {
		t.Error(diff)
	}
	b.store.fail = errors.New("disk full")
	if err := b.EnsureHost(t.Context(), "www.demo.example", "app:x"); !errors.Is(err, b.store.fail) {
		t.Errorf("got %v", err)
	}
	b.store.fail = nil
	if got := b.answer(t, "www.demo.example", "A"); got != "" {
		t.Errorf("the server answers %q", got)
	}
}

func TestTXT(t *testing.T) {
	b := newBox(t).withZone(t)
	const name = "_acme-challenge.www.demo.example"
	for _, v := range []string{"one", "two", "two"} {
		if err := b.SetTXT(t.Context(), name, v); err != nil {
			t.Fatal(err)
		}
	}
	if got := b.answer(t, name, "TXT"); got != `"one" "two"` {
		t.Errorf("the server answers %s", got)
	}
	for range 2 {
		if err := b.RemoveTXT(t.Context(), name, "one"); err != nil {
			t.Fatal(err)
		}
	}
	if got := b.answer(t, name, "TXT"); got != `"two"` {
		t.Errorf("the server answers %s", got)
	}
	if err := b.Load(t.Context()); err != nil { // as after a crash in the middle of an order
		t.Fatal(err)
	}
	if got := b.answer(t, name, "TXT"); got != "" {
		t.Errorf("after a new start the server answers %s", got)
	}
	wantCode(t, b.SetTXT(t.Context(), "_acme-challenge.other.example", "x"), "name-not-here")
}

func TestTXT_followsCNAMEs(t *testing.T) {
	b := newBox(t).withZone(t)
	if err := runJob(t, b.addZoneSteps("proofs.example")); err != nil {
		t.Fatal(err)
	}
	s := b.store.zones["demo.example"]
	for i, target := range []string{"x.proofs.example.", "far.elsewhere.example.", "_acme-challenge.h2.demo.example."} {
		s.Records = append(s.Records, appliance.Record{Name: fmt.Sprintf("_acme-challenge.h%d.demo.example", i), Type: "CNAME", TTL: 300, Data: target, Owner: dns.You})
	}
	b.store.zones["demo.example"] = s
	if err := b.SetTXT(t.Context(), "_acme-challenge.h0.demo.example", "x"); err != nil {
		t.Fatal(err)
	}
	if got := b.answer(t, "x.proofs.example", "TXT"); got != `"x"` {
		t.Errorf("the server answers %s", got)
	}
	wantCode(t, b.SetTXT(t.Context(), "_acme-challenge.h1.demo.example", "x"), "name-not-here")
	wantCode(t, b.SetTXT(t.Context(), "_acme-challenge.h2.demo.example", "x"), "name-not-here")
}

func TestZones_longestNameWins(t *testing.T) {
	b := newBox(t).withZone(t)
	if err := runJob(t, b.addZoneSteps("sub.demo.example")); err != nil {
		t.Fatal(err)
	}
	if err := b.EnsureHost(t.Context(), "www.sub.demo.example", "app:x"); err != nil {
		t.Fatal(err)
	}
	zones, err := b.Zones(t.Context())
	if err != nil || len(zones) != 2 || len(zones[0].Records) != 4 || len(zones[1].Records) != 6 {
		t.Errorf("%+v, %v", zones, err)
	}
	for host, want := range map[string]string{"demo.example": "demo.example", "a.sub.demo.example": "sub.demo.example", "xdemo.example": "", "example": ""} {
		all, err := b.zones(t.Context())
		if got, _ := containing(all, host); got.Name != want || err != nil {
			t.Errorf("%s is in %q, %v", host, got.Name, err)
		}
	}
	if all := zones[0].Records; all[0].Type != "SOA" || all[0].Owner != OwnerZone || all[1].Type != "NS" || all[2].Owner != OwnerZone {
		t.Errorf("All: %+v", all)
	}
}
