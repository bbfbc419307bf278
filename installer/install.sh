#!/usr/bin/env bash
# SPDX-License-Identifier: AGPL-3.0-or-later
#
# Installs Coopkit on Debian 12 or newer, or Ubuntu 22.04 or newer. As root:
#
#   install.sh               install, or upgrade what is there
#   install.sh --uninstall   remove the program; the data stays
#
# install.sh --help lists the rest. It may run any number of times: what is
# there already stays as it is. The package's own scripts call it too (the
# commands "configure", "remove" and "purge"), so that there is one way only.
set -euo pipefail
umask 022
export LC_ALL=C DEBIAN_FRONTEND=noninteractive

usage() {
	cat <<'USAGE'
Installs Coopkit on this machine, or upgrades it. Run it as root.

  install.sh [options]
      --binary FILE     install this program
      --from URL        fetch the package from this folder on the web, which
                        must have a file SHA256SUMS beside it
                        (without either: the package or program beside this script)
      --dry-run         show what would be done, and do nothing
      --no-dns          without a name server of its own
      --no-engine       do not install or start a container engine
      --build-from-debian
                        let the agent build apps from Debian's packages, where no
                        registry of images can be reached; it then runs as root
      --wait SECONDS    how long the agent may take until it is ready (60)

  install.sh --uninstall [--purge [--yes]] [--dry-run]
      remove the program; the data stays, unless --purge, which asks first

  install.sh --start    start the agent on a machine without systemd
USAGE
}

state=/var/lib/coopkit config=/etc/coopkit run=/run/coopkit logs=/var/log/coopkit
service=coopkit-agent.service
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
arch=$(dpkg --print-architecture 2>/dev/null || uname -m)

command=install binary='' from='' dry='' dns=yes engine=yes build='' purge='' yes='' wait=60
drop_ins=(/etc/systemd/system/coopkit-dns.socket.d /etc/systemd/system/coopkit-agent.service.d)

say() { printf '%s\n' "$*"; }

# problem WHAT WHY NEXT…: the three things that every message of ours says.
problem() {
	local what=$1 why=$2
	shift 2
	printf 'coopkit: %s\nwhy: %s\n' "$what" "$why" >&2
	printf 'next: %s\n' "$@" >&2
}
fail() {
	problem "$@"
	exit 1
}
# A check that finds something says all of it at once, before anything is done.
stops=0
stop() {
	problem "$@"
	stops=$((stops + 1))
}
warn() { problem "$@"; }

# would TEXT…: says what is about to be done; true when it must not be.
would() {
	if [ "$dry" ]; then say "would $*"; else say "$*"; fi
	[ "$dry" ]
}

has_systemd() { [ -d /run/systemd/system ]; }
# packaged is true from the moment that dpkg unpacked the package; configured, when all went well.
packaged() { package_is 'installed|unpacked|half-configured'; }
package_is() { dpkg-query --show --showformat='${Status}' coopkit 2>/dev/null | grep -qxE "(install|deinstall|purge) ok ($1)"; }
active() { has_systemd && systemctl --quiet is-active "$1"; }

# places PACKAGED: where things are. What no package owns is below /usr/local and /etc.
places() {
	program=/usr/local/bin/coopkit units=/etc/systemd/system lib=/usr/local/lib/coopkit
	[ -z "$1" ] || { program=/usr/bin/coopkit units=/usr/lib/systemd/system lib=/usr/lib/coopkit; }
}

# apt runs apt-get without questions. Its output is shown only when it fails.
apt() {
	local log
	log=$(mktemp)
	if apt-get -qq -o DPkg::Lock::Timeout=300 "$@" >"$log" 2>&1 </dev/null; then
		rm -f "$log"
		return 0
	fi
	tail -n 20 "$log" >&2
	rm -f "$log"
	return 1
}

# ---- checks: each says what is wrong, why, and what to do next ----

check_root() {
	[ "$(id -u)" -eq 0 ] || fail "this account may not install programs" "it is not root" "run it again as root, for example with sudo"
}

check_system() {
	local ID='' VERSION_ID='' PRETTY_NAME='' major
	# shellcheck source=/dev/null
	[ ! -r /etc/os-release ] || . /etc/os-release
	major=${VERSION_ID%%.*}
	case $ID:${major:-99} in
	debian:1[2-9] | debian:[2-9][0-9] | raspbian:1[2-9] | ubuntu:2[2-9] | ubuntu:[3-9][0-9]) ;;
	*) stop "this system is not one that the installer knows" "it is ${PRETTY_NAME:-unknown}" \
		"use Debian 12 or newer, or Ubuntu 22.04 or newer" ;;
	esac
	case $arch in
	amd64 | arm64 | armhf) ;;
	*) stop "there is no Coopkit for this kind of processor" "it is $arch" "use a machine with amd64, arm64 or armhf" ;;
	esac
	say "  ${PRETTY_NAME:-unknown system} on $arch"
}

