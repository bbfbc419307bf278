// SPDX-License-Identifier: AGPL-3.0-or-later

package store

import (
	"errors"
	"flag"
	"log/slog"
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	"coopkit/desk"
	"coopkit/desk/wire"
	"coopkit/internal/problem"
	"coopkit/internal/signin"
	"coopkit/internal/testkit"
)

// The records of a desk as each released program left them; "A release" in
// docs/contributing/checklists.md says when to write the next one.
var dumpName = flag.String("dump", "", "write the records of this program as test data under this name")

// TestDump_opens: what an earlier program left migrates, is sound, and a desk
// knows its co-ops, boxes, findings, history, invitations and people, and takes
// reports.
func TestDump_opens(t *testing.T) {
	testkit.Dumps(t, filepath.Join("testdata", "dumps"), func(t *testing.T, _, path string) { //nolint:thelper // it is the test
		r := &rig{tb: t, path: path, clock: newClock()}
		r.clock.pass(2 * time.Hour)
		r.start()
		t.Cleanup(func() { r.stop() })
		var verdict string
		if err := r.db.Read().QueryRowContext(t.Context(), `PRAGMA integrity_check`).Scan(&verdict); err != nil || verdict != "ok" {
			t.Errorf("integrity: %s, %v", verdict, err)
		}
		v := r.as(desk.Coordinator, "")
		fleet, err := v.Fleet(t.Context(), FleetFilter{Page: 1})
		if err != nil || len(fleet.Rows) != 2 || len(fleet.Findings) == 0 {
			t.Fatalf("fleet %+v, %v", fleet, err)
		}
		for _, row := range fleet.Rows {
			hours, historyErr := v.History(t.Context(), row.ID, r.clock.Now().Add(-24*time.Hour))
			events, eventsErr := v.Events(t.Context(), row.ID, 10)
			got, err := v.Box(t.Context(), row.ID)
			if err := errors.Join(historyErr, eventsErr, err); err != nil || len(hours)*len(events) == 0 || got.Entries == 0 || row.Version == "" {
				t.Errorf("box %+v with %d hours and %d events, %v", got, len(hours), len(events), err)
			}
		}
		invitations, inviteErr := v.Invitations(t.Context(), 1)
		people, peopleErr := v.People(t.Context())
		if err := errors.Join(inviteErr, peopleErr); err != nil || len(invitations.Rows) == 0 || len(people) != 1 {
			t.Errorf("%+v, %+v, %v", invitations, people, err)
		}
		r.box("new", "bakery", "kestrel").send(sample(1))
	})
}

// TestDump_write makes the dump of this program.
func TestDump_write(t *testing.T) {
	if *dumpName == "" {
		t.Skip("go test ./desk/store -run TestDump_write -dump VERSION")
	}
	r := open(t)
	mill, cafe := r.box("mill", "bakery", "kestrel"), r.box("café", "bakery", "")
	for minute := range 70 {
		mill.send(sample(float64(minute)), finding("DISK-NEARLY-FULL", []string{"notice", "warning"}[minute/40]))
		cafe.send(sample(1), wire.Entry{Open: &[]wire.Finding{}})
		r.clock.pass(time.Minute)
		if err := r.keepHouse(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := r.as(desk.Coordinator, "").Invite(t.Context(), r.code(), Invite{Coop: "bakery"}); err != nil {
		t.Fatal(err)
	}
	s := signin.New(signin.Deps{Store: r.Signin(), Now: r.clock.Now, Log: slog.New(slog.DiscardHandler), Cookie: "coopkit-desk"})
	jonas, err := s.AddPerson(t.Context(), signin.NewPerson{Name: "jonas", Password: "maple lantern otter", Coop: "kestrel", Role: string(desk.Technician)})
	if err != nil {
		t.Fatal(err)
	}
	from := signin.Client{Addr: netip.MustParseAddr("192.0.2.9"), Browser: "Firefox"}
	_, _, signedIn := s.SignIn(t.Context(), "jonas", "maple lantern otter", from)
	_, tokenErr := s.NewToken(t.Context(), jonas.ID, time.Hour)
	_, _, wrong := s.SignIn(t.Context(), "bo", "not the password", from)
	if err := errors.Join(signedIn, tokenErr); err != nil || !errors.Is(wrong, &problem.Problem{Code: "signin-wrong"}) {
		t.Fatal(err, wrong)
	}
	r.stop()
	testkit.WriteDump(t, filepath.Join("testdata", "dumps"), *dumpName, r.path)
}
