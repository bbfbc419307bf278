// SPDX-License-Identifier: AGPL-3.0-or-later

package signin

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"coopkit/internal/problem"
	"coopkit/internal/sqlitedb"
)

const good = "correct horse battery staple"

// bench is a service with a clock of its own, hashes that cost little and are
// counted, and a log that can be read.
type bench struct {
	*Service
	t       *testing.T
	db      *sqlitedb.DB
	time    time.Time
	derived atomic.Int64
	logged  bytes.Buffer
}

func newBench(t *testing.T) *bench {
	t.Helper()
	return onDatabase(t, database(t), time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
}

func onDatabase(t *testing.T, db *sqlitedb.DB, now time.Time) *bench {
	t.Helper()
	b := &bench{t: t, db: db, time: now}
	b.Service = New(Deps{
		Store: NewStore(db), Now: func() time.Time { return b.time }, Log: slog.New(slog.NewJSONHandler(&b.logged, nil)),
		Cookie: "coopkit-test", WayBack: "coopkit console token",
	})
	b.hashes.params = params{memoryKiB: 64, passes: 1, lanes: 1}
	b.hashes.derive = func(password, salt []byte, p params, size int) []byte {
		b.derived.Add(1)
		return derive(password, salt, p, size)
	}
	return b
}

// person adds one with the password good.
func (b *bench) person(name string) Person {
	b.t.Helper()
	p, err := b.AddPerson(b.t.Context(), NewPerson{Name: name, Password: good})
	if err != nil {
		b.t.Fatal(err)
	}
	return p
}

// signIn succeeds, and returns a request with the cookie.
func (b *bench) signIn(name, password, addr string) *http.Request {
	b.t.Helper()
	token, _, err := b.SignIn(b.t.Context(), name, password, from(addr))
	if err != nil {
		b.t.Fatal(err)
	}
	return b.request(token)
}

// request is what a browser sends that was given the token.
func (b *bench) request(token string) *http.Request {
	b.t.Helper()
	answer := httptest.NewRecorder()
	b.SetCookie(answer, token)
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	for _, c := range answer.Result().Cookies() {
		r.AddCookie(c)
	}
	return r
}

func (b *bench) session(r *http.Request) Session {
	b.t.Helper()
	sess, _, ok := b.Session(b.t.Context(), r)
	if !ok {
		b.t.Fatal("there is no session")
	}
	return sess
}

func (b *bench) signedIn(r *http.Request) bool {
	_, _, ok := b.Session(b.t.Context(), r)
	return ok
}

func from(addr string) Client {
	return Client{Addr: netip.MustParseAddr(addr), Browser: "Test/1.0"}
}

// wantProblem fails unless err is a Problem with that code that says what to do.
func wantProblem(t *testing.T, err error, code string) {
	t.Helper()
	if p, ok := errors.AsType[*problem.Problem](err); !ok || p.Code != code || len(p.Next) == 0 {
		t.Fatalf("got %v, want the problem %s", err, code)
	}
}

func TestSignIn_takesTheNameInAnyCaseAndThePasswordOfAnyKeyboard(t *testing.T) {
	b := newBench(t)
	composed, decomposed := "contrase\u00f1a de mar\u00eda", "contrasen\u0303a de mari\u0301a"
	want, err := b.AddPerson(t.Context(), NewPerson{Name: "Mar\u00eda@Demo.Coop", Password: composed, Display: "María"})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"mar\u00eda@demo.coop", " MARI\u0301A@DEMO.COOP "} {
		if _, p, err := b.SignIn(t.Context(), name, decomposed, from("192.0.2.1")); err != nil || p != want {
			t.Errorf("%q: %+v, %v", name, p, err)
		}
	}
	if _, _, err := b.SignIn(t.Context(), want.Name, "CONTRASE\u00d1A DE MAR\u00cdA", from("192.0.2.1")); !errors.Is(err, &problem.Problem{Code: "signin-wrong"}) {
		t.Errorf("capital letters: %v", err)
	}
}

func TestSignIn_saysAndCostsTheSameForEveryWrongAttempt(t *testing.T) {
	b := newBench(t)
	b.person("ana")
	ben := b.person("ben")
	b.person("cleo")
	if err := b.Disable(t.Context(), ben.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := b.AddPerson(t.Context(), NewPerson{Name: "dora"}); err != nil {
		t.Fatal(err)
	}
	var first string
	for i, attempt := range []struct{ name, password string }{
		{"ana", "wrong"}, {"nobody", good}, {"nobody", ""}, {"ben", "wrong"}, {"dora", ""}, {"dora", good}, {"two words", good}, {"ana", good + "\x00"},
	} {
		before := b.derived.Load()
		_, _, err := b.SignIn(t.Context(), attempt.name, attempt.password, from(netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}).String()))
		wantProblem(t, err, "signin-wrong")
		if n := b.derived.Load() - before; n != 1 {
			t.Errorf("%q: %d hashes", attempt, n)
		}
		if first == "" {
			first = err.Error()
		}
		if err.Error() != first {
			t.Errorf("%q: %v, but %s before", attempt, err, first)
		}
	}
	_, _, err := b.SignIn(t.Context(), "ben", good, from("192.0.2.77"))
	wantProblem(t, err, "account-closed")
}

