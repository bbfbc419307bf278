#!/bin/sh
# SPDX-License-Identifier: AGPL-3.0-or-later
# Brings the code in the volume up to the image's, makes the configuration
# once, then becomes Apache. Killed at any point, the next start finishes it.
set -eu
src=/usr/src/wordpress
dst=/var/www/html

say() { echo "coopkit: $*" >&2; }

code_version() { # FOLDER
	[ -f "$1/wp-includes/version.php" ] || { echo 0; return; }
	# shellcheck disable=SC2016 # PHP's variables
	php -r 'require $argv[1]; echo $wp_version;' "$1/wp-includes/version.php"
}

newer_than_ours() {
	# shellcheck disable=SC2016 # PHP's variables
	php -r 'exit(version_compare($argv[1], $argv[2], ">") ? 0 : 1);' "$(code_version "$dst")" "$(code_version "$src")"
}

# What members made lives in wp-content: files there are only added, except for
# themes and translations that come with the image.
refresh_code() {
	say "copying WordPress $(code_version "$src") into the volume"
	rm -f "$dst/.coopkit-build"
	rm -rf "$dst/wp-admin" "$dst/wp-includes"
	tar -C "$src" -c --exclude=./.coopkit-build --exclude=./.htaccess --exclude=./wp-content . | tar -C "$dst" -x --no-same-owner --no-overwrite-dir
	mkdir -p "$dst/wp-content"
	tar -C "$src/wp-content" -c . | tar -C "$dst/wp-content" -x --no-same-owner --no-overwrite-dir
	# Debian's has comments alone; one without a rule is as good as none.
	grep -qsv -e '^[[:space:]]*#' -e '^[[:space:]]*$' "$dst/.htaccess" || cp /usr/local/share/wordpress/htaccess "$dst/.htaccess"
	chown www-data:www-data "$dst/.htaccess"
	chown -R www-data:www-data "$dst/wp-content"
	cp "$src/.coopkit-build" "$dst/.coopkit-build"
}

if ! cmp -s "$src/.coopkit-build" "$dst/.coopkit-build"; then
	if newer_than_ours; then
		say "the volume has WordPress $(code_version "$dst"), newer than this image: left as it is"
	else
		refresh_code
	fi
fi

if [ ! -s "$dst/wp-config.php" ]; then
	umask 027
	{
		echo '<?php'
		for key in AUTH_KEY SECURE_AUTH_KEY LOGGED_IN_KEY NONCE_KEY AUTH_SALT SECURE_AUTH_SALT LOGGED_IN_SALT NONCE_SALT; do
			echo "define('$key', '$(head -c 48 /dev/urandom | base64 -w 0)');"
		done
	} > "$dst/.wp-salts.new"
	chgrp www-data "$dst/.wp-salts.new"
	mv "$dst/.wp-salts.new" "$dst/wp-salts.php"
	cp /usr/local/share/wordpress/wp-config.php "$dst/.wp-config.new"
	chgrp www-data "$dst/.wp-config.new"
	mv "$dst/.wp-config.new" "$dst/wp-config.php"
	umask 022
fi

if [ "$1" = apache2 ]; then
	set +u
	# shellcheck disable=SC1091 # of the Debian package
	. /etc/apache2/envvars
	mkdir -p "$APACHE_RUN_DIR" "$APACHE_LOCK_DIR"
	rm -f "$APACHE_PID_FILE"
fi
exec "$@"
