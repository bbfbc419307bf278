// SPDX-License-Identifier: AGPL-3.0-or-later

package cli

import (
	"fmt"
	"os"
	"strconv"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"coopkit/internal/term"
)

func newList(o *Options) *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List the apps that can be added",
		Example: "  coopkit recipe list\n  coopkit recipe list --json",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return o.Show(o.Catalogue.All(), o.list)
		},
	}
}

func (o *Options) list() error {
	var rows [][]string
	room := o.width() - 60
	for _, r := range o.Catalogue.All() {
		rows = append(rows, []string{r.Name, r.Version, r.Need, fmt.Sprintf("%d MiB", r.Needs.MemoryMiB), shorten(r.Summary["en"], room)})
	}
	return o.Table([]string{"name", "version", "for", "memory", "what it is"}, rows, "The catalogue has no app.")
}

// width is the terminal's, or $COLUMNS, or so wide that nothing is cut.
func (o *Options) width() int {
	if columns, ok := term.Width(o.Out); ok {
		return columns
	}
	if columns, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil {
		return columns
	}
	return 1000
}

// shorten cuts text to room letters, at least 20, with an ellipsis.
func shorten(text string, room int) string {
	room = max(room, 20)
	if utf8.RuneCountInString(text) <= room {
		return text
	}
	return string([]rune(text)[:room-1]) + "…"
}