func TestSignIn_hashesAnewWhenTheParametersChange(t *testing.T) {
	b := newBench(t)
	b.person("ana")
	old := b.signIn("ana", good, "192.0.2.1")
	stored := func() string {
		t.Helper()
		_, hash, err := b.store.account(t.Context(), "ana")
		if err != nil {
			t.Fatal(err)
		}
		return hash
	}
	before := stored()
	b.hashes.params.passes = 2
	b.signIn("ana", good, "192.0.2.1")
	after := stored()
	if h, err := parsePHC(after); err != nil || h.params != b.hashes.params {
		t.Errorf("%s became %s, %v", before, after, err)
	}
	n := b.derived.Load()
	b.signIn("ana", good, "192.0.2.1")
	if stored() != after || b.derived.Load() != n+1 {
		t.Error("and again, though nothing had changed")
	}
	if !b.signedIn(old) {
		t.Error("a session ended by it")
	}
}

func TestSignIn_aDamagedHashIsNotAWrongPassword(t *testing.T) {
	b := newBench(t)
	p := b.person("ana")
	if err := b.store.exec(t.Context(), `UPDATE person SET password = 'x' WHERE id = ?`, p.ID); err != nil {
		t.Fatal(err)
	}
	_, _, err := b.SignIn(t.Context(), "ana", good, from("192.0.2.1"))
	if _, ok := errors.AsType[*problem.Problem](err); err == nil || ok {
		t.Errorf("got %v", err)
	}
}

func TestChangePassword_keepsOnlyTheBrowserThatDidIt(t *testing.T) {
	b := newBench(t)
	b.person("ana")
	here, there := b.signIn("ana", good, "192.0.2.1"), b.signIn("ana", good, "192.0.2.2")
	const next = "another long password"
	_, err := b.ChangePassword(t.Context(), b.session(here), "wrong", next, from("192.0.2.1"))
	wantProblem(t, err, "signin-wrong")
	_, err = b.ChangePassword(t.Context(), b.session(here), good, "short", from("192.0.2.1"))
	wantProblem(t, err, "password-short")
	if !b.signedIn(there) {
		t.Fatal("an attempt ended a session")
	}
	token, err := b.ChangePassword(t.Context(), b.session(here), good, next, from("192.0.2.1"))
	if err != nil {
		t.Fatal(err)
	}
	if b.signedIn(here) || b.signedIn(there) || !b.signedIn(b.request(token)) {
		t.Error("the wrong sessions go on")
	}
	b.signIn("ana", next, "192.0.2.1")
	_, _, err = b.SignIn(t.Context(), "ana", good, from("192.0.2.1"))
	wantProblem(t, err, "signin-wrong")
}

func TestDatabaseAndLog_holdNoSecret(t *testing.T) {
	b := newBench(t)
	p := b.person("ana")
	session, _, err := b.SignIn(t.Context(), "ana", good, from("192.0.2.1"))
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = b.SignIn(t.Context(), good, "my other password", from("192.0.2.1"))
	wantProblem(t, err, "signin-wrong")
	token, err := b.NewToken(t.Context(), p.ID, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	b.log.Info("made", slog.Any("token", token))
	letters, _ := parseToken(token.Text)
	rows := texts(t, b.db, `
		SELECT p.name || p.display || p.password || s.id || s.browser || s.address || t.hash || f.key
		FROM person p, session s, signin_token t, signin_failure f`)
	if len(rows) == 0 {
		t.Fatal("no rows")
	}
	for _, row := range append(rows, b.logged.String()) {
		for _, secret := range []string{good, "my other password", session, token.Text, letters} {
			if bytes.Contains([]byte(row), []byte(secret)) {
				t.Errorf("%q is in %s", secret, row)
			}
		}
	}
}

// inParallel runs fn n times at once and returns how often it gave no error.
func inParallel(ctx context.Context, n int, fn func(ctx context.Context) error) (done int64) {
	var all sync.WaitGroup
	var count atomic.Int64
	for range n {
		all.Go(func() {
			if fn(ctx) == nil {
				count.Add(1)
			}
		})
	}
	all.Wait()
	return count.Load()
}

// TestConfirm_countsGuessesAsSigningInDoes has somebody who is signed in guess.
func TestConfirm_countsGuessesAsSigningInDoes(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ana, c := b.person("ana"), from("192.0.2.1")
	if err := b.Confirm(t.Context(), ana.ID, good, c); err != nil {
		t.Fatal(err)
	}
	for range accountTries {
		wantProblem(t, b.Confirm(t.Context(), ana.ID, "a wrong guess of mine", c), "signin-wrong")
	}
	wantProblem(t, b.Confirm(t.Context(), ana.ID, good, c), "signin-locked")
	wantProblem(t, b.Confirm(t.Context(), "nobody", good, c), "person-unknown")
}
