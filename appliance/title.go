// SPDX-License-Identifier: AGPL-3.0-or-later

package appliance

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"coopkit/internal/problem"
)

// MaxTitle is how many letters an everyday name may have.
const MaxTitle = 60

// ParseTitle checks an everyday name and returns it with single spaces. Empty
// means that nobody chose one. The error is a Problem "title-invalid".
func ParseTitle(s string) (string, error) {
	title := strings.Join(strings.Fields(s), " ")
	odd := func(r rune) bool { return !unicode.IsPrint(r) }
	if !utf8.ValidString(title) || utf8.RuneCountInString(title) > MaxTitle || strings.ContainsFunc(title, odd) {
		return "", &problem.Problem{
			Code: "title-invalid", Kind: problem.Invalid,
			What: "that cannot be the everyday name of an app",
			Why:  "it has at most 60 letters, and nothing that does not print",
			Next: []string{"choose a short name, such as Handbook"},
		}
	}
	return title, nil
}

// SameTitle returns another app of these that people call by the same title,
// whatever its capitals; ok is false when there is none.
func SameTitle(all []App, name InstallName, title string) (other App, ok bool) {
	for _, a := range all {
		if a.Name != name && !a.Scratch && strings.EqualFold(a.Title, title) {
			return a, true
		}
	}
	return App{}, false
}
