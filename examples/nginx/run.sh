#!/bin/sh
# Shows a change in Consul becoming a reloaded nginx: a real Consul, a real
# nginx and restencil on loopback, with everything in a temporary directory. It
# ends by itself, with 0 if all went as it should. README.md tells what to see.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../loopback.sh"
need consul nginx curl
build_restencil

# backend NAME PORT HEALTH is an instance of the service web: a server that
# answers with its name, and a health page with the status HEALTH.
backend() {
	cat >"$dir/backends/conf.d/$1.conf" <<END
server {
	listen 127.0.0.1:$2;
	location / { return 200 "$1\n"; }
	location = /health { return $3; }
}
END
}

# health NAME PORT HEALTH changes what a backend says of its health.
health() {
	backend "$@"
	nginx -p ../backends/ -c nginx.conf -s reload 2>>"$dir/reload.log"
}

# register NAME PORT adds an instance to Consul, which asks for its health page
# each second.
register() {
	cat >"$dir/$1.hcl" <<END
service {
  id      = "web-$1"
  name    = "web"
  address = "127.0.0.1"
  port    = $2
  check { http = "http://127.0.0.1:$2/health", interval = "1s", status = "passing" }
}
END
	consul services register "$dir/$1.hcl" >>"$dir/consul.log"
}

# answers prints how often each answer comes to 12 requests to nginx.
answers() {
	for _ in $(seq 12); do
		curl -s "http://$LISTEN/" || echo "no answer"
	done | sort | uniq -c | awk '{ n = $1; $1 = ""; printf "%s%d ×%s", comma, n, $0; comma = ", " }'
}

# expect WHAT ANSWERS waits until the requests are answered so, and says it.
expect() {
	until_true "$1: want $2" is_answered "$2"
	printf '%-26s → %s\n' "$1" "$2"
}

is_answered() { [ "$(answers)" = "$1" ]; }

mkdir -p "$dir/backends/conf.d" "$dir/web/conf.d"
cd "$dir/web"
cp "$here/nginx.conf" ../backends/
cp "$here/nginx.conf" "$here/web.conf.ctmpl" "$here/restencil.hcl" .

# shellcheck disable=SC2046 # seven words
set -- $(ports 7)
export CONSUL_HTTP_ADDR="127.0.0.1:$1" LISTEN="127.0.0.1:$4"

consul agent -dev -bind 127.0.0.1 -log-level warn -hcl "
	disable_update_check = true
	ports { http = $1, server = $2, serf_lan = $3, dns = -1, grpc = -1, grpc_tls = -1, serf_wan = -1 }
" >"$dir/consul.log" 2>&1 &
pids=$!
has_leader() { curl -s "http://$CONSUL_HTTP_ADDR/v1/status/leader" | grep -q :; }
until_true "Consul has no leader" has_leader

backend A "$5" 200
backend B "$6" 200
backend C "$7" 200
nginx -p ../backends/ -c nginx.conf &
pids="$! $pids"
nginx -p . -c nginx.conf &
pids="$! $pids"
until_true "nginx does not start" test -s nginx.pid

"$RESTENCIL" -config restencil.hcl -state-dir state -consul-addr "$CONSUL_HTTP_ADDR" -log-level info >"$dir/restencil.log" 2>&1 &
pids="$! $pids"

echo "Who answers 12 requests to nginx when"
expect "nothing is registered" "12 × no healthy instance"
register A "$5"
expect "A is registered" "12 × A"
register B "$6"
expect "B is registered" "6 × A, 6 × B"
register C "$7"
expect "C is registered" "4 × A, 4 × B, 4 × C"
health B "$6" 503
expect "B fails its check" "6 × A, 6 × C"
health B "$6" 200
expect "B passes its check again" "4 × A, 4 × B, 4 × C"
consul services deregister -id=web-A >>"$dir/consul.log"
expect "A is taken away" "6 × B, 6 × C"
echo
echo "and nginx's file is now:"
cat conf.d/web.conf
