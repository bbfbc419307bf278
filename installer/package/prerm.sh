#!/bin/sh
# SPDX-License-Identifier: AGPL-3.0-or-later
set -e
# During an upgrade the agent runs on, until the new one takes its place.
[ "$1" != remove ] || exec bash /usr/lib/coopkit/install.sh remove
