#!/bin/sh
# SPDX-License-Identifier: AGPL-3.0-or-later
set -e
case $1 in remove | purge) ;; *) exit 0 ;; esac # during an upgrade all stays
rm -f /usr/bin/coopkit.previous
[ ! -d /run/systemd/system ] || systemctl daemon-reload
[ "$1" != purge ] || rm -rf /etc/coopkit /etc/systemd/system/coopkit-dns.socket.d /etc/systemd/system/coopkit-agent.service.d
# No data is ever removed by a package manager: nobody would be asked.
if [ "$1" = purge ] && [ -d /var/lib/coopkit ]; then
	echo "The data of the box stays in /var/lib/coopkit; it holds every password and site of it."
fi
