// SPDX-License-Identifier: AGPL-3.0-or-later

// Package demo has the tests of demo.sh, which is "make demo": they run it
// against small servers and programs that stand for the appliance, and once with
// the real one on a real engine. The script types the commands of coopkit and
// knows nothing of its inside.
package demo
