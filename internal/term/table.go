// SPDX-License-Identifier: AGPL-3.0-or-later

package term

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
)

// Table writes rows in aligned columns under head, or the sentence empty when
// there are none.
func (t *Terminal) Table(head []string, rows [][]string, empty string) error {
	if len(rows) == 0 {
		return t.Say("%s\n", empty)
	}
	w := tabwriter.NewWriter(t.Out, 0, 4, 2, ' ', 0)
	for _, row := range append([][]string{upper(head)}, rows...) {
		for i, cell := range row {
			row[i] = Clean(cell)
		}
		if _, err := fmt.Fprintln(w, strings.Join(row, "\t")); err != nil {
			return err
		}
	}
	return w.Flush()
}

// Facts writes pairs of a word and its value, aligned; pairs without a value
// are left out.
func (t *Terminal) Facts(pairs ...string) error {
	w := tabwriter.NewWriter(t.Out, 0, 4, 2, ' ', 0)
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			continue
		}
		if _, err := fmt.Fprintf(w, "%s:\t%s\n", pairs[i], Clean(pairs[i+1])); err != nil {
			return err
		}
	}
	return w.Flush()
}

func upper(words []string) []string {
	up := make([]string, len(words))
	for i, w := range words {
		up[i] = strings.ToUpper(w)
	}
	return up
}

// Clean makes text of unknown origin safe for a terminal: one line, without
// control characters.
func Clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\t' || r == '\n' || unicode.Is(unicode.Zs, r) { // no-break spaces too
			return ' '
		}
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, s)
}

// Bytes says a number of bytes for people, in powers of ten as pages do.
func Bytes(n int64) string {
	const units = "kMGTPE"
	if n < 1000 {
		return fmt.Sprintf("%d B", n)
	}
	v, i := float64(n)/1000, 0
	for v >= 999.95 && i < len(units)-1 {
		v, i = v/1000, i+1
	}
	return fmt.Sprintf("%.1f %cB", v, units[i])
}

// Count says how many: "1 file", "3 files".
func Count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// Time says when, in the place's own time; nothing for the zero time.
func Time(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format("2006-01-02 15:04 MST")
}
