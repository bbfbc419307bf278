#!/usr/bin/env bash
# SPDX-License-Identifier: AGPL-3.0-or-later
#
# Makes a Debian machine ready for "make demo", "make test" and "make bench".
#
#   devmachine.sh packages LIST                install what is missing, from Debian; LIST is
#                                              demo, test, bench or packages
#   devmachine.sh axe DIR                      put axe-core there, which looks for barriers in pages
#   devmachine.sh lighthouse DIR               put Lighthouse there, which judges pages
#   devmachine.sh mta DIR                      put a mail server (Exim) there, which is not installed: this
#                                              machine may have one of its own
#   devmachine.sh engine DIR                   start a Docker Engine if none answers;
#                                              one that we start has DIR/engine.pid and DIR/engine.log
#   devmachine.sh engine-stop DIR              stop the engine that "engine DIR" started
#
# It changes nothing that is there already, and it may run any number of times.
set -euo pipefail
# shellcheck source=installer/script.sh
. "$(dirname "$0")/script.sh"

demo_packages=(bind9-dnsutils ca-certificates curl debian-archive-keyring debootstrap docker.io gcc git libc6-dev)
# Where the kernel has AppArmor, an engine without its parser can start no container.
[ "$(cat /sys/module/apparmor/parameters/enabled 2>/dev/null)" != Y ] || demo_packages+=(apparmor)
package_packages=(gcc gcc-aarch64-linux-gnu gcc-arm-linux-gnueabihf git libc6-dev libc6-dev-arm64-cross libc6-dev-armhf-cross)
test_packages=("${demo_packages[@]}" "${package_packages[@]}" bind9 chromium docker-registry fonts-noto-core knot knot-dnsutils nsd qemu-user-static shellcheck)
bench_packages=("${demo_packages[@]}" caddy chromium dnsperf fonts-noto-core knot nginx-light wrk)

need_root() {
	[ "$(id -u)" -eq 0 ] && return
	fail "$1" "this account is not root" "run it again as root, for example with sudo"
}

installed() { dpkg-query --show --showformat='${Status}' "$1" 2>/dev/null | grep -q '^install ok installed$'; }

# apt runs apt-get without questions. Its output is shown only when it fails.
apt() {
	local log
	log=$(mktemp)
	if DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 "$@" >"$log" 2>&1 </dev/null; then
		rm -f "$log"
		return 0
	fi
	tail -n 20 "$log" >&2
	rm -f "$log"
	return 1
}

