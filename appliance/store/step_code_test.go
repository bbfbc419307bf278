// SPDX-License-Identifier: AGPL-3.0-or-later

package store

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"coopkit/appliance"
	"coopkit/internal/testkit"
)

// TestDump_stepsOfTheFirstVersionKeepTheirTitles: its jobs have sentences where
// there are codes now, and its findings English words for who can act.
func TestDump_stepsOfTheFirstVersionKeepTheirTitles(t *testing.T) {
	testkit.Dumps(t, filepath.Join("testdata", "dumps"), func(t *testing.T, name, path string) { //nolint:thelper // it is the test
		if !strings.HasPrefix(name, "0.0-") {
			return
		}
		s, err := Open(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		all, err := s.Jobs(t.Context(), 100)
		if err != nil || len(all) == 0 || all[0].Steps[0].Code != "Record the app and make its secrets" {
			t.Errorf("%+v, %v", all, err)
		}
		findings, err := s.LoadFindings(t.Context())
		if err != nil || len(findings) == 0 {
			t.Errorf("findings %+v, %v", findings, err)
		}
		for _, f := range findings {
			if !slices.Contains(appliance.Actors, f.Who) {
				t.Errorf("%s: %q can act", f.Code, f.Who)
			}
		}
	})
}
