// SPDX-License-Identifier: AGPL-3.0-or-later

package store

import (
	"crypto/rand"
	"database/sql"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"coopkit/desk"
	"coopkit/desk/wire"
)

func (r *rig) code() wire.Invitation {
	code := wire.Invitation{Desk: "https://desk.example"}
	_, _ = rand.Read(code.Secret[:])
	return code
}

// Every method of a View is called here as somebody who must not see the box.
func TestView_strangersSeeNothing(t *testing.T) {
	r := open(t)
	if err := r.as(desk.Coordinator, "").AddCoop(t.Context(), desk.Coop{ID: "other", Name: "Other", ITCoop: true}); err != nil {
		t.Fatal(err)
	}
	b := r.box("mill", "bakery", "kestrel")
	b.send(sample(1), finding("DISK-NEARLY-FULL", "warning"))
	ctx := t.Context()
	for _, who := range []desk.Principal{
		{Person: "a", Coop: "other", Role: desk.Technician},
		{Person: "b", Coop: "other", Role: desk.Member},
		{Person: "c", Role: desk.Technician},
		{Person: "d", Role: desk.Member},
		{},
		{Role: "made-up", Coop: "other"},
	} {
		v := r.As(who)
		if f, err := v.Fleet(ctx, FleetFilter{Q: "disk-nearly-full", Coop: "bakery"}); err != nil || f.Boxes != 0 || len(f.Rows) != 0 || len(f.Findings) != 0 || len(f.Versions) != 0 || len(f.Levels) != 0 {
			t.Errorf("%+v sees the fleet %+v, %v", who, f, err)
		}
		_, err := v.Box(ctx, b.id)
		_, missing := v.Box(ctx, "aaaaaaaaaaaa")
		isProblem(t, err, "box-unknown")
		if err.Error() != missing.Error() {
			t.Errorf("a foreign box is told from one that does not exist: %v, %v", err, missing)
		}
		_, err = v.History(ctx, b.id, r.clock.Now().Add(-time.Hour))
		isProblem(t, err, "box-unknown")
		_, err = v.Events(ctx, b.id, 10)
		isProblem(t, err, "box-unknown")
		_, err = v.Week(ctx, b.id)
		isProblem(t, err, "box-unknown")
		isProblem(t, v.Confirm(ctx, b.id), "box-unknown")
		isProblem(t, v.Restored(ctx, b.id), "box-unknown")
		isProblem(t, v.RemoveBox(ctx, b.id), "box-unknown")
		isProblem(t, v.AddCoop(ctx, desk.Coop{ID: "mine", Name: "Mine"}), "not-allowed")
		isProblem(t, v.MayManage(), "not-allowed")
		coops, err := v.Coops(ctx)
		if err != nil {
			t.Error(err)
		}
		for _, c := range coops {
			if c.ID != who.Coop {
				t.Errorf("%+v sees the co-op %+v", who, c)
			}
		}
		if invitations, err := v.Invitations(ctx, 1); err == nil && len(invitations.Rows) != 0 {
			t.Errorf("%+v sees invitations %+v", who, invitations)
		}
		if _, err := v.Invite(ctx, r.code(), Invite{Coop: "bakery", Caretaker: "other"}); who.Role == desk.Technician && who.Coop != "" {
			isProblem(t, err, "coop-unknown")
		} else if err == nil {
			t.Errorf("%+v invited a box of the bakery", who)
		}
	}
	if got := r.count(`SELECT count(*) FROM invitation`); got != 1 {
		t.Errorf("there are %d invitations", got)
	}
}