packages() {
	local missing=() p
	command -v dpkg-query >/dev/null || fail "cannot install what is needed" \
		"this machine has no dpkg; the scripts know Debian and its relatives only" \
		"use Debian 12, or install by hand: $*"
	for p in "$@"; do
		installed "$p" || missing+=("$p")
	done
	[ ${#missing[@]} -eq 0 ] && return
	need_root "cannot install ${missing[*]}"
	say "installing from Debian: ${missing[*]}"
	# Lists that are absent or old name files that the mirror no longer has.
	if apt install --yes --no-install-recommends "${missing[@]}" 2>/dev/null; then
		quiet "${missing[@]}"
		return
	fi
	apt update || fail "cannot read Debian's package lists" "the package mirror did not answer (see above)" \
		"check the connection and /etc/apt/sources.list, then run the same command again"
	apt install --yes --no-install-recommends "${missing[@]}" ||
		fail "cannot install ${missing[*]}" "apt-get said no (see above)" "put that right, then run the same command again"
	quiet "${missing[@]}"
}

# axe fetches axe-core once; what npm brings must have the content that we know.
axe() {
	local dir=$1 version=4.14.1 file
	file=$dir/axe-$version.min.js
	[ -f "$file" ] && return
	command -v npm >/dev/null || packages npm
	mkdir -p "$dir"
	say "fetching axe-core $version with npm"
	(cd "$dir" && npm pack --silent "axe-core@$version" >/dev/null 2>&1 && tar -xzf "axe-core-$version.tgz" package/axe.min.js) ||
		fail "cannot fetch axe-core $version" "npm said no" "check the connection: npm view axe-core version"
	echo "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c  $dir/package/axe.min.js" | sha256sum --check --status ||
		fail "axe-core $version is not what it was" "its checksum is another one" "find out why, before you run it"
	mv "$dir/package/axe.min.js" "$file"
	rm -rf "$dir/package" "$dir/axe-core-$version.tgz"
}

# lighthouse installs Lighthouse once, with what it needs: each package must have the
# content that the lock file knows.
lighthouse() {
	local dir=$1 lock
	lock=$(dirname "$0")/../internal/tools/bench/lighthouse
	cmp --silent "$lock/package-lock.json" "$dir/package-lock.json" && [ -f "$dir/node_modules/lighthouse/package.json" ] && return
	command -v npm >/dev/null || packages npm
	mkdir -p "$dir"
	say "fetching Lighthouse with npm"
	cp "$lock/package.json" "$lock/package-lock.json" "$dir"
	(cd "$dir" && npm ci --silent --ignore-scripts --no-audit --no-fund >/dev/null 2>&1) || {
		rm -f "$dir/package-lock.json"
		fail "cannot fetch Lighthouse" "npm said no" "cd $dir && npm ci --ignore-scripts, which says why"
	}
}

# mta unpacks Exim and the one library that only it needs, from Debian's signed
# packages. To install it would take the place of the machine's own mail server.
mta() {
	local dir=$1
	[ -x "$dir/usr/sbin/exim4" ] && return
	mkdir -p "$dir/deb"
	say "fetching Exim from Debian"
	(cd "$dir/deb" && apt-get -qq -o APT::Sandbox::User=root download exim4-daemon-light libidn12 >/dev/null) ||
		fail "cannot fetch exim4-daemon-light" "apt-get said no" "apt-get update, then run the same command again"
	for deb in "$dir"/deb/*.deb; do dpkg -x "$deb" "$dir"; done
	rm -r "$dir/deb"
}

answers() { docker version --format '{{.Server.Version}}' >/dev/null 2>&1; }

# servers PACKAGE…: the services of packages that we want for their programs only.
servers() {
	local p
	for p in "$@"; do
		case $p in
		bind9) echo named ;;
		nginx-light) echo nginx ;;
		caddy | docker-registry | knot | nsd) echo "$p" ;;
		esac
	done
}

# quiet PACKAGE…: servers that came with what we installed neither run nor start at the next boot.
quiet() {
	local units
	[ -d /run/systemd/system ] || return 0
	mapfile -t units < <(servers "$@")
	[ ${#units[@]} -eq 0 ] || systemctl --quiet disable --now "${units[@]}"
}

# mount_cgroups gives a machine without an init system what systemd would have mounted.
mount_cgroups() {
	grep -qs ' cgroup2\? ' /proc/self/mounts && return
	packages cgroupfs-mount
	cgroupfs-mount
}

engine() {
	local dir=$1
	answers && return
	need_root "cannot start the Docker Engine"
	mkdir -p "$dir"
	if [ -d /run/systemd/system ]; then
		say "starting the Docker Engine (systemctl start docker)"
		systemctl start docker || fail "the Docker Engine does not start" "systemd could not start its service" "read: journalctl -u docker"
		wait_for 60 answers || fail "the Docker Engine does not answer" "its service runs, but nothing listens on its socket" "read: journalctl -u docker"
		return
	fi
	say "starting the Docker Engine (dockerd, its log is $dir/engine.log)"
	mount_cgroups
	forget_dead_engine
	setsid dockerd >>"$dir/engine.log" 2>&1 </dev/null &
	echo $! >"$dir/engine.pid"
	wait_for 60 answers || {
		tail -n 5 "$dir/engine.log" >&2
		fail "the Docker Engine does not answer" "dockerd was started, but its socket stays silent (its last words are above)" "read: $dir/engine.log"
	}
}

# runs PID: true while that process is a dockerd. The number may have passed to another program, or belong to a
# dead process that nobody has buried: that one has a name still, but no program.
runs() { [[ "$(readlink "/proc/$1/exe" 2>/dev/null)" = */dockerd* ]]; }
gone() { ! runs "$1"; }

# A dockerd that was killed leaves the file with its number, and the next one refuses to start if that number is taken.
forget_dead_engine() {
	local pid
	pid=$(cat /var/run/docker.pid 2>/dev/null) || return 0
	runs "$pid" || rm -f /var/run/docker.pid
}

engine_stop() {
	local file=$1/engine.pid pid
	[ -f "$file" ] || return 0
	pid=$(cat "$file")
	if runs "$pid"; then
		if [ -n "$(docker ps --quiet 2>/dev/null)" ]; then
			say "the Docker Engine keeps running: containers that are not ours run on it (its process is $pid)"
			return 0
		fi
		say "stopping the Docker Engine that we started (process $pid)"
		kill -TERM "$pid"
		wait_for 30 gone "$pid" || fail "the Docker Engine does not stop" "process $pid still runs after 30 seconds" "read: $1/engine.log"
	fi
	rm -f "$file"
}

case "${1:-} ${2:-}" in
"packages demo") packages "${demo_packages[@]}" ;;
"packages test") packages "${test_packages[@]}" ;;
"packages bench") packages "${bench_packages[@]}" ;;
"packages packages") packages "${package_packages[@]}" ;;
"axe "?*) axe "$2" ;;
"lighthouse "?*) lighthouse "$2" ;;
"mta "?*) mta "$2" ;;
"engine "?*) engine "$2" ;;
"engine-stop "?*) engine_stop "$2" ;;
*) fail "that is not a command of this script" "it got: $*" "read the first lines of $0" ;;
esac
