// SPDX-License-Identifier: AGPL-3.0-or-later

package area

import (
	"strings"

	"coopkit/appliance"
)

// Sentence makes a sentence of what a Problem says: a capital letter first and
// a full stop at the end.
func Sentence(s string) string {
	if s == "" {
		return ""
	}
	first := string([]rune(s)[0])
	s = strings.ToUpper(first) + s[len(first):]
	if strings.ContainsAny(s[len(s)-1:], ".!?") {
		return s
	}
	return s + "."
}

// Own leaves out the apps that "coopkit recipe test" made.
func Own(all []appliance.App) []appliance.App {
	var out []appliance.App
	for _, a := range all {
		if !a.Scratch {
			out = append(out, a)
		}
	}
	return out
}