check_memory() {
	local mib
	mib=$(awk '/^MemTotal:/ {print int($2 / 1024)}' /proc/meminfo)
	say "  memory: $mib MiB"
	# The kernel keeps a part for itself, so a machine sold with 1 GB shows less.
	if [ "$mib" -lt 850 ]; then
		stop "this machine has too little memory" "it has $mib MiB, and an app needs 1 GB beside the system" "use a machine with 2 GB or more"
	elif [ "$mib" -lt 1800 ]; then
		warn "this machine has little memory" "it has $mib MiB; that is enough for one small app" "for more than that use a machine with 2 GB or more"
	fi
}

check_disk() {
	local at free
	for at in /var/lib/docker /var/lib; do [ ! -d "$at" ] || break; done
	free=$(df -Pm "$at" | awk 'NR == 2 {print $4}')
	say "  free disk at $at: $free MiB"
	[ "$free" -ge 5120 ] || stop "the disk has too little room" "$free MiB are free at $at, and apps need 5 GB to begin with" \
		"remove what is not needed, or use a larger disk"
}

# The clock of a machine without a battery starts in the past; certificates are then "not valid yet".
check_clock() {
	local year
	year=$(date +%Y)
	if [ "$year" -lt 2026 ] || [ "$year" -gt 2080 ]; then
		stop "the clock of this machine is wrong" "it says $(date +%F)" "set it: date -s '2030-01-31 12:00'" "and keep it right: apt-get install systemd-timesyncd"
	fi
}

# A container engine needs control groups and layered file systems of the kernel.
check_kernel() {
	if ! grep -qs ' cgroup2\? ' /proc/self/mounts; then
		if has_systemd; then stop "this machine has no control groups" "the kernel, or the container that this is, hides them" \
			"use a machine of its own, or a virtual machine"; fi
		return 0
	fi
	if [ -r /proc/cgroups ] && awk '$1 == "memory" && $4 == 0 {off = 1} END {exit !off}' /proc/cgroups; then
		warn "apps can take more memory than they are given" "the kernel was started without memory control groups" \
			"on a Raspberry Pi: add cgroup_enable=memory to the line in /boot/firmware/cmdline.txt, then restart it"
	fi
	grep -qsw overlay /proc/filesystems || modprobe --quiet overlay 2>/dev/null ||
		warn "containers will need much more disk" "the kernel has no overlay file system" "use the kernel of the distribution"
}

# listening PROTOCOL PORT: "address socket" of each that listens there; the address is in the kernel's hexadecimal.
listening() {
	local state=0A
	[ "$1" = tcp ] || state=07
	cat "/proc/net/$1" "/proc/net/${1}6" 2>/dev/null | awk -v port="$(printf '%04X' "$2")" -v state="$state" \
		'$4 == state {split($2, at, ":"); if (at[2] == port) print at[1], $10}'
}

