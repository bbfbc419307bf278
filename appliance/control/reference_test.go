// SPDX-License-Identifier: AGPL-3.0-or-later

package control_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"coopkit/appliance/control"
)

var update = flag.Bool("update", false, "write the table of the reference page again")

const page = "../../docs/reference/control-api.md"

// TestReference: the table of the page lists exactly the routes.
func TestReference(t *testing.T) {
	const begin, end = "<!-- routes: made from the code -->\n", "<!-- end of routes -->\n"
	var table strings.Builder
	table.WriteString("| request | what it does |\n|---|---|\n")
	for _, row := range control.Table() {
		fmt.Fprintf(&table, "| `%s` | %s |\n", row[0], row[1])
	}
	data, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(data), begin)
	old, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has lost the marks around its table", page)
	}
	if *update {
		if err := os.WriteFile(page, []byte(before+begin+table.String()+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if d := cmp.Diff(old, table.String()); d != "" {
		t.Errorf("%s is out of date; go test ./appliance/control -run TestReference -update (-page +code):\n%s", page, d)
	}
}
