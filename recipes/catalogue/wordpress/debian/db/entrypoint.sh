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

first_sql() {
	root_host=${MARIADB_ROOT_HOST:-localhost}
	echo "FLUSH PRIVILEGES;"
	echo "CREATE USER IF NOT EXISTS 'root'@$(quote "$root_host") IDENTIFIED BY $(quote "$MARIADB_ROOT_PASSWORD");"
	echo "ALTER USER 'root'@$(quote "$root_host") IDENTIFIED BY $(quote "$MARIADB_ROOT_PASSWORD");"
	echo "GRANT ALL ON *.* TO 'root'@$(quote "$root_host") WITH GRANT OPTION;"
	echo "CREATE DATABASE IF NOT EXISTS $(name "$MARIADB_DATABASE");"
	echo "CREATE USER IF NOT EXISTS $(quote "$MARIADB_USER")@'%' IDENTIFIED BY $(quote "$MARIADB_PASSWORD");"
	echo "GRANT ALL ON $(name "$MARIADB_DATABASE").* TO $(quote "$MARIADB_USER")@'%';"
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
	unset MARIADB_ROOT_PASSWORD
fi
exec "$@"
