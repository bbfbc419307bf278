// SPDX-License-Identifier: AGPL-3.0-or-later

package apps

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// fold makes two spellings of a word the same: without case, accents and space
// around it. Lists are sorted by it; the tables of all the world's orders
// (package collate) are over a megabyte.
func fold(s string) string {
	bare := strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return unicode.ToLower(r)
	}, norm.NFD.String(s))
	return strings.TrimSpace(bare)
}
