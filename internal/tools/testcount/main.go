// SPDX-License-Identifier: AGPL-3.0-or-later

// Command testcount reads what "go test -json" says on its standard input,
// shows the output of what failed as soon as it has, lists the slowest tests,
// and ends with one line, "N passed, N failed, N skipped". It exits with 1 when a test failed or none
// ran. It knows nothing of what is tested. Its tests feed it recorded runs.
package main

import (
	"fmt"
	"os"
)

func main() {
	c := newCounter(os.Stdout)
	if err := c.run(os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, "testcount:", err)
		os.Exit(1)
	}
	if !c.ok() {
		os.Exit(1)
	}
}
