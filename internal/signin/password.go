// SPDX-License-Identifier: AGPL-3.0-or-later

package signin

import (
	_ "embed" // for the list
	"slices"
	"strings"
	"unicode/utf8"

	"coopkit/internal/problem"
)

const (
	minPasswordLetters = 10
	maxPasswordBytes   = 256
)

// common are the passwords that are tried first, one a line, without those
// that are too short anyway.
//
//go:embed common.txt
var common string

// CheckPassword returns a Problem for the first rule that a new password of the
// person with that sign-in name breaks: "password-short", "password-long",
// "password-is-name", "password-common" or "password-pattern". There are no
// others: what makes a password good is its length.
func CheckPassword(name, password string) error {
	folded := strings.ToLower(string(normal(password)))
	switch {
	case utf8.RuneCountInString(folded) < minPasswordLetters:
		return &problem.Problem{
			Code: "password-short", Kind: problem.Invalid,
			What: "the password is too short",
			Why:  "it needs 10 letters, digits or signs",
			Next: []string{"use four unrelated words"},
		}
	case len(password) > maxPasswordBytes:
		return &problem.Problem{
			Code: "password-long", Kind: problem.Invalid,
			What: "the password is too long",
			Why:  "it may have 256 bytes, which are as many plain letters",
			Next: []string{"take a shorter one: six words are more than enough"},
		}
	case folded == signInName(name):
		return &problem.Problem{
			Code: "password-is-name", Kind: problem.Invalid,
			What: "the password is the name",
			Why:  "who guesses tries the name first",
			Next: []string{"use four unrelated words"},
		}
	case slices.Contains(strings.Fields(common), folded):
		return &problem.Problem{
			Code: "password-common", Kind: problem.Invalid,
			What: "many people have this password",
			Why:  "who guesses tries it among the first",
			Next: []string{"use four unrelated words"},
		}
	case patterned(folded):
		return &problem.Problem{
			Code: "password-pattern", Kind: problem.Invalid,
			What: "the password repeats itself or follows a simple pattern",
			Why:  "patterns such as aaaaaaaaaa, abcabcabca and 1234567890 are tried first",
			Next: []string{"use four unrelated words"},
		}
	}
	return nil
}

// minDifferent is how many places of a password must not follow from what is
// before them.
const minDifferent = 6

// patterned reports whether nearly every letter of a password follows from those
// before it: the same again, the next or the one before in the alphabet or on a
// keyboard, or what stood a few places earlier.
func patterned(password string) bool {
	letters := []rune(password)
	surprises := 0
	for i, c := range letters {
		followed := i > 0 && follows(letters[i-1], c)
		for back := 1; back <= 4 && back <= i && !followed; back++ {
			followed = letters[i-back] == c
		}
		if !followed {
			surprises++
		}
	}
	return surprises < minDifferent
}

// rows are neighbours on keyboards.
const rows = "qwertyuiop asdfghjkl zxcvbnm azertyuiop qsdfghjklm wxcvbn"

func follows(before, c rune) bool {
	if d := c - before; d >= -1 && d <= 1 {
		return true
	}
	pair, turned := string([]rune{before, c}), string([]rune{c, before})
	return strings.Contains(rows, pair) || strings.Contains(rows, turned) || pair == "90" || pair == "09"
}
