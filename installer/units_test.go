// SPDX-License-Identifier: AGPL-3.0-or-later

package installer

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestUnits_haveBounds: a service that something makes grow takes nothing else
// of the machine down.
func TestUnits_haveBounds(t *testing.T) {
	units, err := filepath.Glob("units/*.service")
	if err != nil || len(units) == 0 {
		t.Fatalf("%v, %v", units, err)
	}
	for _, unit := range units {
		text, err := os.ReadFile(unit)
		if err != nil {
			t.Fatal(err)
		}
		for _, bound := range []string{"\nMemoryHigh=", "\nMemoryMax=", "\nTasksMax=", "\nLimitNOFILE="} {
			if !strings.Contains(string(text), bound) {
				t.Errorf("%s has no%s", unit, strings.TrimPrefix(bound, "\n"))
			}
		}
	}
}
