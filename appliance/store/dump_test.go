// SPDX-License-Identifier: AGPL-3.0-or-later

package store

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"coopkit/appliance"
	"coopkit/appliance/support"
	"coopkit/internal/signin"
	"coopkit/internal/testkit"
)

// dumpTime is when everything in a dump happened; sessions end soon after.
var dumpTime = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

// tables counts the rows of every table of a database that is not open, before
// any program has migrated it.
func tables(t *testing.T, path string) map[string]int {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+path+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	rows, err := db.QueryContext(t.Context(), `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'`)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	out := map[string]int{}
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		out[name] = 0
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	for name := range out {
		var n int
		if err := db.QueryRowContext(t.Context(), "SELECT count(*) FROM "+name).Scan(&n); err != nil {
			t.Fatal(err)
		}
		out[name] = n
	}
	return out
}

// TestDump_isReadWhole opens what each earlier program left on a box: it
// migrates, is sound, and every row of every table is read by the methods of
// Store. The dumps are written by TestDump_write of package apps.
func TestDump_isReadWhole(t *testing.T) {
	testkit.Dumps(t, filepath.Join("testdata", "dumps"), func(t *testing.T, _, path string) { //nolint:thelper // it is the test
		want := tables(t, path)
		for table, rows := range want {
			if rows == 0 {
				t.Errorf("the dump has nothing in the table %s", table)
			}
		}
		s, err := Open(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
		var verdict string
		if err := s.db.Read().QueryRowContext(t.Context(), `PRAGMA integrity_check`).Scan(&verdict); err != nil || verdict != "ok" {
			t.Errorf("integrity: %s, %v", verdict, err)
		}
		if err := s.Check(t.Context()); err != nil {
			t.Error(err)
		}
		got := map[string]int{}
		err = errors.Join(
			readInstalls(t.Context(), s, got), readJobs(t.Context(), s, got), readNames(t.Context(), s, got),
			readState(t.Context(), s, got), readSupport(t.Context(), s, got), readMessages(t.Context(), s, got), readAccounts(t.Context(), s, got),
		)
		if err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("rows (-in the dump +read):\n%s", diff)
		}
	})
}

func readInstalls(ctx context.Context, s *Store, got map[string]int) error {
	installs, err := s.Installs(ctx)
	if err != nil {
		return err
	}
	got["install"] = len(installs)
	for _, in := range installs {
		secrets, err := s.Secrets(ctx, in.Name)
		if err != nil {
			return err
		}
		got["secret"] += len(secrets)
		releases, err := s.Releases(ctx, in.Name)
		if err != nil {
			return err
		}
		got["release"] += len(releases)
		for _, r := range releases {
			if _, err := s.ReleaseFolder(ctx, in.Name, r.Number); err != nil {
				return err
			}
		}
		places, err := s.Places(ctx, in.Name)
		if err != nil {
			return err
		}
		if len(places) > 0 {
			got["place"] += len(places)
		}
	}
	addresses, err := s.Addresses(ctx)
	got["address"] = len(addresses)
	return err
}

func readJobs(ctx context.Context, s *Store, got map[string]int) error {
	all, err := s.Jobs(ctx, 1000)
	if err != nil {
		return err
	}
	got["job"] = len(all)
	for _, j := range all {
		got["job_step"] += len(j.Steps)
		events, err := s.Events(ctx, j.ID, 0)
		if err != nil {
			return err
		}
		got["job_event"] += len(events)
	}
	return nil
}

func readNames(ctx context.Context, s *Store, got map[string]int) error {
	zones, err := s.Zones(ctx)
	got["zone"] = len(zones)
	for _, z := range zones {
		got["record"] += len(z.Records)
	}
	return err
}

func readState(ctx context.Context, s *Store, got map[string]int) error {
	sites, err1 := s.Sites(ctx)
	findings, err2 := s.LoadFindings(ctx)
	days, err3 := s.Days(ctx, "")
	settings, err4 := s.Settings(ctx)
	box, err5 := s.Box(ctx)
	got["site"], got["finding"], got["setting"] = len(sites), len(findings), len(settings)
	for _, d := range days {
		got["day"] += len(d.Worst)
		if _, whole := d.Worst[""]; d.Looked && !whole {
			got["day"]++
		}
	}
	if box != "" {
		got["box"] = 1
	}
	slots, err6 := s.Usage(ctx)
	measured, err7 := readUsageIDs(ctx, s.db.Read())
	if len(slots) > 0 { // dumps of earlier programs have none
		got["usage_slot"], got["usage_app"] = len(slots), len(measured)-1 // the box has no row
	}
	return errors.Join(err1, err2, err3, err4, err5, err6, err7)
}

func readSupport(ctx context.Context, s *Store, got map[string]int) error {
	link, err := s.DeskLink(ctx)
	if err != nil || link == nil {
		return err
	}
	got["desk_link"] = 1
	frozen, err1 := s.Freeze(ctx, func(items []support.Item) int { return len(items) })
	waiting, err2 := s.Waiting(ctx)
	if len(frozen) > 0 {
		got["outbox"] = waiting
	}
	return errors.Join(err1, err2)
}

// readMessages counts what is there: dumps of earlier programs have none of it.
func readMessages(ctx context.Context, s *Store, got map[string]int) error {
	now, before, err1 := s.Relays(ctx)
	recipients, err2 := s.Recipients(ctx)
	channels, err3 := s.Channels(ctx)
	posts, err4 := s.Posts(ctx, 1000)
	errs := []error{err1, err2, err3, err4}
	count := func(table string, n int) {
		if n > 0 {
			got[table] += n
		}
	}
	for _, r := range []*appliance.Relay{now, before} {
		if r != nil {
			count("relay", 1)
		}
	}
	count("recipient", len(recipients))
	count("channel", len(channels))
	count("post", len(posts))
	for _, r := range recipients {
		told, err := s.Told(ctx, r.Person)
		count("told", len(told))
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// readAccounts reads people and sessions through package signin; what it lets
// nobody list is counted.
func readAccounts(ctx context.Context, s *Store, got map[string]int) error {
	service := signin.New(signin.Deps{Store: s.Signin(), Now: func() time.Time { return dumpTime }, Log: slog.New(slog.DiscardHandler), Cookie: "coopkit"})
	people, err := service.People(ctx)
	if err != nil {
		return err
	}
	got["person"] = len(people)
	for _, p := range people {
		sessions, err := service.Sessions(ctx, p.ID)
		if err != nil {
			return err
		}
		got["session"] += len(sessions)
	}
	for _, table := range []string{"signin_token", "signin_failure"} {
		var n int
		if err := s.db.Read().QueryRowContext(ctx, "SELECT count(*) FROM "+table).Scan(&n); err != nil {
			return err
		}
		got[table] = n
	}
	return nil
}
