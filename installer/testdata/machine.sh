#!/usr/bin/env bash
# SPDX-License-Identifier: AGPL-3.0-or-later
#
#   machine.sh SUITE IMAGE
#
# Makes an image of a Debian with systemd and a Docker Engine of its own, for
# containers that act as whole machines. It reaches packages as this host does.
set -euo pipefail
suite=$1 image=$2
packages=systemd,systemd-sysv,dbus,ca-certificates,curl,docker.io,iproute2,iptables,procps,python3-minimal
case $suite in bookworm) ;; *) packages+=,docker-cli ;; esac

root=$(mktemp -d -p /var/tmp)
trap 'rm -rf "$root"' EXIT
proxy=$(apt-config dump --format '%v%n' Acquire::http::Proxy)
[ -z "$proxy" ] || export http_proxy=$proxy
debootstrap --variant=minbase --include="$packages" --force-check-gpg \
	--keyring=/usr/share/keyrings/debian-archive-keyring.gpg "$suite" "$root" >"$root.log" 2>&1 || {
	tail -n 20 "$root.log" >&2
	exit 1
}
rm -f "$root.log" "$root"/var/cache/apt/archives/*.deb "$root/etc/machine-id" "$root/var/lib/dbus/machine-id"
# Units that have nothing to do in a container.
for unit in getty.target systemd-networkd-wait-online.service systemd-udevd.service; do
	ln -sf /dev/null "$root/etc/systemd/system/$unit"
done
[ -z "$proxy" ] || echo "Acquire::http::Proxy \"$proxy\";" >"$root/etc/apt/apt.conf.d/90proxy"
tar --create --directory="$root" --numeric-owner --one-file-system . | docker import --change 'CMD ["/sbin/init"]' - "$image" >/dev/null
