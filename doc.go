// SPDX-License-Identifier: AGPL-3.0-or-later

// Package coopkit is the co-op IT toolkit appliance: one agent on a co-op's own
// server that runs the network's recommended open-source apps, manages the
// co-op's names and certificates, and keeps watch. The program is cmd/coopkit;
// docs/contributing/layout.md is the tour of the folders. This folder holds no
// code, only the test of the rules that the whole repository keeps.
package coopkit
