// SPDX-License-Identifier: AGPL-3.0-or-later

package signin

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"coopkit/internal/testkit"
)

func TestCookie_staysBetweenThisBrowserAndUs(t *testing.T) {
	b := newBench(t)
	set, clear := httptest.NewRecorder(), httptest.NewRecorder()
	b.SetCookie(set, "secret")
	b.ClearCookie(clear)
	want := []string{"__Host-coopkit-test=secret; Path=/; Max-Age=2592000; HttpOnly; Secure; SameSite=Lax"}
	if diff := cmp.Diff(want, set.Result().Header["Set-Cookie"]); diff != "" {
		t.Error(diff)
	}
	want = []string{"__Host-coopkit-test=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax"}
	if diff := cmp.Diff(want, clear.Result().Header["Set-Cookie"]); diff != "" {
		t.Error(diff)
	}
}

func TestSession_isTheOneOfTheCookie(t *testing.T) {
	b := newBench(t)
	ana := b.person("ana")
	r := b.signIn("ana", good, "192.0.2.1")
	sess, p, ok := b.Session(t.Context(), r)
	want := Session{ID: sess.ID, Person: ana.ID, Created: b.time, Seen: b.time, Expires: b.time.Add(lifetime), Browser: "Test/1.0", Address: "192.0.2.1"}
	if diff := cmp.Diff(want, sess); diff != "" || !ok || p != ana {
		t.Errorf("%+v, %t: %s", p, ok, diff)
	}
	cookie, err := r.Cookie("__Host-coopkit-test")
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"__Host-coopkit-other": cookie.Value, "coopkit-test": cookie.Value, cookie.Name: strings.Repeat("A", len(cookie.Value)),
	} {
		other := httptest.NewRequest(http.MethodGet, "/", nil)
		other.AddCookie(&http.Cookie{Name: name, Value: value})
		if b.signedIn(other) {
			t.Errorf("%s=%s signs in", name, value)
		}
	}
	hash := httptest.NewRequest(http.MethodGet, "/", nil)
	hash.AddCookie(&http.Cookie{Name: cookie.Name, Value: string(sess.ID)})
	if b.signedIn(hash) || b.signedIn(httptest.NewRequest(http.MethodGet, "/", nil)) {
		t.Error("what the database knows, or nothing, signs in")
	}
}

func TestSession_endsAfterAWeekUnusedOrAMonth(t *testing.T) {
	b := newBench(t)
	b.person("ana")
	start := b.time
	unused, used := b.signIn("ana", good, "192.0.2.1"), b.signIn("ana", good, "192.0.2.1")
	for b.time = start; b.time.Before(start.Add(lifetime)); b.time = b.time.Add(20 * time.Hour) {
		if !b.signedIn(used) {
			t.Fatalf("a session in use ended after %v", b.time.Sub(start))
		}
	}
	b.time = start.Add(lifetime)
	if b.signedIn(used) {
		t.Error("it goes on after a month")
	}
	for after, want := range map[time.Duration]bool{idle - time.Second: true, idle: false} {
		b.time = start.Add(after)
		sess, err := b.Sessions(t.Context(), b.mustPerson("ana").ID)
		if err != nil {
			t.Fatal(err)
		}
		alive := false
		for _, s := range sess {
			alive = alive || s.Seen.Equal(start)
		}
		if alive != want {
			t.Errorf("after %v without use it is in the list: %t", after, alive)
		}
	}
	b.time = start.Add(idle)
	if b.signedIn(unused) {
		t.Error("it goes on after a week without use")
	}
}

func (b *bench) mustPerson(name string) Person {
	b.t.Helper()
	p, err := b.PersonByName(b.t.Context(), name)
	if err != nil {
		b.t.Fatal(err)
	}
	return p
}

