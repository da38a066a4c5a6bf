#!/bin/sh
# Gets the programs that the tests run against (README.md in this folder). What
# is there already, and was built from the same sources, is left alone.
set -eu
cd "$(dirname "$0")"

bin=${RESTENCIL_SERVERS_BIN:-$(cd ../.. && pwd)/.cache/bin}
mkdir -p "$bin"

# build NAME [FLAG...] builds the tool of the module in the folder NAME. The
# stamp beside the binary is a checksum of all that it is built from.
build() {
	name=$1
	shift
	stamp=$(
		go env GOVERSION GOOS GOARCH
		find "$name" -type f | LC_ALL=C sort | xargs cat | cksum
	)
	if [ -x "$bin/$name" ] && [ "$stamp" = "$(cat "$bin/$name.stamp" 2>/dev/null)" ]; then
		return
	fi
	echo "building $name (once; this takes a few minutes)"
	rm -f "$bin/$name.stamp"
	go -C "$name" build -buildvcs=false -ldflags='-s -w' "$@" -o "$bin/$name" tool
	echo "$stamp" >"$bin/$name.stamp"
}

# has PROGRAM says whether PROGRAM is installed, if need be off the PATH.
has() {
	PATH=$PATH:/usr/sbin:/usr/local/sbin command -v "$1" >/dev/null
}

# install PACKAGE... installs those of the system's packages that are missing.
# Each is named as the program that it brings.
install() {
	missing=
	for name; do
		has "$name" || missing="$missing $name"
	done
	[ -n "$missing" ] || return 0
	sudo=
	[ "$(id -u)" = 0 ] || sudo="sudo -n"
	if ! has apt-get || ! $sudo true 2>/dev/null; then
		echo "please install:$missing" >&2
		return 1
	fi
	echo "installing$missing"
	$sudo apt-get -q update
	# shellcheck disable=SC2086 # one word a package
	$sudo env DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends $missing
}

install nginx curl
build consul
build consul-template
