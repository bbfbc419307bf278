// SPDX-License-Identifier: AGPL-3.0-or-later

// Command coopkit is the co-op IT toolkit appliance: agent, desk and command
// line in one program. It only joins their commands (root.go); scripts in
// appliance/cli/testdata and its own test run it.
package main

import "os"

func main() { os.Exit(run(os.Args[1:])) }
