#!/usr/bin/env bash
# SPDX-License-Identifier: AGPL-3.0-or-later
#
#   packages.sh FOLDER [ARCHITECTURE…]
#
# Builds the program for each architecture (amd64, arm64, armhf), and puts into
# FOLDER: a .deb and a .tar.gz for each, install.sh, and SHA256SUMS. From the
# same commit come the same bytes. It runs at the top of the repository; the
# compilers come with "devmachine.sh packages packages". With the variables
# PROGRAM and VERSION it packs another program, or under another version.
set -euo pipefail
export LC_ALL=C TZ=UTC

[ $# -gt 0 ] || { sed -n '2,/^set/s/^# \{0,1\}//p' "$0" && exit 2; }
out=$1
shift
[ $# -gt 0 ] || set -- amd64 arm64 armhf
mkdir -p "$out"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
packager=$work/packager
go build -C installer/packager -o "$packager" .

# The commit says which version it is and how old its files are.
vcs=$(git rev-parse HEAD >/dev/null 2>&1 && echo true || echo false)
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date -r go.mod +%s)}
VERSION=${VERSION:-$(git describe --tags --match 'v[0-9]*' 2>/dev/null || git log -1 --format=v0.0.0~%cd.%h --date=format:%Y%m%d%H%M%S 2>/dev/null || echo 0.0.0)}
VERSION=${VERSION#v}
export SOURCE_DATE_EPOCH VERSION

# build GOARCH COMPILER
build() {
	if [ "${PROGRAM:-}" ]; then cp "$PROGRAM" "$FROM/coopkit" && return; fi
	CGO_ENABLED=1 GOARCH=$1 GOARM=7 CC=$2 go build -trimpath -buildvcs="$vcs" -tags netgo,osusergo,sqlite_omit_load_extension \
		-ldflags "-s -w -linkmode external -extldflags -static" -o "$FROM/coopkit" ./cmd/coopkit
}

for ARCH in "$@"; do
	name=coopkit_${VERSION}_$ARCH
	FROM=$work/$name
	export ARCH FROM
	mkdir -p "$FROM"
	case $ARCH in
	amd64) build amd64 x86_64-linux-gnu-gcc ;;
	arm64) build arm64 aarch64-linux-gnu-gcc ;;
	armhf) build arm arm-linux-gnueabihf-gcc ;;
	*) echo "packages.sh: $ARCH is not amd64, arm64 or armhf" >&2 && exit 2 ;;
	esac
	cp -r installer/install.sh installer/units LICENSE "$FROM"
	"$packager" installer/nfpm.yaml "$out/$name.deb"
	tar --create --directory="$work" --sort=name --owner=0 --group=0 --numeric-owner --mode=u+rwX,go+rX,go-w \
		--mtime="@$SOURCE_DATE_EPOCH" "$name" | gzip --no-name >"$out/$name.tar.gz"
	echo "$out/$name.deb"
done
cp installer/install.sh "$out"
(cd "$out" && sha256sum install.sh coopkit_"$VERSION"_*.deb coopkit_"$VERSION"_*.tar.gz >SHA256SUMS)
