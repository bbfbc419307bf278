// SPDX-License-Identifier: AGPL-3.0-or-later

package signin

import (
	"context"
	"errors"
	"math"
	"regexp"
	"strings"
	"testing"
	"time"

	"coopkit/internal/problem"
)

func (b *bench) token(person PersonID) string {
	b.t.Helper()
	token, err := b.NewToken(b.t.Context(), person, time.Hour)
	if err != nil {
		b.t.Fatal(err)
	}
	return token.Text
}

func TestToken_isEasyToReadAndHardToGuess(t *testing.T) {
	form := regexp.MustCompile(`^([2-9B-HJ-KM-NP-TV-Z]{4}-){4}[2-9B-HJ-KM-NP-TV-Z]{4}$`)
	seen := map[rune]int{}
	for range 2000 {
		text := printToken()
		if !form.MatchString(text) || strings.ContainsAny(text, "01ILOAEU") {
			t.Fatalf("it reads %s", text)
		}
		for _, r := range strings.ReplaceAll(text, "-", "") {
			seen[r]++
		}
	}
	if bits := tokenLength * math.Log2(float64(len(seen))); bits < 80 || len(seen) != len(tokenLetters) {
		t.Errorf("%d letters, %.0f bits", len(seen), bits)
	}
	for r, n := range seen { // 1429 of each are expected; 7 standard deviations are 260
		if n < 1169 || n > 1689 {
			t.Errorf("%c came %d times", r, n)
		}
	}
}

func TestFirstAccount_isMadeOnceByTheToken(t *testing.T) {
	b := newBench(t)
	text := b.token("")
	if first, err := b.FirstRun(t.Context()); err != nil || !first {
		t.Fatalf("first run: %t, %v", first, err)
	}
	if g, err := b.CheckToken(t.Context(), text, from("192.0.2.1")); err != nil || !g.First || !g.Expires.Equal(b.time.Add(time.Hour)) {
		t.Fatalf("%+v, %v", g, err)
	}
	ana := NewPerson{Name: "Ana", Display: "Ana Pérez", Language: "es", Password: good}
	for code, n := range map[string]NewPerson{
		"password-short":      {Name: "ana"},
		"person-name-invalid": {Name: "ana perez", Password: good},
	} {
		_, _, err := b.FirstAccount(t.Context(), text, n, from("192.0.2.1"))
		wantProblem(t, err, code)
	}
	_, _, err := b.Redeem(t.Context(), text, good, from("192.0.2.1"))
	wantProblem(t, err, "token-over")
	typed := " " + strings.ToLower(strings.ReplaceAll(text, "-", " ")) + "\n"
	session, p, err := b.FirstAccount(t.Context(), typed, ana, from("192.0.2.1"))
	if err != nil || p.Name != "ana" || p.Display != "Ana Pérez" || p.Language != "es" || p.Role != "steward" || !b.signedIn(b.request(session)) {
		t.Fatalf("%+v, %v", p, err)
	}
	if stored := b.mustPerson("ana"); stored != p {
		t.Errorf("stored: %+v", stored)
	}
	_, _, err = b.FirstAccount(t.Context(), text, NewPerson{Name: "ben", Password: good}, from("192.0.2.1"))
	wantProblem(t, err, "token-over")
	_, err = b.NewToken(t.Context(), "", time.Hour)
	wantProblem(t, err, "first-account-exists")
	b.signIn("ana", good, "192.0.2.1")
}

func TestFirstAccount_isNotMadeWhereOneExists(t *testing.T) {
	b := newBench(t)
	text := b.token("")
	b.person("ben")
	_, _, err := b.FirstAccount(t.Context(), text, NewPerson{Name: "ana", Password: good}, from("192.0.2.1"))
	wantProblem(t, err, "token-over")
	if people, err := b.People(t.Context()); err != nil || len(people) != 1 {
		t.Errorf("%+v, %v", people, err)
	}
}

func TestRedeem_isTheWayBackForWhoIsLockedOut(t *testing.T) {
	b := newBench(t)
	ana := b.person("ana")
	old := b.signIn("ana", good, "192.0.2.1")
	b.lock("ana", "192.0.2.1")
	text, next := b.token(ana.ID), "another long password"
	if g, err := b.CheckToken(t.Context(), text, from("192.0.2.1")); err != nil || g.First || g.Person != ana {
		t.Fatalf("%+v, %v", g, err)
	}
	_, _, err := b.Redeem(t.Context(), text, "password1234", from("192.0.2.1"))
	wantProblem(t, err, "password-common")
	session, p, err := b.Redeem(t.Context(), text, next, from("192.0.2.1"))
	if err != nil || p.ID != ana.ID || !b.signedIn(b.request(session)) || b.signedIn(old) {
		t.Fatalf("%+v, %v", p, err)
	}
	b.signIn("ana", next, "192.0.2.1")
	_, _, err = b.Redeem(t.Context(), text, good, from("192.0.2.1"))
	wantProblem(t, err, "token-over")
}