func TestSession_notesItsUseOnceAMinute(t *testing.T) {
	b := newBench(t)
	b.person("ana")
	start := b.time
	r := b.signIn("ana", good, "192.0.2.1")
	stored := func() time.Time {
		t.Helper()
		list, err := b.Sessions(t.Context(), b.mustPerson("ana").ID)
		if err != nil || len(list) != 1 {
			t.Fatalf("%+v, %v", list, err)
		}
		return list[0].Seen
	}
	b.time = start.Add(touch - time.Second)
	if b.session(r); !stored().Equal(start) {
		t.Errorf("noted at %v", stored())
	}
	b.time = start.Add(touch)
	if b.session(r); !stored().Equal(b.time) {
		t.Errorf("noted at %v, but it is %v", stored(), b.time)
	}
	b.time = start // the clock was wrong
	if b.session(r); !stored().Equal(start) {
		t.Errorf("noted at %v, which is to come", stored())
	}
}

func TestRevoke_endsSessionsOfThisPersonOnly(t *testing.T) {
	b := newBench(t)
	ana, ben := b.person("ana"), b.person("ben")
	one, two, three := b.signIn("ana", good, "192.0.2.1"), b.signIn("ana", good, "192.0.2.2"), b.signIn("ana", good, "192.0.2.3")
	bens := b.signIn("ben", good, "192.0.2.4")
	wantProblem(t, b.Revoke(t.Context(), ben.ID, b.session(one).ID), "session-unknown")
	if err := b.Revoke(t.Context(), ana.ID, b.session(one).ID); err != nil || b.signedIn(one) || !b.signedIn(two) {
		t.Errorf("revoke: %v", err)
	}
	if err := b.RevokeOthers(t.Context(), b.session(two)); err != nil || !b.signedIn(two) || b.signedIn(three) || !b.signedIn(bens) {
		t.Errorf("revoke others: %v", err)
	}
	sess := b.session(two)
	if err := b.SignOut(t.Context(), sess); err != nil || b.signedIn(two) {
		t.Errorf("sign out: %v", err)
	}
	if err := b.SignOut(t.Context(), sess); err != nil {
		t.Errorf("sign out again: %v", err)
	}
}

func TestSession_isFalseAndLoggedWhenTheDatabaseIsGone(t *testing.T) {
	b := newBench(t)
	b.person("ana")
	r := b.signIn("ana", good, "192.0.2.1")
	if err := b.db.Close(); err != nil {
		t.Fatal(err)
	}
	if b.signedIn(r) || !strings.Contains(b.logged.String(), "session not read") {
		t.Errorf("the log: %s", &b.logged)
	}
	if _, _, err := b.SignIn(t.Context(), "ana", good, from("192.0.2.1")); err == nil {
		t.Error("a password signs in without a database")
	}
}

func TestSession_aLongBrowserNameIsCut(t *testing.T) {
	b := newBench(t)
	b.person("ana")
	c := from("192.0.2.1")
	c.Browser = strings.Repeat("é", maxBrowserBytes)[1:]
	token, _, err := b.SignIn(t.Context(), "ana", good, c)
	if err != nil {
		t.Fatal(err)
	}
	if got := b.session(b.request(token)).Browser; len(got) > maxBrowserBytes || strings.Trim(got, "é") != "" || got == "" {
		t.Errorf("it is %q", got)
	}
}

func TestRun_removesWhatIsOver(t *testing.T) {
	b := newBench(t)
	b.person("ana")
	r := b.signIn("ana", good, "192.0.2.1")
	b.lock("ana", "192.0.2.2")
	if _, err := b.NewToken(t.Context(), b.mustPerson("ana").ID, time.Hour); err != nil {
		t.Fatal(err)
	}
	rows := func() string {
		t.Helper()
		return texts(t, b.db, `SELECT (SELECT count(*) FROM session) || ' ' || (SELECT count(*) FROM signin_token) || ' ' || (SELECT count(*) FROM signin_failure) || ' ' || (SELECT count(*) FROM person)`)[0]
	}
	for _, step := range []struct {
		after time.Duration
		want  string
	}{{time.Hour, "1 1 2 1"}, {24 * time.Hour, "1 1 0 1"}, {25 * time.Hour, "1 0 0 1"}, {idle, "0 0 0 1"}} {
		before := b.time
		b.time = before.Add(step.after)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- b.Run(ctx) }()
		testkit.Eventually(t, 10*time.Second, "sessions, tokens, failures, people are "+step.want, func() bool { return rows() == step.want })
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("after %v: %v", step.after, err)
		}
		b.time = before
	}
	if b.signedIn(r) {
		t.Error("the session goes on")
	}
}