func TestView_rolesInTheirScope(t *testing.T) {
	r := open(t)
	b := r.box("mill", "bakery", "kestrel")
	ctx := t.Context()
	for _, v := range []*View{r.as(desk.Member, "bakery"), r.as(desk.Member, "kestrel")} {
		if f, err := v.Fleet(ctx, FleetFilter{}); err != nil || f.Boxes != 1 {
			t.Errorf("a member sees %d boxes, %v", f.Boxes, err)
		}
		isProblem(t, v.RemoveBox(ctx, b.id), "not-allowed")
		_, err := v.Invite(ctx, r.code(), Invite{Coop: "bakery"})
		isProblem(t, err, "not-allowed")
	}
	tech := r.as(desk.Technician, "kestrel")
	if i, err := tech.Invite(ctx, r.code(), Invite{Coop: "bakery", Caretaker: "kestrel"}); err != nil || !i.Expires.Equal(i.Created.Add(time.Hour)) {
		t.Errorf("a caretaker invites: %+v, %v", i, err)
	}
	for want, i := range map[string]Invite{
		"coop-unknown":        {Coop: "bakery"},
		"caretaker-unknown":   {Coop: "kestrel", Caretaker: "bakery"},
		"invitation-too-long": {Coop: "kestrel", Valid: 25 * time.Hour},
		"not-allowed":         {Coop: "kestrel", Confirmed: true},
	} {
		_, err := tech.Invite(ctx, r.code(), i)
		isProblem(t, err, want)
	}
	_, err := r.as(desk.Technician, "bakery").Invite(ctx, r.code(), Invite{Coop: "bakery", Caretaker: "kestrel"})
	isProblem(t, err, "caretaker-unknown") // nobody puts boxes into the fleet of others
	nobody := r.as(desk.Technician, "")
	r.box("alone", "bakery", "")
	if coops, err := nobody.Coops(ctx); err != nil || len(coops) != 0 {
		t.Errorf("without a co-op, %+v are known, %v", coops, err)
	}
	_, err = nobody.Invite(ctx, r.code(), Invite{Coop: "bakery"})
	isProblem(t, err, "coop-unknown")
	list, err := tech.Invitations(ctx, 1)
	if err != nil || len(list.Rows) != 2 {
		t.Fatalf("%+v, %v", list, err)
	}
	for _, i := range list.Rows {
		err := tech.Withdraw(ctx, i.ID)
		if i.Used.IsZero() && err != nil {
			t.Error(err)
		}
		if !i.Used.IsZero() {
			isProblem(t, err, "invitation-not-open")
		}
	}
	coordinator := r.as(desk.Coordinator, "")
	isProblem(t, coordinator.AddCoop(ctx, desk.Coop{ID: "bakery", Name: "Again"}), "coop-taken")
	isProblem(t, coordinator.AddCoop(ctx, desk.Coop{ID: "Not A Slug", Name: "Again"}), "coop-invalid")
}