func TestToken_ofAPersonCanNotMakeTheFirstAccount(t *testing.T) {
	b := newBench(t)
	text := b.token(b.person("ana").ID)
	_, _, err := b.FirstAccount(t.Context(), text, NewPerson{Name: "ben", Password: good}, from("192.0.2.1"))
	wantProblem(t, err, "token-over")
}

func TestToken_isOverWhenUsedReplacedOrLate(t *testing.T) {
	b := newBench(t)
	ana, ben := b.person("ana"), b.person("ben")
	older, bens, newer := b.token(ana.ID), b.token(ben.ID), b.token(ana.ID)
	check := func(text string) error {
		_, err := b.CheckToken(t.Context(), text, from("192.0.2.1"))
		return err
	}
	wantProblem(t, check(older), "token-wrong")
	if err := errors.Join(check(newer), check(bens)); err != nil {
		t.Fatal(err)
	}
	b.time = b.time.Add(time.Hour)
	wantProblem(t, check(newer), "token-over")
	_, _, err := b.Redeem(t.Context(), newer, "another long password", from("192.0.2.1"))
	wantProblem(t, err, "token-over")

	text := b.token(ana.ID)
	cookie := b.signIn("ana", good, "192.0.2.1")
	if _, err := b.ChangePassword(t.Context(), b.session(cookie), good, "another long password", from("192.0.2.1")); err != nil {
		t.Fatal(err)
	}
	wantProblem(t, check(text), "token-wrong")
	text = b.token(ana.ID)
	if err := b.Disable(t.Context(), ana.ID); err != nil {
		t.Fatal(err)
	}
	wantProblem(t, check(text), "token-wrong")
	_, err = b.NewToken(t.Context(), ana.ID, time.Hour)
	wantProblem(t, err, "account-closed")
	_, err = b.NewToken(t.Context(), "nobody", time.Hour)
	wantProblem(t, err, "person-unknown")
}

func TestToken_guessesAreCountedByAddress(t *testing.T) {
	b := newBench(t)
	text := b.token(b.person("ana").ID)
	for range tokenTries {
		_, err := b.CheckToken(t.Context(), printToken(), from("192.0.2.1"))
		wantProblem(t, err, "token-wrong")
	}
	_, _, err := b.Redeem(t.Context(), text, good, from("192.0.2.1"))
	wantProblem(t, err, "signin-locked")
	b.signIn("ana", good, "192.0.2.1") // passwords are another matter
	if _, _, err := b.Redeem(t.Context(), text, good, from("192.0.2.2")); err != nil {
		t.Error(err)
	}
}

func TestToken_isUsedOnceHoweverManyTry(t *testing.T) {
	b := newBench(t)
	text := b.token("")
	made := inParallel(t.Context(), 8, func(ctx context.Context) error {
		_, _, err := b.FirstAccount(ctx, text, NewPerson{Name: "ana", Password: good}, from("192.0.2.1"))
		if err != nil && !errors.Is(err, &problem.Problem{Code: "token-over"}) {
			t.Error(err)
		}
		return err
	})
	ana := b.mustPerson("ana")
	again := b.token(ana.ID)
	redeemed := inParallel(t.Context(), 8, func(ctx context.Context) error {
		_, _, err := b.Redeem(ctx, again, good, from("192.0.2.1"))
		if err != nil && !errors.Is(err, &problem.Problem{Code: "token-over"}) {
			t.Error(err)
		}
		return err
	})
	if made != 1 || redeemed != 1 {
		t.Errorf("%d first accounts, %d times redeemed", made, redeemed)
	}
	if list, err := b.Sessions(t.Context(), ana.ID); err != nil || len(list) != 1 {
		t.Errorf("%d sessions, %v", len(list), err)
	}
}

func FuzzParseToken(f *testing.F) {
	f.Add("7K2M-9QX4-TB3C-5WND-8RHF")
	f.Add("7k2m 9qx4 tb3c\n5wnd—8rhf")
	f.Add("OIL0-1AEU-OIL0-1AEU-OIL0")
	f.Add("7K2M-9QX4-TB3C-5WND")
	f.Fuzz(func(t *testing.T, typed string) {
		letters, ok := parseToken(typed)
		if !ok {
			return
		}
		if len(letters) != tokenLength || strings.Trim(letters, tokenLetters) != "" {
			t.Errorf("%q is %q", typed, letters)
		}
		if again, ok := parseToken(strings.ToLower(letters[:9]) + " - " + letters[9:]); !ok || again != letters {
			t.Errorf("%q, then %q", letters, again)
		}
	})
}
