#!/bin/sh
# SPDX-License-Identifier: AGPL-3.0-or-later
set -e
[ "$1" != configure ] || exec bash /usr/lib/coopkit/install.sh configure
