// SPDX-License-Identifier: AGPL-3.0-or-later

package health

import (
	"log/slog"
	"strings"
	"testing"
	"time"
)

func TestDeskCheck(t *testing.T) {
	at := "desk.example"
	for name, c := range map[string]struct {
		desk Desk
		code string
		why  string
	}{
		"none":               {Desk{}, "", ""},
		"linked":             {Desk{Host: at, Heard: noon.Add(-time.Minute)}, "", ""},
		"away for a while":   {Desk{Host: at, Heard: noon.Add(-time.Hour), Trouble: "no route"}, "", ""},
		"away for long":      {Desk{Host: at, Heard: noon.Add(-61 * time.Minute), Trouble: "no route"}, "DESK-SILENT", "2026-11-23 10:59:00: no route."},
		"not tried for long": {Desk{Host: at, Heard: noon.Add(-61 * time.Minute)}, "DESK-SILENT", "on 2026-11-23 10:59:00."},
		"refuses":            {Desk{Host: at, Heard: noon, Refused: "two boxes report"}, "DESK-REFUSED", "two boxes report."},
		"clock set back":     {Desk{Host: at, Heard: noon.AddDate(1, 0, 0)}, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := healthy(t)
			f.Desk = func() Desk { return c.desk }
			found, err := deskCheck(f).Run(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if c.code == "" {
				if len(found) != 0 {
					t.Errorf("found %+v", found)
				}
				return
			}
			if len(found) != 1 || found[0].Code != c.code || found[0].Subject != "desk:"+at || !strings.Contains(found[0].Why, c.why) || len(found[0].Next) == 0 {
				t.Errorf("found %+v; want %s because %q", found, c.code, c.why)
			}
		})
	}
}

// TestChanged_tellsOfEachChange: who reports is told once what showed before is known, and at
// each change after that.
func TestChanged_tellsOfEachChange(t *testing.T) {
	f := healthy(t)
	heard := 0
	d := Desk{Host: "desk.example", Refused: "no"}
	f.Desk = func() Desk { return d }
	r, err := New(Deps{Log: slog.New(slog.DiscardHandler), Changed: func() { heard++ }}, deskCheck(f))
	if err != nil {
		t.Fatal(err)
	}
	check := r.Checks()[0]
	for range 5 {
		r.take(t.Context(), r.run(t.Context(), check))
	}
	if heard != 1 || len(r.Findings()) != 1 {
		t.Errorf("told %d times of %d findings; want one change", heard, len(r.Findings()))
	}
	d = Desk{}
	for range 5 {
		r.take(t.Context(), r.run(t.Context(), check))
	}
	if heard != 2 || len(r.Findings()) != 0 {
		t.Errorf("told %d times; %d findings left", heard, len(r.Findings()))
	}
}
