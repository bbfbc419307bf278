// SPDX-License-Identifier: AGPL-3.0-or-later

package signin

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"coopkit/internal/problem"
)

// wrong makes a wrong attempt.
func (b *bench) wrong(name, addr string) error {
	_, _, err := b.SignIn(b.t.Context(), name, "wrong", from(addr))
	return err
}

// lock makes wrong attempts until the door closes, and returns how many it
// took.
func (b *bench) lock(name, addr string) (tries int) {
	b.t.Helper()
	for ; tries < 100; tries++ {
		if err := b.wrong(name, addr); !errors.Is(err, &problem.Problem{Code: "signin-wrong"}) {
			wantProblem(b.t, err, "signin-locked")
			return tries
		}
	}
	b.t.Fatal("the door does not close")
	return tries
}

func TestThrottle_doublesUpToAQuarterOfAnHour(t *testing.T) {
	b := newBench(t)
	b.person("ana")
	if n := b.lock("ana", "192.0.2.1"); n != accountTries {
		t.Errorf("closed after %d attempts", n)
	}
	for _, want := range []time.Duration{30 * time.Second, time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute, 15 * time.Minute, 15 * time.Minute} {
		_, _, err := b.SignIn(t.Context(), "ana", good, from("192.0.2.1"))
		wantProblem(t, err, "signin-locked")
		locked, ok := errors.AsType[*LockedError](err)
		if !ok || locked.Until.Sub(b.time) != want || !slices.Contains(problem.From(err, "").Next, "coopkit console token") {
			t.Fatalf("locked %v, want %v: %v", locked, want, err)
		}
		b.time = locked.Until.Add(-time.Millisecond)
		wantProblem(t, b.wrong("ana", "192.0.2.1"), "signin-locked")
		b.time = locked.Until
		wantProblem(t, b.wrong("ana", "192.0.2.1"), "signin-wrong")
	}
	b.time = b.time.Add(maxLock)
	b.signIn("ana", good, "192.0.2.1")
	wantProblem(t, b.wrong("ana", "192.0.2.1"), "signin-wrong")
	b.signIn("ana", good, "192.0.2.1") // the right password has made it start anew
}

func TestThrottle_locksNobodyOutByStrangers(t *testing.T) {
	b := newBench(t)
	b.person("ana")
	b.person("ben")
	b.lock("ana", "192.0.2.1")
	b.signIn("ana", good, "192.0.2.2")
	b.signIn("ben", good, "192.0.2.1")
	_, _, err := b.SignIn(t.Context(), "ana", good, from("::ffff:192.0.2.1"))
	wantProblem(t, err, "signin-locked")

	b.lock("ana", "2001:db8:1:1::1")
	_, _, err = b.SignIn(t.Context(), "ana", good, from("2001:db8:1:1:ffff::2"))
	wantProblem(t, err, "signin-locked")
	b.signIn("ana", good, "2001:db8:1:2::1")
}

func TestThrottle_countsAnAddressOverAllNames(t *testing.T) {
	b := newBench(t)
	b.person("ana")
	for i := range addressTries {
		wantProblem(t, b.wrong(fmt.Sprintf("name%d", i), "192.0.2.1"), "signin-wrong")
	}
	_, _, err := b.SignIn(t.Context(), "ana", good, from("192.0.2.1"))
	wantProblem(t, err, "signin-locked")
	b.signIn("ana", good, "192.0.2.2")

	// Who has an account cannot use it to make the count of the address start anew.
	b.time = b.time.Add(firstLock)
	b.signIn("ana", good, "192.0.2.1")
	wantProblem(t, b.wrong("name", "192.0.2.1"), "signin-wrong")
	wantProblem(t, b.wrong("name", "192.0.2.1"), "signin-locked")
}

func TestThrottle_outlivesARestartAndIsForgottenAfterADay(t *testing.T) {
	b := newBench(t)
	b.person("ana")
	b.lock("ana", "192.0.2.1")
	again := onDatabase(t, b.db, b.time)
	wantProblem(t, again.wrong("ana", "192.0.2.1"), "signin-locked")
	again.time = again.time.Add(forgotten)
	if n := again.lock("ana", "192.0.2.1"); n != accountTries {
		t.Errorf("a day later it closes after %d attempts", n)
	}
}

