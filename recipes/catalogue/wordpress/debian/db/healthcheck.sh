#!/bin/sh
# SPDX-License-Identifier: AGPL-3.0-or-later
# Succeeds when the server answers over TCP and lets the app's own account in.
# The options of the upstream script are accepted; this check covers them.
exec env MYSQL_PWD="$MARIADB_PASSWORD" mariadb --no-defaults --protocol=tcp --host=127.0.0.1 \
	--user="$MARIADB_USER" --connect-timeout=5 --batch --skip-column-names --execute='SELECT 1' "$MARIADB_DATABASE" > /dev/null
