# shellcheck shell=bash
# SPDX-License-Identifier: AGPL-3.0-or-later
#
# What scripts of ours say and wait for; a script reads it with ".".

say() { printf '%s\n' "$*"; }

# fail WHAT WHY NEXT…: the three things that every message of ours says.
fail() {
	local what=$1 why=$2
	shift 2
	printf 'coopkit: %s\nwhy: %s\n' "$what" "$why" >&2
	printf 'next: %s\n' "$@" >&2
	exit 1
}

# wait_for SECONDS COMMAND…: true as soon as COMMAND is.
wait_for() {
	local deadline=$((SECONDS + $1))
	shift
	until "$@"; do
		[ "$SECONDS" -lt "$deadline" ] || return 1
		sleep 0.2
	done
}
