#!/bin/sh
# Shows a file that is made of two datacenters, of which one is cut off and comes
# back: two real Consul servers that are joined over WAN, and restencil, on loopback,
# with everything in a temporary directory. It ends by itself, with 0 if all went as
# it should. README.md tells what to see.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../loopback.sh"
need consul curl
build_restencil
cd "$dir"
cp "$here/web.conf.ctmpl" "$here/restencil.hcl" .
touch before web.conf

# shellcheck disable=SC2046 # eight words
set -- $(ports 8)
east="127.0.0.1:$1"
west="127.0.0.1:$5"
wan="127.0.0.1:$4"

# datacenter NAME HTTP SERVER SERF WAN starts the one server of a datacenter, and
# sets server to its process. It finds the other one at $wan, also when it comes back.
datacenter() {
	consul agent -server -bootstrap-expect 1 -datacenter "$1" -node "server-$1" -data-dir "$dir/$1" -bind 127.0.0.1 -log-level warn -hcl "
		disable_update_check = true
		performance { raft_multiplier = 1 }
		ports { http = $2, server = $3, serf_lan = $4, serf_wan = $5, dns = -1, grpc = -1, grpc_tls = -1 }
		retry_join_wan = [\"$wan\"]
		retry_interval_wan = \"1s\"
	" >>"$1.log" 2>&1 &
	server=$!
	pids="$server $pids"
}

# put DATACENTER KEY VALUE changes a key. Writes to west go through east, too.
put() { curl -sf -X PUT "http://$east/v1/kv/$2?dc=$1" --data "$3" >>curl.log; }

# register DATACENTER ADDRESS adds an instance of the service web.
register() {
	curl -sf -X PUT "http://$east/v1/catalog/register" --data \
		"{\"Datacenter\": \"$1\", \"Node\": \"web-$2\", \"Address\": \"$2\", \"Service\": {\"Service\": \"web\", \"Port\": 8080}}" >>curl.log
}

# show WHAT waits until web.conf has changed, and prints its lines with a mark at
# those that are new (+) or gone (-).
show() {
	until_true "web.conf does not follow" has_changed
	echo "$1:"
	diff -U 99 before web.conf | sed 1,3d
	cp web.conf before
}
has_changed() { ! cmp -s before web.conf; }

datacenter east "$1" "$2" "$3" "$4"
datacenter west "$5" "$6" "$7" "$8"
until_true "east has no leader" put east web/release 1.4
until_true "east and west are not joined" put west web/release 1.4
register east 10.1.0.1
register west 10.2.0.1

"$RESTENCIL" -config restencil.hcl -consul-addr "$east" -state-dir state >restencil.log 2>&1 &
pids="$! $pids"
show "east and west are joined"

# hear TEXT waits until restencil's log tells of datacenter west what the text says.
hear() {
	until_true "the log does not say \"$1\"" has_said "$1"
	echo "restencil says: consul, datacenter west: $1"
}
has_said() { grep -q "consul, datacenter west: $1" restencil.log; }

kill -KILL "$server"
echo "west is cut off"
hear "no answers"
register east 10.1.0.2
show "east has another instance"

datacenter west "$5" "$6" "$7" "$8"
echo "west comes back"
hear "answers again"
put west web/release 1.5
show "west has another release"
