// SPDX-License-Identifier: AGPL-3.0-or-later

package web

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// fleetCSV is the fleet as the filter chooses it, all pages, for a spreadsheet.
// Its head is the same in every language, so that programs can rely on it.
func (d *Web) fleetCSV(w http.ResponseWriter, r *http.Request) error {
	a, err := d.as(r)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	out := csv.NewWriter(&b)
	rows := [][]string{{"box", "name", "coop", "caretaker", "state", "level", "code", "what", "since", "seen", "version", "backup", "proven"}}
	filter := filterOf(r.URL.Query())
	for filter.Page = 1; ; filter.Page++ {
		fleet, err := a.Fleet(r.Context(), filter)
		if err != nil {
			return err
		}
		for _, row := range fleet.Rows {
			code, what := "", ""
			if row.Worst != nil {
				code, what = row.Worst.Code, row.Worst.What
			}
			rows = append(rows, []string{
				string(row.ID), text(row.Name), string(row.Coop.ID), string(row.Caretaker.ID), string(row.State), string(row.Level), text(code), text(what),
				stamp(row.Since), stamp(row.Seen), text(row.Version), stamp(row.Backup), stamp(row.Proven),
			})
		}
		if filter.Page >= fleet.Pages {
			break
		}
	}
	if err := out.WriteAll(rows); err != nil {
		return fmt.Errorf("write CSV: %w", err)
	}
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="fleet.csv"`)
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(b.Bytes()) // the browser went away
	return nil
}

// text keeps what a box wrote from being a formula in a spreadsheet.
func text(s string) string {
	if strings.IndexAny(s, "=+-@\t\r") == 0 {
		return "'" + s
	}
	return s
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
