#!/bin/sh
# Shows HAProxy follow Consul with no request that fails: a real Consul, a real
# HAProxy, restencil, and up to 20 instances of a service on loopback, with everything
# in a temporary directory. It ends by itself, with 0 if all went as it should.
# README.md tells what to see.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../loopback.sh"
. "$here/../balancer.sh"
need consul haproxy hey curl
prepare

: >haproxy.log
haproxy -W -p haproxy.pid -f haproxy.cfg -f conf.d >>haproxy.log 2>&1 &
pids="$! $pids"
until_true "HAProxy does not start" grep -q "Loading success" haproxy.log
begin
scale
refuse_value

# HAProxy pauses its sockets while it tries in vain to bind others: for that second,
# clients would be refused.
end_load
refuse_port