func TestFleet_worstFirstAndFiltered(t *testing.T) {
	r := open(t)
	fine, warning, critical := r.box("fine", "bakery", ""), r.box("warning", "bakery", "kestrel"), r.box("critical", "kestrel", "")
	silent := r.box("silent", "bakery", "")
	silent.send(sample(1))
	r.clock.pass(10 * time.Minute)
	fine.send(sample(1), wire.Entry{Facts: &wire.Facts{Name: "fine", Agent: "1.0.0"}})
	warning.send(sample(1), finding("DISK-NEARLY-FULL", "warning"))
	critical.send(sample(1), finding("DISK-NEARLY-FULL", "notice"), finding("APP-DOWN", "critical"))
	v := r.as(desk.Coordinator, "")
	names := func(f FleetFilter) (out []string) {
		t.Helper()
		fleet, err := v.Fleet(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range fleet.Rows {
			out = append(out, row.Name)
		}
		return out
	}
	for _, tt := range []struct {
		filter FleetFilter
		want   []string
	}{
		{FleetFilter{}, []string{"critical", "silent", "warning", "fine"}},
		{FleetFilter{Level: LevelSilent}, []string{"silent"}},
		{FleetFilter{Coop: "kestrel"}, []string{"critical", "warning"}},
		{FleetFilter{Finding: "DISK-NEARLY-FULL"}, []string{"critical", "warning"}},
		{FleetFilter{Version: "1.0.0"}, []string{"fine"}},
		{FleetFilter{Q: " app-down "}, []string{"critical"}},
		{FleetFilter{Q: "Lantern"}, []string{"silent", "warning", "fine"}},
		{FleetFilter{Q: string(fine.id)}, []string{"fine"}},
		{FleetFilter{Q: "nothing"}, nil},
		{FleetFilter{Page: 9}, []string{"critical", "silent", "warning", "fine"}},
	} {
		if diff := cmp.Diff(tt.want, names(tt.filter)); diff != "" {
			t.Errorf("%+v: %s", tt.filter, diff)
		}
	}
	f, err := v.Fleet(t.Context(), FleetFilter{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[Level]int{LevelCritical: 1, LevelSilent: 1, LevelWarning: 1, LevelFine: 1}, f.Levels); diff != "" {
		t.Error(diff)
	}
	if w := f.Rows[0].Worst; w == nil || w.Code != "APP-DOWN" || f.Rows[0].Open != 2 || f.Rows[0].Week[6].Samples != 1 {
		t.Errorf("the first row is %+v", f.Rows[0])
	}
	if len(f.Findings) != 2 || f.Findings[0].Code != "DISK-NEARLY-FULL" || f.Findings[0].Boxes != 2 || f.Findings[0].Severity != "warning" {
		t.Errorf("shared: %+v", f.Findings)
	}
}

func TestFleet_pages(t *testing.T) {
	r := open(t)
	for i := range PageSize + 3 {
		r.box(fmt.Sprintf("box %02d", i), "bakery", "")
	}
	f, err := r.as(desk.Coordinator, "").Fleet(t.Context(), FleetFilter{Page: 2})
	if err != nil || len(f.Rows) != 3 || f.Pages != 2 || f.Total != PageSize+3 {
		t.Errorf("%d rows on page %d of %d, %d in all, %v", len(f.Rows), f.Page, f.Pages, f.Total, err)
	}
}

func TestState_lateThenUnreachableAndNotForTheDesksOwnAbsence(t *testing.T) {
	r := open(t)
	b, dead := r.box("mill", "bakery", ""), r.box("dead", "bakery", "")
	dead.send(sample(1))
	r.clock.pass(time.Hour)
	b.send(sample(1))
	state := func(x *sender) desk.BoxState {
		t.Helper()
		got, err := r.as(desk.Coordinator, "").Box(t.Context(), x.id)
		if err != nil {
			t.Fatal(err)
		}
		return got.State
	}
	if got := state(dead); got != desk.BoxUnreachable {
		t.Errorf("a silent box is %s", got)
	}
	if err := r.keepHouse(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.clock.pass(30 * time.Second)
	b.send(sample(1))
	r.again(4 * time.Hour)
	r.again(time.Hour) // a command that looks in between
	if got := state(b); got != desk.BoxUp {
		t.Errorf("after the desk was away the box is %s", got)
	}
	if got := state(dead); got != desk.BoxUnreachable {
		t.Errorf("after the desk was away the silent box is %s", got)
	}
	r.clock.pass(100 * time.Second)
	if got := state(b); got != desk.BoxLate {
		t.Errorf("then the box is %s", got)
	}
	r.clock.pass(2 * time.Minute)
	if got := state(b); got != desk.BoxUnreachable {
		t.Errorf("then the box is %s", got)
	}
}

func TestHistory_survivesARestartAtAnyMoment(t *testing.T) {
	r := open(t)
	b := r.box("mill", "bakery", "")
	began := r.clock.Now()
	for minute := range 75 {
		b.send(sample(float64(minute)))
		r.clock.pass(time.Minute)
		if minute == 33 {
			if err := r.keepHouse(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if minute%7 == 0 {
			r.again(0)
		}
	}
	v := r.as(desk.Coordinator, "")
	h, err := v.History(t.Context(), b.id, began.Add(-time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	for i, k := range h {
		first, last := float64(i*10), float64(min(i*10+9, 74))
		want := Bucket{
			Start: began.Add(time.Duration(i) * short), Length: short, Samples: int(last-first) + 1, Apps: 2,
			Load: Span{first, (first + last) / 2, last}, Memory: Span{.25, .25, .25}, Disk: Span{.5, .5, .5}, Up: Span{2, 2, 2},
		}
		if diff := cmp.Diff(want, k); diff != "" {
			t.Errorf("bucket %d: %s", i, diff)
		}
	}
	if len(h) != 8 {
		t.Errorf("%d buckets, not 8", len(h))
	}
	r.clock.pass(20 * time.Minute)
	if err := r.keepHouse(t.Context()); err != nil {
		t.Fatal(err)
	}
	if hours, err := v.History(t.Context(), b.id, began.Add(-10*24*time.Hour)); err != nil || len(hours) != 2 || hours[0].Samples != 60 || hours[1].Samples != 15 || hours[0].Load != (Span{0, 29.5, 59}) {
		t.Errorf("hours: %+v, %v", hours, err)
	}
	if got, err := v.Box(t.Context(), b.id); err != nil || got.Entries != 75 || got.Sample.Load != 74 {
		t.Errorf("the box is %+v, %v", got, err)
	}
	if week, err := v.Week(t.Context(), b.id); err != nil || week[6].Samples != 75 || week[5].Samples != 0 || !week[0].Start.Equal(began.Truncate(day).Add(-6*day)) {
		t.Errorf("the week: %+v, %v", week, err)
	}
}

func TestUpkeep_keepsTheRecordsSmall(t *testing.T) {
	r := open(t)
	b := r.box("mill", "bakery", "")
	for range 3 * chunk {
		b.send(sample(1), finding("DISK-NEARLY-FULL", []string{"notice", "warning"}[b.next%4/2]))
	}
	r.clock.pass(keepJournal + time.Hour)
	b.send(sample(1))
	for range 60 { // each box has its minute
		r.clock.pass(time.Minute)
		if err := r.keepHouse(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n := r.count(`SELECT count(*) FROM journal`); n != 1 {
		t.Errorf("the journal has %d reports", n)
	}
	if n := r.count(`SELECT count(*) FROM event`); n != keepEvents {
		t.Errorf("there are %d events", n)
	}
	r.clock.pass(keepLong)
	for range 60 {
		r.clock.pass(time.Minute)
		if err := r.keepHouse(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n := r.count(`SELECT count(*) FROM bucket`); n != 0 {
		t.Errorf("there are %d buckets", n)
	}
	r.again(0)
	b.send(sample(1))
}

func TestReceive_aFullDiskStoresNothingAndSaysSo(t *testing.T) {
	r := open(t)
	b := r.box("mill", "bakery", "")
	b.send(sample(1))
	var pages int
	if err := r.db.Write(t.Context(), func(tx *sql.Tx) error {
		if err := tx.QueryRowContext(t.Context(), `PRAGMA page_count`).Scan(&pages); err != nil {
			return err
		}
		return tx.QueryRowContext(t.Context(), fmt.Sprintf(`PRAGMA max_page_count = %d`, pages)).Scan(&pages)
	}); err != nil {
		t.Fatal(err)
	}
	var failed error
	for range 100 {
		report, raw, body := b.report(sample(2), finding("DISK-NEARLY-FULL", "warning"))
		if _, failed = b.Receive(t.Context(), &report, raw, body); failed != nil {
			break
		}
		b.moveOn(raw)
	}
	isProblem(t, failed, "desk-cannot-store")
	if got, err := r.as(desk.Coordinator, "").Box(t.Context(), b.id); err != nil || got.Entries+1 != b.next {
		t.Errorf("acknowledged up to %d, the desk has %d, %v", b.next-1, got.Entries, err)
	}
	if err := r.db.Write(t.Context(), func(tx *sql.Tx) error {
		return tx.QueryRowContext(t.Context(), `PRAGMA max_page_count = 1000000`).Scan(&pages)
	}); err != nil {
		t.Fatal(err)
	}
	b.send(sample(2), finding("DISK-NEARLY-FULL", "warning"))
}

func TestUpkeep_forgetsInvitationsThatNobodyUsed(t *testing.T) {
	r := open(t)
	r.box("mill", "bakery", "kestrel") // used one
	if _, err := r.as(desk.Coordinator, "").Invite(t.Context(), r.code(), Invite{Coop: "bakery"}); err != nil {
		t.Fatal(err)
	}
	for _, left := range []int{2, 1} {
		if err := r.keepHouse(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := r.count(`SELECT count(*) FROM invitation`); got != left {
			t.Errorf("%d invitations are kept, want %d", got, left)
		}
		r.clock.pass(keepUnused + 2*time.Hour)
	}
}
