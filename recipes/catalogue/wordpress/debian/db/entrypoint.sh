#!/bin/sh
# SPDX-License-Identifier: AGPL-3.0-or-later
# Makes the database once, then becomes the server. A first start that was cut
# short is begun again; an existing database is never touched.
set -eu
data=/var/lib/mysql
unfinished=$data/.coopkit-unfinished

say() { echo "coopkit: $*" >&2; }

quote() { # VALUE as an SQL string
	printf "'%s'" "$(printf '%s' "$1" | sed -e 's/\\/\\\\/g' -e "s/'/''/g")"
}

name() { # VALUE as an SQL name
	# shellcheck disable=SC2016 # the backticks are SQL's
	printf '`%s`' "$(printf '%s' "$1" | sed -e 's/`/``/g')"
}

# The accounts that come with a new database have no password: they go first.
first_sql() {
	root=$(quote "$MARIADB_ROOT_PASSWORD")
	password=$(quote "$MARIADB_PASSWORD")
	user=$(quote "$MARIADB_USER")
	database=$(name "$MARIADB_DATABASE")
	printf '%s\n' \
		"DELETE FROM mysql.global_priv WHERE User <> 'mariadb.sys';" \
		"FLUSH PRIVILEGES;" \
		"CREATE USER root@localhost IDENTIFIED BY $root;" \
		"GRANT ALL ON *.* TO root@localhost WITH GRANT OPTION;" \
		"CREATE DATABASE $database;" \
		"CREATE USER $user@'%' IDENTIFIED BY $password;" \
		"GRANT ALL ON $database.* TO $user@'%';"
}

make_database() {
	say "making the database"
	mariadb-install-db --user=mysql --datadir="$data" --auth-root-authentication-method=normal \
		--skip-test-db --skip-log-bin > /dev/null
	first_sql | mariadbd --user=mysql --datadir="$data" --bootstrap --skip-log-bin
}

case "${1:-}" in
-*) set -- mariadbd "$@" ;;
esac

if [ "${1:-}" = mariadbd ]; then
	: "${MARIADB_ROOT_PASSWORD:?is needed}" "${MARIADB_DATABASE:?is needed}" "${MARIADB_USER:?is needed}" "${MARIADB_PASSWORD:?is needed}"
	mkdir -p /run/mysqld
	chown mysql:mysql /run/mysqld "$data"
	if [ -e "$unfinished" ]; then
		say "the first start was cut short: beginning again"
		find "$data" -mindepth 1 ! -path "$unfinished" -delete
		make_database
		rm "$unfinished"
	elif [ ! -d "$data/mysql" ]; then
		touch "$unfinished"
		make_database
		rm "$unfinished"
	fi
	unset MARIADB_ROOT_PASSWORD MARIADB_ROOT_HOST
fi
exec "$@"
