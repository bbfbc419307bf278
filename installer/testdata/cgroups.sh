#!/usr/bin/env bash
# SPDX-License-Identifier: AGPL-3.0-or-later
#
# Gives back the control groups (version 1) that systemd in a machine has taken into use: on a host that has not mounted
# them, they stay behind, and its Docker Engine then no longer notices when a container runs out of memory.
set -euo pipefail

mounted() { grep -Eq " - cgroup [^ ]+ [^ ]*\b${1%%,*}\b" /proc/self/mountinfo; }

at=$(mktemp -d)
trap 'rmdir "$at"' EXIT
for _ in 1 2 3; do # one is gone only after the last group in it is
	while IFS=: read -r _ controllers _; do
		case $controllers in "" | name=*) continue ;; esac
		mounted "$controllers" && continue
		mount -t cgroup -o "$controllers" none "$at" || continue
		find "$at" -mindepth 1 -depth -type d -exec rmdir {} +
		umount "$at"
	done </proc/self/cgroup
done
