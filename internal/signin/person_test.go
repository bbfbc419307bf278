// SPDX-License-Identifier: AGPL-3.0-or-later

package signin

import (
	"errors"
	"strings"
	"testing"

	"coopkit/internal/problem"
)

func TestAddPerson_namesAreForOnePersonOnly(t *testing.T) {
	b := newBench(t)
	b.person("ana")
	for code, names := range map[string][]string{
		"person-name-taken":   {"ana", "ANA", " Ana ", "\uff21na"},
		"person-name-invalid": {"", " ", "ana maria", "a\nb", "a\x00", "\u202eana", strings.Repeat("a", 101)},
	} {
		for _, name := range names {
			_, err := b.AddPerson(t.Context(), NewPerson{Name: name, Password: good})
			if !errors.Is(err, &problem.Problem{Code: code}) {
				t.Errorf("%q: %v, want %s", name, err, code)
			}
		}
	}
	for _, display := range []string{"two\nlines", strings.Repeat("a", 201)} {
		_, err := b.AddPerson(t.Context(), NewPerson{Name: "ben", Display: display, Password: good})
		wantProblem(t, err, "person-display-invalid")
	}
	if people, err := b.People(t.Context()); err != nil || len(people) != 1 || people[0].Display != "ana" {
		t.Errorf("%+v, %v", people, err)
	}
}

func TestPerson_keepsWhatWasSaid(t *testing.T) {
	b := newBench(t)
	want, err := b.AddPerson(t.Context(), NewPerson{Name: "ben@demo.coop", Display: "Ben", Language: "fr", Coop: "demo", Role: "technician", Password: good})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := b.Person(t.Context(), want.ID); err != nil || got != want {
		t.Errorf("%+v, want %+v, %v", got, want, err)
	}
	_, err = b.Person(t.Context(), "nobody")
	wantProblem(t, err, "person-unknown")
	_, err = b.PersonByName(t.Context(), "nobody")
	wantProblem(t, err, "person-unknown")
}

func TestDisable_endsSessionsAndLeavesOneAccount(t *testing.T) {
	b := newBench(t)
	ana, ben := b.person("ana"), b.person("ben")
	r := b.signIn("ana", good, "192.0.2.1")
	if err := b.Disable(t.Context(), ana.ID); err != nil {
		t.Fatal(err)
	}
	if b.signedIn(r) {
		t.Error("the session goes on")
	}
	wantProblem(t, b.Disable(t.Context(), ben.ID), "last-account")
	b.signIn("ben", good, "192.0.2.1")
	if err := b.Enable(t.Context(), ana.ID); err != nil {
		t.Fatal(err)
	}
	if b.signedIn(r) {
		t.Error("an old session came back")
	}
	b.signIn("ana", good, "192.0.2.1")
	wantProblem(t, b.Disable(t.Context(), "nobody"), "person-unknown")
	wantProblem(t, b.Enable(t.Context(), "nobody"), "person-unknown")
}

func TestCheckPassword_asksForLengthAndLittleElse(t *testing.T) {
	for password, code := range map[string]string{
		"":                                 "password-short",
		"ninechars":                        "password-short",
		"ñññññññññ":                        "password-short",
		"n\u0303o se\u0301 ya que":         "",
		"n\u0303o n\u0303o n\u0303":        "password-short", // 7 letters of 10 code points
		"ten chars.":                       "",
		"ññññññññññ":                       "password-pattern",
		"aaaaaaaaaaaa":                     "password-pattern",
		"abcabcabcabc":                     "password-pattern",
		"asdfghjklasd":                     "password-pattern",
		"0987654321-":                      "password-pattern",
		"1234512345":                       "password-pattern",
		strings.Repeat("ab", 128):          "password-pattern",
		"four other good words":            "",
		"jkx7-q2mw-94pz":                   "",
		strings.Repeat("otter maple ", 21): "",
		strings.Repeat("ab", 129):          "password-long",
		"Ana@Demo.Coop":                    "password-is-name",
		"Password123":                      "password-common",
		"CONTRASEÑA":                       "password-common",
		"mot-de-passe":                     "password-common",
		"1234567890":                       "password-common",
	} {
		err := CheckPassword("ana@demo.coop", password)
		if code != "" {
			wantProblem(t, err, code)
		} else if err != nil {
			t.Errorf("%q: %v", password, err)
		}
	}
}

func TestCommon_hasNoneThatIsTooShortAnyway(t *testing.T) {
	list := strings.Fields(common)
	if len(list) < 100 {
		t.Errorf("only %d", len(list))
	}
	for _, password := range list {
		if CheckPassword("", password) == nil || password != strings.ToLower(password) || len([]rune(password)) < minPasswordLetters {
			t.Errorf("%q does nothing there", password)
		}
	}
}
