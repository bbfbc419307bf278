// SPDX-License-Identifier: AGPL-3.0-or-later

// Package signin owns accounts: passwords, sessions, one-time tokens, and what
// slows down those who guess. The console and the desk share it, each with a
// database of its own. It knows nothing of pages and roles, and of HTTP only
// cookies. Its tests use real databases and a clock of their own; they count
// password hashes instead of measuring time.
package signin
