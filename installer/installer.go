// SPDX-License-Identifier: AGPL-3.0-or-later

// Package installer owns what puts Coopkit on a machine: install.sh, the units
// of systemd, and what makes the packages. All of it is shell, so there is
// nothing to import; it must not know more of the program than its command
// line. It is tested with the packages that it makes, on whole Debian machines:
// containers in which systemd is the first process and has a Docker Engine of
// its own.
package installer
