// SPDX-License-Identifier: AGPL-3.0-or-later

package cli

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"text/tabwriter"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

func newList(o *Options) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List the apps that can be added",
		Example: "  coopkit recipe list\n  coopkit recipe list --json",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if asJSON {
				return writeJSON(o.Out, o.Catalogue.All())
			}
			return o.list()
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	return cmd
}

func (o *Options) list() error {
	w := tabwriter.NewWriter(o.Out, 0, 4, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "NAME\tVERSION\tFOR\tMEMORY\tWHAT IT IS")
	room := width(o.Out) - 60
	for _, r := range o.Catalogue.All() {
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%d MiB\t%s\n", r.Name, r.Version, r.Need, r.Needs.MemoryMiB, shorten(r.Summary["en"], room))
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("write list: %w", err)
	}
	return nil
}

// width is the terminal's, or $COLUMNS, or so wide that nothing is cut.
func width(w io.Writer) int {
	if f, ok := w.(*os.File); ok {
		if columns, _, err := term.GetSize(int(f.Fd())); err == nil {
			return columns
		}
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