# holder SOCKET…: the first program that has one of them open.
holder() {
	local socket fd pid
	for socket in "$@"; do
		fd=$(find /proc/[0-9]*/fd -lname "socket:\[$socket\]" -print -quit 2>/dev/null || true)
		pid=${fd#/proc/}
		[ -z "$fd" ] || { echo "$(cat "/proc/${pid%%/*}/comm") (process ${pid%%/*})" && return; }
	done
	echo "another program"
}

# ours SOCKET…: true if it is our agent, or systemd for it, that has them. In a container root may not see who has them.
ours() {
	! direct_pid >/dev/null || return 0
	case $(holder "$@") in coopkit*) return 0 ;; "systemd (process 1)") active coopkit-agent.socket ;; *) return 1 ;; esac
}

# not_ours: of lines from listening, those of others.
not_ours() {
	local address socket
	while read -r address socket; do ours "$socket" || echo "$address $socket"; done
}

check_web_ports() {
	local port sockets
	sockets=$(listening tcp 8420 | cut -d ' ' -f 2)
	# shellcheck disable=SC2086 # one word each
	[ -z "$sockets" ] || ours $sockets || stop "port 8420 is taken" "$(holder $sockets) listens there, and it is where the console is to be" \
		"stop that program for good"
	for port in 80 443; do
		sockets=$(listening tcp $port | cut -d ' ' -f 2)
		# shellcheck disable=SC2086 # one word each
		if [ -z "$sockets" ] || ours $sockets; then continue; fi
		# shellcheck disable=SC2086
		stop "port $port is taken" "$(holder $sockets) listens there, and it is where visitors come in" \
			"stop that program for good, for example: systemctl disable --now apache2 nginx" \
			"move its sites to this box afterwards: coopkit site push"
	done
}

# lan_address is the one by which this machine reaches others.
lan_address() {
	local address=''
	address=$(ip -4 -o route get 192.0.2.1 2>/dev/null | sed -n 's/.* src \([0-9.]*\).*/\1/p') || true
	[ "$address" ] || address=$(hostname -I 2>/dev/null | cut -d ' ' -f 1) || true
	echo "$address"
}

# kernel_hex ADDRESS: as /proc/net writes it.
kernel_hex() {
	local IFS=. a
	read -ra a <<<"$1"
	printf '%02X%02X%02X%02X' "${a[3]}" "${a[2]}" "${a[1]}" "${a[0]}"
}

# check_dns decides where the name server listens: everywhere, at the machine's own address where the rest of port 53 is
# taken (systemd-resolved has 127.0.0.53, for this machine itself), or nowhere.
dns_at=''
check_dns() {
	local held addresses lan
	[ "$dns" ] || return 0
	held=$({ listening tcp 53 && listening udp 53; } | not_ours)
	lan=$(lan_address)
	if [ -z "$held" ]; then
		dns_at=:53
		return 0
	fi
	addresses=$(cut -d ' ' -f 1 <<<"$held")
	if [ "$lan" ] && ! grep -qxE "0+|$(kernel_hex "$lan")" <<<"$addresses"; then
		dns_at=$lan:53
		# shellcheck disable=SC2046
		say "  port 53: $(holder $(cut -d ' ' -f 2 <<<"$held")) has it for this machine itself; the box answers for names at $lan"
		return 0
	fi
	# shellcheck disable=SC2046
	warn "this box will not answer for names itself" "$(holder $(cut -d ' ' -f 2 <<<"$held")) has port 53" \
		"nothing, if your names are managed elsewhere: apps and sites work all the same" \
		"otherwise stop that program for good, and run this script again"
}

# lan_network is the network of that address, for whose computers the console is.
lan_network() {
	local address
	address=$(lan_address)
	ip -4 -o route show scope link src "${address:-127.0.0.1}" 2>/dev/null | awk '$1 ~ "/" {print $1; exit}'
}

# let_in RULES PORT PROTOCOL: one of ufw's rules names the port.
let_in() { grep -qE "^([0-9,]+,)?$2(,[0-9,]+)?(/$3)? .*(ALLOW|LIMIT)" <<<"$1"; }

# The firewall is the administrator's: whom it lets in is for people to decide, and this says what to type.
check_firewall() {
	local rules port web='' console='' names='' next=()
	rules=$(ufw status 2>/dev/null) || return 0
	grep -qx 'Status: active' <<<"$rules" || return 0
	for port in 80 443; do let_in "$rules" $port tcp || web+=" $port"; done
	let_in "$rules" 8420 tcp || console=' 8420'
	[ -z "$dns_at" ] || { let_in "$rules" 53 tcp && let_in "$rules" 53 udp; } || names=' 53'
	[ "$web$console$names" ] || return 0
	[ -z "$web" ] || next+=("let visitors in: ufw allow 80,443/tcp")
	[ -z "$console" ] || next+=("let your own network in to the console: ufw allow proto tcp from $(lan_network || true) to any port 8420")
	[ -z "$names" ] || next+=("let name servers in: ufw allow 53")
	warn "the firewall of this machine keeps others out" "ufw is on, and none of its rules names port$web$console$names" "${next[@]}"
}

check_other_agent() {
	if active "$service" || direct_pid >/dev/null; then return 0; fi
	if awk -v path="$run/coopkit.sock" '$4 == "00010000" && $8 == path {found = 1} END {exit !found}' /proc/net/unix; then
		stop "an agent runs already that was not installed by this script" "it answers at $run/coopkit.sock" \
			"stop it: it is the program that 'coopkit agent run' started" "then run this script again"
	fi
}

check() {
	check_root
	say "checking this machine"
	check_system
	check_memory
	check_disk
	check_clock
	check_kernel
	check_other_agent
	check_web_ports
	check_dns
	check_firewall
	[ "$stops" -eq 0 ] || {
		say "nothing was changed"
		exit 1
	}
}

# ---- the container engine ----

socket_listens() { awk -v a="/run/docker.sock" -v b="/var/run/docker.sock" '$8 == a || $8 == b {found = 1} END {exit !found}' /proc/net/unix; }
engine_answers() {
	if command -v docker >/dev/null; then docker version --format '{{.Server.Version}}' 2>/dev/null; else socket_listens && echo unknown; fi
}

wait_for() {
	local deadline=$((SECONDS + $1))
	shift
	until "$@" >/dev/null; do
		[ "$SECONDS" -lt "$deadline" ] || return 1
		sleep 0.2
	done
}

ensure_engine() {
	local version
	if version=$(engine_answers); then
		say "the container engine is there: Docker Engine $version"
		return
	fi
	[ "$engine" ] || { say "no container engine answers, and none was to be installed: the box does without apps" && return; }
	if ! command -v dockerd >/dev/null; then
		would "install Docker Engine from the distribution (docker.io)" || install_engine
	fi
	if ! has_systemd; then
		warn "no container engine runs" "this machine has no systemd, so this script does not know how to start one" \
			"start dockerd; the agent finds it by itself"
		return
	fi
	would "start Docker Engine" && return
	systemctl --quiet enable --now docker.service || fail "Docker Engine does not start" "its service failed" "read: journalctl -u docker"
	wait_for 60 engine_answers || fail "Docker Engine does not answer" "its service runs, but nothing answers at its socket" "read: journalctl -u docker"
}

# ensure_builder gets what builds apps from Debian's packages.
ensure_builder() {
	[ "$build" ] || return 0
	has_systemd || fail "the agent cannot be allowed to build apps" "this machine has no systemd, which would limit what the agent may do as root" \
		"use a machine with systemd"
	if command -v debootstrap >/dev/null && [ -e /usr/share/keyrings/debian-archive-keyring.gpg ]; then return 0; fi
	would "install debootstrap from the distribution" && return
	{ apt update && apt install --yes --no-install-recommends debootstrap debian-archive-keyring; } ||
		fail "debootstrap cannot be installed" "apt-get said no (see above)" "put that right, then run this script again"
}

install_engine() {
	local wanted=(ca-certificates docker.io) p
	# Where the kernel has AppArmor, an engine without its parser can start no container.
	[ "$(cat /sys/module/apparmor/parameters/enabled 2>/dev/null)" != Y ] || wanted+=(apparmor)
	apt update || fail "the lists of packages cannot be read" "the package mirror did not answer (see above)" \
		"check the connection and /etc/apt/sources.list.d, then run this script again"
	# docker-cli is a package of its own in newer systems; debootstrap builds apps where no registry answers.
	for p in docker-cli debootstrap debian-archive-keyring; do
		[ -z "$(apt-cache search --names-only "^$p\$")" ] || wanted+=("$p")
	done
	apt install --yes --no-install-recommends "${wanted[@]}" ||
		fail "Docker Engine cannot be installed" "apt-get said no (see above)" "put that right, then run this script again"
}

# ---- the program ----

# fetch URL FILE
fetch() {
	if command -v curl >/dev/null; then curl --fail --silent --show-error --location --output "$2" "$1"; else wget --quiet --output-document="$2" "$1"; fi
}

# verified FOLDER FILE: the file has the sum that SHA256SUMS says.
verified() {
	(cd "$1" && awk -v f="$2" '{n = $2; sub(/^\*/, "", n); if (n == f) {print; found = 1}} END {exit !found}' SHA256SUMS | sha256sum --check --status) ||
		fail "$2 is not what it should be" "its checksum is not the one in SHA256SUMS" "fetch both again, from a source that you trust"
}

fetched=''
trap '[ -z "$fetched" ] || rm -rf "$fetched"' EXIT
fetch_package() {
	local name
	fetched=$(mktemp -d)
	fetch "${from%/}/SHA256SUMS" "$fetched/SHA256SUMS" || fail "no package can be fetched" "$from has no readable file SHA256SUMS" "check the address"
	name=$(sed -n "s/^[0-9a-f]\{64\} [ *]\(coopkit_[^ /]*_$arch\.deb\)\$/\1/p" "$fetched/SHA256SUMS" | sort --version-sort | tail -n 1)
	[ "$name" ] || fail "no package can be fetched" "$from has none for $arch" "check the address"
	say "fetching $name"
	fetch "${from%/}/$name" "$fetched/$name" || fail "$name cannot be fetched" "$from did not give it" "check the connection, then run this script again"
	verified "$fetched" "$name"
	source=$fetched/$name
}

# find_source sets source: a package, or a program with its units beside.
find_source() {
	source=$binary
	[ "$source" ] || [ -z "$from" ] || fetch_package
	[ "$source" ] || source=$(find "$here" -maxdepth 1 -name "coopkit_*_$arch.deb" | sort --version-sort | tail -n 1)
	[ "$source" ] || [ ! -x "$here/coopkit" ] || source=$here/coopkit
	[ "$source" ] || fail "there is nothing to install" "neither a package for $arch nor a program lies beside $0" \
		"put coopkit_…_$arch.deb beside it, or say --binary FILE or --from URL"
	[ -r "$source" ] || fail "$source cannot be read" "there is no such file" "check the name"
	case $source in *.deb) [ ! -r "$(dirname "$source")/SHA256SUMS" ] || verified "$(dirname "$source")" "$(basename "$source")" ;;
	*) check_program ;; esac
}

check_program() {
	"$source" version >/dev/null 2>&1 || fail "$source is not a program for this machine" "it does not run here" "get the one for $arch"
	[ -r "$here/units/$service" ] || fail "only half of Coopkit is here" "the folder units is missing beside $0" "unpack the whole archive"
	packaged && fail "Coopkit is installed as a package here" "a program beside it would get in its way" "upgrade with a package: coopkit_…_$arch.deb"
	return 0
}

# put FILE PLACE MODE: copies what differs, all or nothing.
changed=''
put() {
	if cmp --quiet "$1" "$2"; then return; fi
	install -D -m "$3" "$1" "$2.new"
	mv -f "$2.new" "$2"
	changed=yes
}

install_program() {
	local unit edited
	case $source in *.deb) install_package && return ;; esac
	places ''
	if cmp --quiet "$source" "$program"; then say "the program is there: $program"; fi
	if ! cmp --quiet "$source" "$program"; then
		would "install the program at $program" || { [ ! -e "$program" ] || cp -pf "$program" "$program.previous"; }
	fi
	[ -z "$dry" ] || return 0
	put "$source" "$program" 0755
	put "$here/install.sh" "$lib/install.sh" 0755
	if has_systemd; then
		edited=$(mktemp)
		for unit in "$here"/units/*; do
			sed "s|/usr/bin/coopkit|$program|" "$unit" >"$edited"
			put "$edited" "$units/$(basename "$unit")" 0644
		done
		rm -f "$edited"
	fi
	configure
}

# install_package: dpkg puts the files in place and then calls "configure" here.
install_package() {
	local have='' new
	new=$(dpkg-deb --field "$source" Version)
	! packaged || have=$(dpkg-query --show --showformat='${Version}' coopkit)
	places yes
	if [ "$have" = "$new" ] && package_is installed && [ -z "$(dpkg --verify coopkit 2>/dev/null)" ]; then
		say "the package is there: coopkit $have"
		[ "$dry" ] || configure
		return
	fi
	would "install the package coopkit $new${have:+ in place of $have}" && return
	# What was installed without a package makes room. systemd learns of it together with the new units: it keeps the
	# ports open then.
	if [ -x /usr/local/bin/coopkit ]; then
		places ''
		remove_program
		places yes
	fi
	wait_for_dpkg
	if ! COOPKIT_WAIT=$wait COOPKIT_DNS_AT=$dns_at COOPKIT_BUILD=$build dpkg --install "$source" >"$logfile" 2>&1 </dev/null; then
		without_dpkg_words >&2
		fail "the package coopkit $new was not installed" "dpkg stopped (see above)" "put that right, then run this script again"
	fi
	without_dpkg_words
}

# wait_for_dpkg: unlike apt, dpkg does not wait for others that install packages, as systems do by themselves after they
# started. When they do not come to an end, dpkg says so.
wait_for_dpkg() {
	dpkg_is_free && return
	say "wait for another program that installs packages"
	wait_for 300 dpkg_is_free || true
}
dpkg_is_free() {
	local file
	for file in /var/lib/dpkg/lock-frontend /var/lib/dpkg/lock; do
		! grep -qs ":$(stat -c %i "$file" 2>/dev/null || echo none) " /proc/locks || return 1
	done
}

without_dpkg_words() {
	grep -vE '^(Selecting previously|\(Reading database|Preparing to|Unpacking|Setting up|Processing triggers|Errors were| coopkit$|dpkg: error processing| installed coopkit package|dpkg: warning: downgrading)' "$logfile" || true
}

# ---- user, folders, units ----

configure() {
	make_user
	make_folders
	write_config
	if has_systemd; then
		write_dns_socket
		write_build
		start_units
	else
		start_direct
	fi
}

make_user() {
	if ! getent passwd coopkit >/dev/null; then
		say "make the user and the group coopkit"
		getent group coopkit >/dev/null || groupadd --system coopkit
		useradd --system --gid coopkit --home-dir "$state" --no-create-home --shell /usr/sbin/nologin --comment Coopkit coopkit
	fi
	# The engine's socket belongs to group docker. Who may use it can start a container that sees the whole disk: the
	# agent is as mighty as root, and so are those in group coopkit, who may tell it what to do.
	if getent group docker >/dev/null && ! id -nG coopkit | grep -qw docker; then
		usermod --append --groups docker coopkit
		changed=yes
	fi
}

# folder PATH MODE OWNER
folder() {
	[ "$(stat -c '%a %U:%G' "$1" 2>/dev/null)" = "$2 $3" ] || install -d -m "$2" -o "${3%:*}" -g "${3#*:}" "$1"
}

make_folders() {
	folder "$config" 755 root:root
	has_systemd && return # it makes the others, for whom its unit says
	folder "$state" 750 coopkit:coopkit
	folder "$run" 755 coopkit:coopkit
	folder "$logs" 750 coopkit:coopkit
}

# write_config never changes a file that is there: it is the administrator's.
write_config() {
	[ -e "$config/agent.env" ] && return
	local flags=''
	[ -z "$dns_at" ] || flags="--dns $dns_at"
	cat >"$config/agent.env" <<CONFIG
# Flags of the agent, see: coopkit agent run --help
# Afterwards: systemctl restart coopkit-agent
COOPKIT_AGENT_FLAGS="$flags"
CONFIG
	chmod 0644 "$config/agent.env"
	changed=yes
}

configured_dns() { sed -n 's/^COOPKIT_AGENT_FLAGS=.*--dns[ =]\([^ "]*\).*/\1/p' "$config/agent.env"; }

# write_dns_socket: systemd opens port 53 at the address that the agent's flags say.
write_dns_socket() {
	local at edited drop=${drop_ins[0]}/address.conf
	at=$(configured_dns)
	if [ -z "$at" ] || [ "$at" = :53 ]; then
		[ ! -e "$drop" ] || { rm -rf "$(dirname "$drop")" && changed=yes; }
		return 0
	fi
	edited=$(mktemp)
	printf '%s\n' "[Socket]" "ListenStream=" "ListenDatagram=" "ListenStream=$at" "ListenDatagram=$at" >"$edited"
	put "$edited" "$drop" 0644
	rm -f "$edited"
}

# write_build lets the agent run debootstrap, which needs to be root: to make files of any owner, device files, mounts,
# and to enter the new system. This lasts; remove the file to take it back.
write_build() {
	local edited
	[ "$build" ] || return 0
	edited=$(mktemp)
	cat >"$edited" <<'UNIT'
[Service]
User=root
Group=root
AmbientCapabilities=
CapabilityBoundingSet=
CapabilityBoundingSet=CAP_NET_BIND_SERVICE CAP_CHOWN CAP_DAC_OVERRIDE CAP_FOWNER CAP_FSETID CAP_KILL CAP_MKNOD CAP_SETFCAP CAP_SETGID CAP_SETUID CAP_SYS_ADMIN CAP_SYS_CHROOT
MemoryDenyWriteExecute=no
PrivateDevices=no
ProtectKernelTunables=no
ProtectProc=default
RestrictNamespaces=mnt
RestrictSUIDSGID=no
SystemCallFilter=@mount @privileged
MemoryHigh=2G
MemoryMax=3G
UNIT
	put "$edited" "${drop_ins[1]}/build-from-debian.conf" 0644
	rm -f "$edited"
}

start_units() {
	local sockets=(coopkit-agent.socket)
	[ -z "$(configured_dns)" ] || sockets+=(coopkit-dns.socket)
	if [ -z "$changed" ] && active "$service"; then
		say "the agent runs"
		return
	fi
	systemctl daemon-reload
	systemctl --quiet enable "${sockets[@]}" "$service"
	# A socket that listens already is left alone: nobody is refused during an upgrade.
	systemctl start "${sockets[@]}" || {
		systemctl --quiet stop "${sockets[@]}"
		fail "the ports of the box cannot be opened" "systemd says: $(journalctl -q -n 1 -o cat -u coopkit-agent.socket -u coopkit-dns.socket)" \
			"read: journalctl -u coopkit-agent.socket -u coopkit-dns.socket"
	}
	held_open "${sockets[@]}" || { systemctl stop "$service" && systemctl restart "${sockets[@]}"; }
	say "start the agent"
	restart_or_return
}

# held_open SOCKET…: systemd has their ports open. It loses them when the unit now says another address than it did.
held_open() {
	local unit port socket held
	for unit in "$@"; do
		for port in $(systemctl show --property Listen --value "$unit" | sed -n 's/.*:\([0-9]*\) (Stream)$/\1/p'); do
			held=''
			for socket in $(listening tcp "$port" | cut -d ' ' -f 2); do # others may have theirs at other addresses
				held+=$(find /proc/1/fd -lname "socket:\[$socket\]" -print -quit 2>/dev/null)
			done
			[ "$held" ] || return 1
		done
	done
}

# restarts is true once the agent is ready. systemctl does not tell a program that ends at once from one that runs, so
# long as systemd goes on trying.
restarts() {
	local deadline=$((SECONDS + wait))
	timeout --foreground "$wait" systemctl restart "$service" 2>/dev/null || return 1
	until active "$service" && status_answers; do
		[ "$SECONDS" -lt "$deadline" ] && [ "$(systemctl show --property NRestarts --value "$service")" -lt 2 ] || return 1
		sleep 0.2
	done
}

# restart_or_return starts the new program. When that is not ready in time, the one before comes back.
restart_or_return() {
	local began
	began=$(mktemp)
	if restarts; then
		rm -f "$began" "$program.previous"
		return
	fi
	local why
	why=$(journalctl -q -n 1 -o cat -u "$service" --since "-${wait}s" _COMM=coopkit 2>/dev/null | cut -c 1-300)
	if [ ! -e "$program.previous" ]; then
		fail "the agent does not start" "${why:-it was not ready in $wait seconds}" "read: journalctl -u $service" "then run this script again"
	fi
	systemctl stop "$service" coopkit-agent.socket coopkit-dns.socket 2>/dev/null || true
	put_records_back "$began"
	mv -f "$program.previous" "$program"
	rm -f "$began"
	systemctl start coopkit-agent.socket
	[ -z "$(configured_dns)" ] || systemctl start coopkit-dns.socket || true
	restarts || fail "the agent does not start, neither the new one nor the one before" "${why:-it was not ready in $wait seconds}" "read: journalctl -u $service"
	fail "the new agent did not become ready; the one before runs again" "${why:-it was not ready in $wait seconds}" \
		"read: journalctl -u $service" "ask your IT co-op, with what you read there"
}

# put_records_back FILE: the agent copies its records before it changes their form; an older program needs the copy. Those
# made after FILE are from this upgrade.
put_records_back() {
	local copy
	copy=$(find "$state" -maxdepth 1 -name 'coopkit.db.before-v*' -newer "$1" | sort --version-sort | head -n 1)
	[ "$copy" ] || return 0
	rm -f "$state/coopkit.db-wal" "$state/coopkit.db-shm"
	mv -f "$copy" "$state/coopkit.db"
}

# ---- without systemd ----

# direct_pid is the process that start_direct started, if it still runs.
direct_pid() {
	local pid
	pid=$(cat "$run/agent.pid" 2>/dev/null) && ! is_gone "$pid" && echo "$pid"
}
# A dead process that nobody has buried has a name still, but no command line.
is_gone() { ! tr '\0' ' ' 2>/dev/null <"/proc/$1/cmdline" | grep -q 'coopkit agent run'; }

status_answers() { "$program" status >/dev/null 2>&1; }

stop_direct() {
	local pid
	pid=$(direct_pid) || return 0
	kill -TERM "$pid"
	wait_for 30 is_gone "$pid" || kill -KILL "$pid"
	rm -f "$run/agent.pid"
}

start_direct() {
	if direct_pid >/dev/null && [ -z "$changed" ]; then
		say "the agent runs (process $(direct_pid))"
		return
	fi
	stop_direct
	launch
	if wait_for "$wait" status_answers; then
		rm -f "$program.previous"
		return
	fi
	tail -n 3 "$logs/agent.log" >&2
	[ -e "$program.previous" ] || fail "the agent does not start" "it was not ready in $wait seconds (its last words are above)" "read: $logs/agent.log"
	stop_direct
	mv -f "$program.previous" "$program"
	launch
	wait_for "$wait" status_answers || true
	fail "the new agent did not become ready; the one before was started again" "its last words are above" "read: $logs/agent.log"
}

launch() {
	local COOPKIT_AGENT_FLAGS='' flags
	# shellcheck source=/dev/null
	. "$config/agent.env"
	read -ra flags <<<"$COOPKIT_AGENT_FLAGS"
	say "start the agent; its log is $logs/agent.log"
	[ -e "$logs/agent.log" ] || install -m 640 -o coopkit -g coopkit /dev/null "$logs/agent.log"
	setsid setpriv --reuid coopkit --regid coopkit --init-groups --no-new-privs \
		--inh-caps=-all,+net_bind_service --ambient-caps=-all,+net_bind_service --bounding-set=-all,+net_bind_service \
		"$program" agent run ${flags[0]:+"${flags[@]}"} >>"$logs/agent.log" 2>&1 </dev/null &
	echo $! >"$run/agent.pid"
}

# ---- the end of an installation ----

summary() {
	say ""
	"$program" doctor || true
	say ""
	if [ -z "$fresh" ]; then
		say "Coopkit runs. Its console: https://$(lan_address):8420 (a token, if you lost the password: coopkit console token)"
		return
	fi
	say "Coopkit runs. Open its console in a browser on the same network, and let yourself in with the token:"
	"$program" console token | sed 's/^/  /' || say "  the console cannot be entered now; see above, and try again: coopkit console token"
	say "The browser warns the first time, because the box signed the page's certificate itself: say that you trust it."
}

# without_systemd says what a person has to do where nobody starts programs by itself.
without_systemd() {
	has_systemd && return
	warn "the agent does not start again by itself" "this machine has no systemd; it was started directly, as process $(direct_pid || echo '?')" \
		"have it started with the machine, as root: $lib/install.sh --start"
}

fresh=''
install_all() {
	check
	[ -e "$state/coopkit.db" ] || fresh=yes
	find_source
	[ -z "$dry" ] || say "this is what would be done:"
	ensure_engine
	ensure_builder
	install_program
	if [ "$dry" ]; then
		packaged || [ -x "$program" ] || say "would make the user coopkit, $state, $config and the service, and start the agent"
		say "nothing was changed"
		return
	fi
	summary
	without_systemd
}

# ---- removal ----

stop_everything() {
	if has_systemd; then
		systemctl --quiet disable --now coopkit-agent.socket coopkit-dns.socket "$service" coopkit-desk.service 2>/dev/null || true
	else
		stop_direct
	fi
}

# remove_files: what this script put there; a package's own files are dpkg's to remove.
remove_files() {
	places ''
	remove_program
	rm -rf "${drop_ins[@]}"
	! has_systemd || systemctl daemon-reload
}
remove_program() {
	rm -f "$program" "$program.previous" "$units"/coopkit-{agent.service,agent.socket,dns.socket,desk.service}
	rm -rf "$lib"
}

# The engine may serve other boxes: only what bears this one's identity is its own. The agent writes it down.
identity() { cat "$state/box" 2>/dev/null || true; }

# ours_in_engine KIND [OPTION...]: what this box made, by id or name.
ours_in_engine() {
	local id
	id=$(identity)
	[ -z "$id" ] || docker "$1" ls --quiet "${@:2}" --filter "label=coop.coopkit.box=$id" 2>/dev/null || true
}

# unlabelled_in_engine KIND: networks and volumes that an agent of before made, without the box's identity: those that
# this box's containers use.
unlabelled_in_engine() {
	local kind=$1 things='{{range .Mounts}}{{.Name}} {{end}}' thing labels
	# shellcheck disable=SC2016 # a template of Docker's
	[ "$kind" = volume ] || things='{{range $name, $_ := .NetworkSettings.Networks}}{{$name}} {{end}}'
	# shellcheck disable=SC2046 # one word each
	for thing in $(docker container inspect --format "$things" $(ours_in_engine container --all) 2>/dev/null | tr ' ' '\n' | sort -u); do
		labels=$(docker "$kind" inspect --format '{{json .Labels}}' "$thing" 2>/dev/null) || continue
		case $labels in
		*'"coop.coopkit.box"'*) ;;
		*'"coop.coopkit.install"'*) echo "$thing" ;;
		esac
	done
}

