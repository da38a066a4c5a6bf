#!/bin/sh
# Shows nginx follow Consul with no request that fails: a real Consul, a real nginx,
# restencil, and up to 20 instances of a service on loopback, with everything in a
# temporary directory. It ends by itself, with 0 if all went as it should. README.md
# tells what to see.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../loopback.sh"
. "$here/../balancer.sh"
need consul nginx hey curl
prepare

nginx -p . -c nginx.conf &
pids="$! $pids"
until_true "nginx does not start" test -s nginx.pid
begin
scale
refuse_value
refuse_port
end_load
