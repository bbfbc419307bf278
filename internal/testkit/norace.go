// SPDX-License-Identifier: AGPL-3.0-or-later

//go:build !race

package testkit

// Race reports whether this test runs with the race detector, with which a
// process takes some ten times as much memory.
const Race = false