others_in_engine() {
	docker ps --all --filter label=coop.coopkit.install --format '{{.Label "coop.coopkit.box"}}' 2>/dev/null |
		grep -vxF "$(identity)" | sort -u || true
}

uninstall() {
	check_root
	[ "$dry" ] || [ -z "$purge" ] || agree_to_purge
	if packaged; then
		would "remove the package coopkit" || { wait_for_dpkg && dpkg --remove coopkit >/dev/null; }
	elif [ -e /usr/local/bin/coopkit ]; then
		would "stop the agent, and remove the program and its service" || { stop_everything && remove_files; }
	else
		say "Coopkit is not installed here"
	fi
	if [ "$purge" ]; then purge_data; else left_behind; fi
}

left_behind() {
	say "what stays:"
	[ ! -e "$state" ] || say "  $state: the records, sites and certificates of the box, with all its passwords"
	[ ! -e "$config" ] || say "  $config: the settings of its service"
	[ ! -e "$logs" ] || say "  $logs: its log"
	say "  Docker Engine with $(ours_in_engine container --all | wc -l) containers of apps, which run on, and $(ours_in_engine volume | wc -l) volumes"
	say "  the user coopkit, who owns these"
	say "Install it again, and all is as before. To remove the data too: --uninstall --purge"
}

