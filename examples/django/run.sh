#!/bin/sh
# Shows a Django site whose database password is changed in Consul: a real Consul,
# a real PostgreSQL with restencil beside it, and three instances of the site, each
# with restencil as its parent process, all on loopback and with everything in
# temporary directories. It ends by itself, with 0 if all went as it should.
# README.md tells what to see.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../loopback.sh"
need consul initdb postgres psql curl django
build_restencil
cd "$dir"

# shellcheck disable=SC2046 # seven words
set -- $(ports 7)
start_consul "$1" "$2" "$3"
start_postgres "$4"
shift 4
set_up_consul() {
	consul kv put database/host "$PGHOST"
	consul kv put database/port "$PGPORT"
	consul kv put database/users/site "the first password"
	od -An -N16 -tx1 /dev/urandom | tr -d ' \n' | consul kv put site/secret_key -
}
set_up_consul >>consul.log

# Beside PostgreSQL. A password stays valid for 10 s after its change.
cp -R "$here/database" .
(cd database && GRACE=10s exec "$RESTENCIL" -config restencil.hcl -consul-addr "$CONSUL_HTTP_ADDR" \
	-state-dir state -log-level info) >database.log 2>&1 &
pids="$! $pids"

# site FOLDER [ARGUMENT...] runs restencil in a copy of the site.
site() {
	cp -R "$here/site" "$1"
	cd "$1"
	shift
	exec "$RESTENCIL" -config restencil.hcl -consul-addr "$CONSUL_HTTP_ADDR" -log-level info "$@"
}
migrate() { (site migration -once -exec "/usr/bin/python3 manage.py migrate") >migration.log 2>&1; }
dots "creating the site's tables" migrate
urls=
for port; do
	(GUNICORN_CMD_ARGS="--bind 127.0.0.1:$port" && export GUNICORN_CMD_ARGS && site "site-$port" -state-dir state) >"site-$port.log" 2>&1 &
	pids="$! $pids"
	urls="$urls http://127.0.0.1:$port/"
done

# are_connected_as LOGIN says whether PostgreSQL has connections of all instances under
# that name, and none under another. An instance has one, that of its worker.
are_connected_as() {
	[ "$(query "SELECT usename, count(*) >= 3 FROM pg_stat_activity WHERE datname = 'site' GROUP BY 1")" = "$1|t" ]
}

# can_log_in LOGIN PASSWORD DATABASE says whether PostgreSQL accepts them.
can_log_in() { PGUSER=$1 PGPASSWORD=$2 psql -XAtq -d "$3" -c "SELECT 1" >>psql.log 2>&1; }
cannot_log_in() { ! can_log_in "$@"; }

# put USER PASSWORD changes a user in Consul, or adds one.
put() {
	printf '%s' "$2" | consul kv put "database/users/$1" - >>consul.log
	since=$(date +%s%3N)
}

# until_so WHAT COMMAND... waits until the command succeeds, and says how long after
# the last change in Consul that was.
until_so() {
	until_true "$@"
	took=$(($(date +%s%3N) - since))
	echo "$1 after $((took / 1000)).$((took % 1000 / 100)) s, instead of hours"
}

for url in $urls; do
	until_true "the site does not start" curl -sf -o "$dir/page" "$url"
done
# shellcheck disable=SC2086 # one word a URL
"$here/load.py" $urls >load.log 2>&1 &
load=$!
pids="$load $pids"
until_true "the site is not connected" are_connected_as site_1
echo "Three instances of a site are connected to PostgreSQL as site_1. While they answer"
echo "requests all the time, changes in Consul become effective:"

put site "'; DROP TABLE logins; -- \"\\ second"
until_so "another password      → all are connected, as site_2," are_connected_as site_2
put reports "it's a user's"
until_so "another user          → it can log in" can_log_in reports_1 "it's a user's" reports
put reports "another"
until_so "its password, too     → it can log in" can_log_in reports_2 "another" reports
put reports "yet another"
until_so "a third one, at once  → it can log in, when the first has expired," can_log_in reports_1 "yet another" reports
until_true "the first password is still valid" cannot_log_in site_1 "the first password" site
echo "after the grace       → the site's first password is not valid any more"

kill "$load"
status=0
wait "$load" || status=$?
tail -n 5 load.log
exit $status
