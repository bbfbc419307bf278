// SPDX-License-Identifier: AGPL-3.0-or-later

package store

import (
	"encoding/base64"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"coopkit/desk"
	"coopkit/desk/wire"
	"coopkit/internal/signin"
	"coopkit/internal/testkit"
)

// dumped are the boxes in testdata/behind: a desk that stopped a few minutes
// after it had last brought its rows up to its journal, with a box in each state.
var dumped = struct {
	mill, press, school, old, waiting wire.BoxID
	made                              time.Time // when the dump was made
	millNext                          uint64    // of mill's next entry,
	millHead                          string    // and the head before it
	session                           string    // of Ana, in a cookie
}{
	"nk5wztzi2wp2", "baviomo4mrxp", "xtexm5nezwco", "yrc5vxuv63hq", "hoxbcbx6e7yw",
	time.Date(2026, 11, 23, 11, 15, 0, 0, time.UTC), 89, "gFVfi-gBmb5ZSTohWfTaiQ",
	"hXzuteEz_5Nl6yruycINthSFqxoBM-FXiKn1bs8REAY",
}

// TestUpgrade_losesNothing opens the records of the first version, which wrote
// some of its rows later than its reports.
func TestUpgrade_losesNothing(t *testing.T) {
	testkit.Dumps(t, filepath.Join("testdata", "behind"), func(t *testing.T, _, path string) { //nolint:thelper // it is the test
		r := &rig{tb: t, path: path, clock: newClock()}
		r.clock.pass(dumped.made.Sub(r.clock.Now()))
		r.start()
		t.Cleanup(func() { r.stop() })
		r.isSound()
		r.hasTheBoxes()
		r.hasTheHistory()
		r.hasTheAccounts()
		r.goesOn()
		r.again(0)
		r.isSound()
	})
}

func (r *rig) isSound() {
	r.tb.Helper()
	var verdict string
	if err := r.db.Read().QueryRowContext(r.tb.Context(), `PRAGMA integrity_check`).Scan(&verdict); err != nil || verdict != "ok" {
		r.tb.Errorf("the records are %q, %v", verdict, err)
	}
	if n := r.count(`SELECT count(*) FROM pragma_foreign_key_check`); n != 0 {
		r.tb.Errorf("%d rows refer to nothing", n)
	}
}

func (r *rig) hasTheBoxes() {
	r.tb.Helper()
	fleet, err := r.as(desk.Technician, "kestrel").Fleet(r.tb.Context(), FleetFilter{})
	if err != nil {
		r.tb.Fatal(err)
	}
	var rows []string
	for _, b := range fleet.Rows {
		rows = append(rows, strings.Join([]string{b.Name, string(b.Level), string(b.State), string(b.Coop.ID), b.Version}, " "))
	}
	if diff := cmp.Diff([]string{
		"press silent unreachable bakery 0.9.1", "school silent unreachable kestrel 0.9.1",
		"mill warning up bakery 0.9.2", "new pending pending bakery 0.9.1",
	}, rows); diff != "" {
		r.tb.Errorf("the fleet:\n%s", diff)
	}
	mill, err := r.as(desk.Member, "bakery").Box(r.tb.Context(), dumped.mill)
	if err != nil || mill.Entries != 88 || mill.Lost != 7 || mill.Sample.Load != 74 || mill.Words != [4]string{"acorn", "loaf", "oak", "yarn"} ||
		len(mill.Findings) != 1 || mill.Findings[0].Args["percent"] != "91" || len(mill.Facts.Installs) != 1 || mill.Facts.Backup == nil {
		r.tb.Errorf("the mill is %+v, %v", mill, err)
	}
	_, err = r.Keys(r.tb.Context(), dumped.old)
	isProblem(r.tb, err, "box-gone")
	list, err := r.as(desk.Technician, "kestrel").Invitations(r.tb.Context(), 1)
	if err != nil || len(list.Rows) != 5 || !list.Rows[0].Used.IsZero() {
		r.tb.Errorf("the invitations are %+v, %v", list.Rows, err)
	}
}

// hasTheHistory looks for each minute of the mill: the last five were in
// reports only when the first version stopped.
func (r *rig) hasTheHistory() {
	r.tb.Helper()
	v := r.as(desk.Coordinator, "")
	history, err := v.History(r.tb.Context(), dumped.mill, dumped.made.Add(-24*time.Hour))
	if err != nil || len(history) != 8 {
		r.tb.Fatalf("%d buckets, %v", len(history), err)
	}
	for i, b := range history {
		first, last := float64(i*10), float64(min(i*10+9, 74))
		if b.Samples != int(last-first)+1 || b.Load != (Span{first, (first + last) / 2, last}) || (b.Worst == "warning") != (i > 2) {
			r.tb.Errorf("bucket %d is %+v", i, b)
		}
	}
	if week, err := v.Week(r.tb.Context(), dumped.mill); err != nil || week[6].Samples != 75 || week[6].Worst != "warning" {
		r.tb.Errorf("the week: %+v, %v", week, err)
	}
	if events, err := v.Events(r.tb.Context(), dumped.mill, 100); err != nil || len(events) != 7 || events[len(events)-1].Kind != EventJoined {
		r.tb.Errorf("%d events: %+v, %v", len(events), events, err)
	}
}

func (r *rig) hasTheAccounts() {
	r.tb.Helper()
	accounts := signin.New(signin.Deps{Store: r.Signin(), Now: r.clock.Now, Log: slog.New(slog.DiscardHandler), Cookie: "coopkit-desk"})
	visit := httptest.NewRequestWithContext(r.tb.Context(), http.MethodGet, "/", nil)
	visit.AddCookie(&http.Cookie{Name: "__Host-coopkit-desk", Value: dumped.session})
	if _, p, ok := accounts.Session(r.tb.Context(), visit); !ok || p.Name != "ana" || p.Role != string(desk.Technician) {
		r.tb.Errorf("who is signed in is %+v, %t", p, ok)
	}
}

// goesOn lets the mill report where it was.
func (r *rig) goesOn() {
	r.tb.Helper()
	head, err := base64.RawURLEncoding.DecodeString(dumped.millHead)
	if err != nil {
		r.tb.Fatal(err)
	}
	mill := &sender{rig: r, id: dumped.mill, next: dumped.millNext, head: wire.Head(head)}
	if got := mill.send(sample(75)); got.Last != dumped.millNext {
		r.tb.Errorf("after the next report: %+v", got)
	}
	forked := *mill
	mill.send(sample(76))
	r.clock.pass(time.Minute)
	report, raw, body := forked.report(sample(99))
	_, err = forked.Receive(r.tb.Context(), &report, raw, body)
	isProblem(r.tb, err, "box-suspected")
}