agree_to_purge() {
	say "This removes every app of this box with all its data, every site, certificate, password and log. There is no way back."
	[ "$yes" ] && return
	[ -t 0 ] || fail "nothing was removed" "nobody is there who could agree" "run it in a terminal, or say --yes"
	local word
	read -r -p "Type purge to go on: " word
	[ "$word" = purge ] || fail "nothing was removed" "the word was not purge" "run it again if you want to"
}

purge_data() {
	local kind things volumes networks others
	if [ -z "$(identity)" ] && [ "$(docker volume ls --quiet --filter label=coop.coopkit.install 2>/dev/null)" ]; then
		fail "nothing was removed" "$state/box is missing, so it is not known which containers and data in the engine are this box's" \
			"start the agent once, which writes it, then try again; or look yourself: docker volume ls --filter label=coop.coopkit.install"
	fi
	volumes=$(unlabelled_in_engine volume) networks=$(unlabelled_in_engine network) others=$(others_in_engine)
	for kind in container volume network image; do
		case $kind in
		container) things=$(ours_in_engine container --all) ;;
		volume) things=$(printf '%s\n' "$volumes" "$(ours_in_engine volume)" | sed '/^$/d' | sort -u) ;;
		network) things=$(printf '%s\n' "$networks" "$(ours_in_engine network)" | sed '/^$/d' | sort -u) ;;
		image)
			things=''
			if [ "$others" ]; then
				say "the images that were built here stay: another box uses this engine"
			else
				things=$(docker image ls --quiet --filter label=coop.coopkit.base 2>/dev/null | sort -u) || true
			fi
			;;
		esac
		[ "$things" ] || continue
		would "remove $(wc -l <<<"$things") $kind(s) of apps" && continue
		# shellcheck disable=SC2086 # one word each
		case $kind in
		container) docker container stop $things >/dev/null && docker container rm --volumes $things >/dev/null ;;
		*) docker $kind rm $things >/dev/null || say "  not all of them went: see docker $kind ls" ;;
		esac
	done
	would "remove $state, $config, $logs and the user coopkit" && return
	! dpkg-query --status coopkit >/dev/null 2>&1 || dpkg --purge coopkit >/dev/null
	rm -rf "$state" "$config" "$run" "$logs" "${drop_ins[@]}"
	! getent passwd coopkit >/dev/null || userdel coopkit
	! getent group coopkit >/dev/null || groupdel coopkit
	say "what stays: Docker Engine, and the packages that came with it"
}

