#!/bin/sh
# Shows one restencil keep the files of ten services, each with a file of its own in a
# directory of configuration: a real Consul, a real nginx, checks by HAProxy and
# promtool, with everything in a temporary directory. It ends by itself, with 0 if
# all went as it should. README.md tells what to see.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../loopback.sh"
need consul nginx haproxy promtool curl

cd "$dir"
cp -R "$here/restencil.d" "$here/templates" "$here/nginx.conf" .
mkdir -p out/nginx
# shellcheck disable=SC2046 # four words
set -- $(ports 4)
start_consul "$1" "$2" "$3"
LISTEN="127.0.0.1:$4"
build_restencil
settle_consul

# put KEY VALUE writes a key of Consul.
put() { curl -s -X PUT --data-binary "$2" "http://$CONSUL_HTTP_ADDR/v1/kv/$1" >>put.log; }

# register SERVICE NUMBER PORT adds an instance of a service, without a check.
register() {
	curl -s -X PUT "http://$CONSUL_HTTP_ADDR/v1/agent/service/register" --data-binary \
		"{\"Name\": \"$1\", \"ID\": \"$1-$2\", \"Address\": \"127.0.0.1\", \"Port\": $3}"
}

# deregister SERVICE NUMBER takes it away.
deregister() { curl -s -X PUT "http://$CONSUL_HTTP_ADDR/v1/agent/service/deregister/$1-$2"; }

# reloaded WHAT NAMES waits until exactly those have been reloaded since the last time,
# and says it.
reloaded() {
	until_true "$1: want reloads of $2" are_reloaded "$2"
	: >reloads
	printf '%-36s → reloaded: %s\n' "$1" "$2"
}

are_reloaded() { [ "$(sort -u reloads 2>>reloads.log | xargs)" = "$1" ]; }

# refused WHAT WHY waits until the log has a line with WHY, and prints it.
refused() {
	until_true "$1: want $2" grep -q "$2" restencil.log
	printf '%-36s → %s\n' "$1" "$2"
}

# are_not_well NAMES says whether restencil status calls exactly those failed or held.
are_not_well() {
	"$RESTENCIL" status -state-dir state >status
	bad=$(awk '/^BUNDLE/ { table = 1 } !NF { table = 0 } table && ($2 == "failed" || $2 == "held") { print $1 }' status | xargs)
	[ "$bad" = "$1" ]
}

# All that data.yaml has: its keys, and two instances of each service.
sed -n 's|^  \([a-z]*/[^:]*\): \(.*\)|\1 \2|p' "$here/data.yaml" | while read -r key value; do
	put "$key" "$value"
done
put nginx/listen "$LISTEN"
for service in api db; do
	register $service 1 "${LISTEN#*:}"
	register $service 2 "${LISTEN#*:}"
done

nginx -p . -c nginx.conf &
pids="$! $pids"
until_true "nginx does not start" test -s nginx.pid
"$RESTENCIL" -config restencil.d -state-dir state -log-level info >restencil.log 2>&1 &
restencil=$!
pids="$restencil $pids"
reloaded "the start" "agent api backup features haproxy hosts nginx prometheus redis worker"
until_true "nginx does not answer" curl -sf -o title "http://$LISTEN/title"

put nginx/title "Hello"
reloaded "nginx/title = Hello" "nginx"
register api 3 "${LISTEN#*:}"
reloaded "a third instance of api" "nginx prometheus"
register db 3 "${LISTEN#*:}"
reloaded "a third instance of db" "api haproxy prometheus"

put nginx/listen 127.0.0.1:many
refused "nginx/listen = 127.0.0.1:many" "nginx: check failed"
put redis/megabytes plenty
refused "redis/megabytes = plenty" "redis: check failed"
put api/workers "4,"
refused "api/workers = 4," "api: check failed"
put worker/queue urgent
reloaded "worker/queue = urgent" "worker"
until_true "status: want api, nginx and redis not to be well" are_not_well "api nginx redis"
printf '%-36s → not well: %s\n' "restencil status" "api nginx redis"

put nginx/listen "$LISTEN"
put redis/megabytes 512
put api/workers 8
reloaded "the three are put right" "api redis"

cat >restencil.d/motd.hcl <<-'END'
	bundle "motd" {
	  reload = "echo motd >>reloads"
	}

	template {
	  contents    = "{{ key \"nginx/title\" }}\n"
	  destination = "out/motd"
	  bundle      = "motd"
	}
END
kill -HUP $restencil
reloaded "a file for an eleventh, SIGHUP" "motd"
