#!/bin/sh
# SPDX-License-Identifier: AGPL-3.0-or-later
# Prepares the volume and becomes Apache. Runs as any user that owns /storage.
set -eu

mkdir -p /storage/conf /storage/data
for dir in attic cache index locks log media media_attic media_meta meta pages tmp; do
	mkdir -p "/storage/data/$dir"
done
# The help pages and pictures that come with the wiki; members' pages stay.
cp -R --no-preserve=mode,ownership /usr/share/dokuwiki/data.core/. /storage/data/

# Plug-ins and templates of the image are linked beside those that members
# installed, so that an update of the image updates them.
for kind in plugins tpl; do
	mkdir -p "/storage/lib/$kind"
	for core in /usr/share/dokuwiki/lib.core/"$kind"/*; do
		link=/storage/lib/$kind/$(basename "$core")
		[ -L "$link" ] || rm -rf "$link"
		ln -sfn "$core" "$link"
	done
done

if [ "$1" = apache2 ]; then
	set +u
	# shellcheck disable=SC1091 # of the Debian package
	. /etc/apache2/envvars
	rm -f /tmp/apache2.pid
fi
exec "$@"
