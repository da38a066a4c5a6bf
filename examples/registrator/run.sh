#!/bin/sh
# Shows an article's command line and template follow containers that a registrar
# registers: a real Consul, a real nginx, restencil, and programs that play the
# containers on loopback, with everything in a temporary directory. It ends by itself,
# with 0 if all went as it should. README.md tells what to see.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../loopback.sh"
need consul nginx curl

cd "$dir"
mkdir conf.d
cp "$here/nginx.conf" .
# shellcheck disable=SC2046 # four words
set -- $(ports 4)
start_consul "$1" "$2" "$3"
LISTEN="127.0.0.1:$4"
build_restencil
build instance ./examples/instance
settle_consul
sed "s/listen 80 /listen $LISTEN /" "$here/nginx.ctmpl" >nginx.ctmpl

# run NAME [VARIABLE=VALUE...] runs a container of the image nginx with two ports.
run() {
	name=$1
	shift
	env "$@" ./instance -name "$name" -image example/nginx -ports 80,8080 2>>instances.log &
	echo $! >"$name.pid"
	pids="$! $pids"
}

# who PATH prints who answers there: nobody where nginx says 502.
who() {
	names=$(curl -sf "http://$LISTEN$1[1-12]" | sort -u | xargs)
	echo "${names:-nobody}"
}

# expect WHAT ANSWERS waits until that is who answers, and says it.
expect() {
	until_true "$1: want $2" is_answered "$2"
	printf '%-34s → %s\n' "$1" "$2"
}

is_answered() { [ "/ $(who /), /canary/ $(who /canary/), /admin/ $(who /admin/)" = "$1" ]; }

nginx -p . -c nginx.conf &
pids="$! $pids"
until_true "nginx does not start" test -s nginx.pid

echo '$ restencil -consul ADDR -template nginx.ctmpl:conf.d/nginx.conf -dry -once'
"$RESTENCIL" -consul "$CONSUL_HTTP_ADDR" -template nginx.ctmpl:conf.d/nginx.conf -dry -once >dry 2>dry.log
sed -n '1,5p' dry
echo '...'
echo
echo '$ restencil -consul ADDR -template "nginx.ctmpl:conf.d/nginx.conf:nginx -s reload" -retry 30s &'
"$RESTENCIL" -consul "$CONSUL_HTTP_ADDR" -template "nginx.ctmpl:conf.d/nginx.conf:nginx -p . -c nginx.conf -s reload" \
	-retry 30s -state-dir state >restencil.log 2>&1 &
pids="$! $pids"
expect "no container runs" "/ nobody, /canary/ nobody, /admin/ nobody"
run web1
expect "run web1" "/ web1, /canary/ nobody, /admin/ web1"
run web2 SERVICE_80_TAGS=canary SERVICE_TAGS=admin
expect "run web2 -e SERVICE_80_TAGS=canary" "/ web1 web2, /canary/ web2, /admin/ web1 web2"
kill "$(cat web1.pid)"
expect "stop web1" "/ web2, /canary/ web2, /admin/ web2"
run web3 SERVICE_80_NAME=other
expect "run web3 -e SERVICE_80_NAME=other" "/ web2, /canary/ web2, /admin/ web2 web3"
kill "$(cat web2.pid)"
expect "stop web2" "/ nobody, /canary/ nobody, /admin/ web3"
