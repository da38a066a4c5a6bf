#!/bin/sh
# Gets the programs that the tests and examples run (README.md in this folder): those
# that are named, or all. What is there already, and was built from the same
# sources, is left alone.
set -eu
cd "$(dirname "$0")"
. ./progress.sh
[ $# -gt 0 ] || set -- nginx haproxy curl postgres django systemd-analyze rpm chromium promtool axe consul consul-template vault nomad hey app

bin=${RESTENCIL_SERVERS_BIN:-$(cd ../.. && pwd)/.cache/bin}
mkdir -p "$bin"

# build FOLDER PROGRAM PACKAGE [FLAG...] builds a package of the module in FOLDER
# as $bin/PROGRAM. A stamp in $bin holds a checksum of all that it is built
# from, and CGO_ENABLED where it is given.
build() {
	folder=$1
	program=$2
	package=$3
	shift 3
	name=${program##*/}
	stamp=$(
		go env GOVERSION GOOS GOARCH
		[ -z "${CGO_ENABLED-}" ] || echo "CGO_ENABLED=$CGO_ENABLED"
		find "$folder" -type f | LC_ALL=C sort | xargs cat | cksum
	)
	if [ -x "$bin/$program" ] && [ "$stamp" = "$(cat "$bin/$name.stamp" 2>/dev/null)" ]; then
		return
	fi
	rm -f "$bin/$name.stamp"
	dots "building $name (once; Consul, Vault and Nomad take a few minutes)" \
		go -C "$folder" build -buildvcs=false -ldflags='-s -w' "$@" -o "$bin/$program" "$package"
	echo "$stamp" >"$bin/$name.stamp"
}

# has PROGRAM says whether PROGRAM is installed, if need be off the PATH, where
# Debian and Red Hat keep PostgreSQL's. django stands for all that runs a site.
has() {
	if [ "$1" = django ]; then
		[ -x /usr/bin/gunicorn ] && /usr/bin/python3 -c "import django, psycopg2" 2>/dev/null
		return
	fi
	for dir in /usr/sbin /usr/local/sbin /usr/lib/postgresql/*/bin /usr/pgsql-*/bin; do
		[ ! -x "$dir/$1" ] || return 0
	done
	command -v "$1" >/dev/null
}

# install PROGRAM... installs those of the system's packages whose program is missing.
install() {
	missing=
	for name; do
		has "$name" || case $name in
		django) missing="$missing gunicorn python3-django python3-psycopg2" ;;
		initdb | postgres | psql) missing="$missing postgresql" ;;
		prometheus | promtool) missing="$missing prometheus" ;;
		systemd-analyze) missing="$missing systemd" ;;
		*) missing="$missing $name" ;;
		esac
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

# get_axe gets axe-core, a script in a package of npm.
get_axe() {
	axe=4.14.1
	[ "$axe" != "$(cat "$bin/axe.min.js.stamp" 2>/dev/null)" ] || return 0
	(cd "$bin" && npm pack --silent "axe-core@$axe" >/dev/null && tar xzf "axe-core-$axe.tgz" --strip-components=1 package/axe.min.js)
	rm "$bin/axe-core-$axe.tgz"
	echo "$axe" >"$bin/axe.min.js.stamp"
}

# Vault runs each file of its plugin folder, so that holds nothing else.
build_vault() {
	vault=github.com/hashicorp/vault
	build vault vault $vault -tags minimal
	build vault vault-plugins/postgresql-database-plugin $vault/plugins/database/postgresql/postgresql-database-plugin -tags minimal
}

packages=
for program; do
	case $program in
	app | consul | consul-template | hey | nomad | vault) ;;
	axe) packages="$packages npm" ;;
	*) packages="$packages $program" ;;
	esac
done
# shellcheck disable=SC2086 # one word a package
install $packages

for program; do
	case $program in
	app) go -C ../../examples/postgres-credentials/app mod download ;; # what an example's application is built from
	axe) get_axe ;;
	consul | hey | nomad) build "$program" "$program" tool ;;
	consul-template) (export CGO_ENABLED=0 && build consul-template consul-template tool) ;; # as its releases are
	vault) build_vault ;;
	esac
done