# ---- the command line ----

arguments() {
	while [ $# -gt 0 ]; do
		case $1 in
		--binary | --from | --wait)
			[ "${2:-}" ] || fail "$1 is not complete" "something must follow it" "read: $0 --help"
			printf -v "${1#--}" %s "$2"
			shift
			;;
		--dry-run) dry=yes ;;
		--no-dns) dns='' ;;
		--no-engine) engine='' ;;
		--build-from-debian) build=yes ;;
		--purge) purge=yes ;;
		--yes) yes=yes ;;
		--uninstall | --start) command=${1#--} ;;
		--help | -h) command=usage ;;
		configure | remove | purge) command=package_$1 ;;
		*) fail "this script does not know $1" "it is not one of its options" "read: $0 --help" ;;
		esac
		shift
	done
	if [ "$purge" ] && [ "$command" != uninstall ]; then
		fail "--purge says nothing by itself" "it belongs to --uninstall" "read: $0 --help"
	fi
}

logfile=/dev/null
arguments "$@"
case $command in
usage) usage ;;
install)
	logfile=$(mktemp)
	trap 'rm -rf "$logfile" ${fetched:+"$fetched"}' EXIT
	install_all
	;;
uninstall) uninstall ;;
start)
	check_root
	if packaged; then places yes; else places ''; fi
	make_folders
	start_direct
	;;
package_configure)
	places yes
	wait=${COOPKIT_WAIT:-60} changed=yes
	build=${COOPKIT_BUILD:-}
	dns_at=${COOPKIT_DNS_AT-}
	[ "${COOPKIT_DNS_AT+decided}" ] || [ -e "$config/agent.env" ] || check_dns
	configure
	;;
package_remove)
	places yes
	stop_everything
	;;
package_purge)
	say "coopkit: the data of the box stays in $state; it holds every password and site of it"
	;;
esac