func TestThrottle_aClockThatWasWrongClosesNothingForYears(t *testing.T) {
	b := newBench(t)
	b.person("ana")
	now := b.time
	b.time = now.AddDate(10, 0, 0)
	b.lock("ana", "192.0.2.1")
	b.time = now
	b.signIn("ana", good, "192.0.2.1")
}

func TestThrottle_givesNoGuessesForAskingInParallelOrHangingUp(t *testing.T) {
	b := newBench(t)
	b.person("ana")
	before := b.derived.Load()
	inParallel(t.Context(), 40, func(ctx context.Context) error {
		_, _, err := b.SignIn(ctx, "ana", "wrong", from("192.0.2.1"))
		return err
	})
	if n := b.derived.Load() - before; n != accountTries {
		t.Errorf("%d guesses", n)
	}

	before = b.derived.Load()
	plain := b.hashes.derive
	for range 2 * accountTries {
		ctx, hangUp := context.WithCancel(t.Context())
		b.hashes.derive = func(password, salt []byte, p params, size int) []byte {
			hangUp()
			return plain(password, salt, p, size)
		}
		if _, _, err := b.SignIn(ctx, "ana", "wrong", from("192.0.2.9")); err == nil {
			t.Error("a wrong password signs in")
		}
		hangUp()
	}
	if n := b.derived.Load() - before; n != accountTries {
		t.Errorf("%d guesses by hanging up", n)
	}
}

func TestAlone_waitsTenSecondsAtMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHasher()
		free := make(chan struct{})
		go func() {
			if err := h.alone(t.Context(), func(context.Context) error { <-free; return nil }); err != nil {
				t.Error(err)
			}
		}()
		synctest.Wait()
		start := time.Now()
		nobody := func(context.Context) error { t.Error("two at once"); return nil }
		wantProblem(t, h.alone(t.Context(), nobody), "signin-busy")
		if took := time.Since(start); took != maxWait {
			t.Errorf("waited %v", took)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := h.alone(ctx, nobody); !errors.Is(err, context.Canceled) {
			t.Errorf("who hung up got %v", err)
		}
		close(free)
		synctest.Wait()
		turn := false
		if err := h.alone(t.Context(), func(context.Context) error { turn = true; return nil }); err != nil || !turn {
			t.Errorf("then: %v", err)
		}
	})
}

func TestPrefix_isWhatOneVisitorHas(t *testing.T) {
	for addr, want := range map[string]string{
		"192.0.2.1": "192.0.2.1/32", "::ffff:192.0.2.1": "192.0.2.1/32", "2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64", "fe80::1%eth0": "fe80::/64",
	} {
		if got := prefix(netip.MustParseAddr(addr)); got != want {
			t.Errorf("%s: %s", addr, got)
		}
	}
	if got := prefix(netip.Addr{}); got != "unknown" {
		t.Errorf("no address: %s", got)
	}
}

// TestThrottle_saysNothingThatItCanNotCount: on a full disk guesses would be
// free otherwise.
func TestThrottle_saysNothingThatItCanNotCount(t *testing.T) {
	b := newBench(t)
	b.person("ana")
	err := b.db.Write(t.Context(), func(tx *sql.Tx) error {
		_, err := tx.ExecContext(t.Context(), `CREATE TRIGGER full BEFORE INSERT ON signin_failure BEGIN SELECT RAISE(FAIL, 'full'); END`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	c := Client{Addr: netip.MustParseAddr("192.0.2.7")}
	if _, _, err := b.SignIn(t.Context(), "ana", "wrong", c); err == nil || errors.Is(err, &problem.Problem{Code: "signin-wrong"}) {
		t.Errorf("sign-in says %v", err)
	}
	if _, err := b.CheckToken(t.Context(), "2222-2222-2222-2222-2222", c); err == nil || errors.Is(err, &problem.Problem{Code: "token-wrong"}) {
		t.Errorf("a token says %v", err)
	}
}
