// SPDX-License-Identifier: AGPL-3.0-or-later

package recipes

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"coopkit/internal/problem"
)

func TestExpand(t *testing.T) {
	vars := Vars{"HOST": "www.demo.coop", "SECRET_A": "x$HOST${HOST}"}
	for _, c := range []struct{ in, want string }{
		{"", ""},
		{"https://${HOST}/", "https://www.demo.coop/"},
		{"$$HOST $${HOST} $$$$", "$HOST ${HOST} $$"},
		{"${SECRET_A}", "x$HOST${HOST}"},
	} {
		if got, err := Expand(c.in, vars); err != nil || got != c.want {
			t.Errorf("%q gave %q, %v; want %q", c.in, got, err, c.want)
		}
	}
	for _, in := range []string{"$", "$HOST", "${HOST", "${host}", "${HOST:-x}", "${NOBODY}", "${}"} {
		if got, err := Expand(in, vars); !errors.Is(err, &problem.Problem{Code: "recipe-variable"}) {
			t.Errorf("%q gave %q, %v", in, got, err)
		}
	}
}

func TestGenerateSecrets_areLongAndDifferent(t *testing.T) {
	r := &Recipe{Secrets: []Secret{{Name: "a", Length: 20}, {Name: "b", Length: 128}}}
	one, two := GenerateSecrets(r), GenerateSecrets(r)
	if len(one["a"]) != 20 || len(one["b"]) != 128 || one["a"] == two["a"] {
		t.Errorf("%v, %v", one, two)
	}
	if !regexp.MustCompile(`^[a-zA-Z0-9]+$`).MatchString(one["b"]) || strings.ContainsAny(one["b"], "0OoIl1") {
		t.Errorf("confusing letters in %s", one["b"])
	}
}

func TestCheckSettings(t *testing.T) {
	r := &Recipe{Name: "app", Settings: []Setting{
		{Name: "title", Type: "text", Required: true, Default: "Ours"},
		{Name: "email", Type: "email", Required: true},
		{Name: "seats", Type: "number"},
		{Name: "public", Type: "bool", Default: "false"},
		{Name: "language", Type: "choice", Choices: []string{"en", "es"}, Default: "en"},
		{Name: "code", Type: "text", Pattern: "[a-z]{2}|x"},
	}}
	got, err := CheckSettings(r, map[string]string{"email": " a@demo.coop ", "seats": "007", "public": "T", "code": "ab"})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"title": "Ours", "email": "a@demo.coop", "seats": "7", "public": "true", "language": "en", "code": "ab"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for name, answers := range map[string]map[string]string{
		"missing":        {},
		"unknown":        {"email": "a@demo.coop", "tittle": "x"},
		"no address":     {"email": "Amara <a@demo.coop>"},
		"no number":      {"email": "a@demo.coop", "seats": "7.5"},
		"neither":        {"email": "a@demo.coop", "public": "maybe"},
		"no choice":      {"email": "a@demo.coop", "language": "fr"},
		"half a pattern": {"email": "a@demo.coop", "code": "abc"},
		"two lines":      {"email": "a@demo.coop", "title": "a\nb"},
		"emptied":        {"email": "a@demo.coop", "title": ""},
		"huge":           {"email": "a@demo.coop", "title": strings.Repeat("x", maxAnswer+1)},
	} {
		_, err := CheckSettings(r, answers)
		if p := problem.From(err, ""); !errors.Is(err, &problem.Problem{Code: "setting-invalid"}) || len(p.Next) == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}
