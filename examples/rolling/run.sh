#!/bin/sh
# Shows a change roll over a fleet of twenty hosts, two at a time, and stop where it fails:
# twenty restencils with a directory each stand for the hosts, over one real Consul, all
# on loopback. It ends by itself, with 0 if all went as it should. README.md tells what to
# see.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../loopback.sh"
need consul curl

cd "$dir"
# shellcheck disable=SC2046 # three words
set -- $(ports 3)
start_consul "$1" "$2" "$3"
build_restencil
settle_consul

# put VALUE changes the key that all hosts read.
put() { curl -s -X PUT -d "$1" "http://$CONSUL_HTTP_ADDR/v1/kv/web/workers" >>put.log; }

# have VALUE says how many hosts have it in their file.
have() { grep -slx "workers $1" host-*/web.conf | wc -l; }

# all_have VALUE says whether all twenty have it, and have loaded it.
all_have() { [ "$(have "$1")" -eq 20 ] && [ "$(grep -c ^end reloads)" -ge 20 ]; }

# most_at_a_time prints how many hosts reloaded at a time, at most, since the last call.
most_at_a_time() {
	awk '$1 == "begin" { busy++ } $1 == "end" { busy-- } busy > most { most = busy } END { print most }' reloads
	: >reloads
}

# rolls_out VALUE waits until all hosts have loaded it.
rolls_out() {
	until_true "not all hosts have $1" all_have "$1"
	most=$(most_at_a_time)
	echo "workers = $1 → all 20 hosts have it, $most reloaded at a time"
	[ "$most" = 2 ]
}

# are_stopped says whether all hosts hold the change, and none reloads.
are_stopped() {
	for i in $(seq 20); do
		"$RESTENCIL" status -state-dir "host-$i/state" >status || :
		grep -q '^web: change held' status || return 1
	done
	[ "$(grep -c ^begin reloads)" -eq "$(grep -c ^end reloads)" ]
}

put 4
: >reloads
for i in $(seq 20); do
	mkdir "host-$i"
	cp "$here/restencil.hcl" "$here/reload" "host-$i"
	(cd "host-$i" && exec "$RESTENCIL" -config restencil.hcl -consul-addr "$CONSUL_HTTP_ADDR" -state-dir state) >"host-$i.log" 2>&1 &
	pids="$! $pids"
done
rolls_out 4
put 8
rolls_out 8

put x
until_true "the fleet is not stopped" are_stopped
tried=$(sort -u reloads | grep -c ^begin)
: >reloads
if [ "$tried" -gt 2 ] || [ "$(have 8)" -ne 20 ]; then
	echo "$tried hosts tried it, and $(have 8) have 8" >&2
	exit 1
fi
echo "workers = x → 1 or 2 hosts tried it, and 20 have 8 again or still"
sed -n 's/^web: change held since [^:]*: //p' status | sed 's/at [^ ]* on [^ ]*/.../'

put 16
until_true "the change is not held" grep -q "held" status
"$RESTENCIL" accept -state-dir host-7/state web
rolls_out 16
