#!/bin/sh
# Shows one template make a file for each of 500 sites in Consul: a real Consul, a real
# nginx, with everything in a temporary directory. It ends by itself, with 0 if all went
# as it should. README.md tells what to see.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../loopback.sh"
need consul nginx curl

cd "$dir"
cp "$here/restencil.hcl" "$here/site.conf.ctmpl" .
mkdir sites
# shellcheck disable=SC2046 # four words
set -- $(ports 4)
start_consul "$1" "$2" "$3"
export LISTEN="127.0.0.1:$4"
sed "s/LISTEN/$LISTEN/" "$here/nginx.conf" >nginx.conf
build_restencil
settle_consul
kv="http://$CONSUL_HTTP_ADDR/v1/kv"

# answers SITE TEXT asks nginx for a site.
answers() { [ "$(curl -s -H "Host: $1.example" "http://$LISTEN")" = "$2" ]; }

# effective WHAT SITE TEXT DONE waits until a site answers so, and says what was done.
effective() {
	until_true "$1: $2 does not answer $3" answers "$2" "$3"
	expect "$1" "$4"
}

# expect WHAT DONE waits until the log says that as many files and reloads were done, and says
# it.
expect() {
	until_true "$1: want $2" is_done "$2"
	say "$1" "$2"
}

is_done() { [ "$(count rendered) written, $(count removed) removed, reloads: $(count 'sites: applied')" = "$1" ]; }

say() {
	printf '%-30s → %s\n' "$1" "$2"
	seen=$(wc -l <restencil.log)
}

# count WORDS says how many new lines of the log begin so.
count() { tail -n "+$((seen + 1))" restencil.log | grep -c "(runner) $1 " || :; }

# put_sites FIRST LAST writes sites, 60 in a request.
put_sites() {
	for first in $(seq "$1" 60 "$2"); do
		last=$((first + 59 < $2 ? first + 59 : $2))
		for i in $(seq "$first" $last); do
			text=$(printf 'I am %s' "$i" | base64)
			echo "{\"KV\": {\"Verb\": \"set\", \"Key\": \"sites/site$i\", \"Value\": \"$text\"}}"
		done | paste -s -d, | sed 's/.*/[&]/' | curl -s -X PUT --data-binary @- "http://$CONSUL_HTTP_ADDR/v1/txn" >>put.log
	done
}

put_sites 1 500
nginx -p . -c nginx.conf &
pids="$! $pids"
until_true "nginx does not start" test -s nginx.pid
seen=0
"$RESTENCIL" -config restencil.hcl -state-dir state -log-level info >restencil.log 2>&1 &
pids="$! $pids"
effective "500 sites" site500 "I am 500" "500 written, 0 removed, reloads: 1"

curl -s -X PUT -d "Welcome" "$kv/sites/blog" >>put.log
effective "a new site" blog "Welcome" "1 written, 0 removed, reloads: 1"
curl -s -X PUT -d "Hello" "$kv/sites/blog" >>put.log
effective "another text" blog "Hello" "1 written, 0 removed, reloads: 1"
curl -s -X DELETE "$kv/sites/blog" >>put.log
effective "a site is deleted" blog "no such site" "0 written, 1 removed, reloads: 1"

curl -s -X DELETE "$kv/sites/site4?recurse" >>put.log
until_true "no change is held" grep -q "change held" restencil.log
say "111 are deleted, by mistake" "$(sed -n 's/.*change held: \([^(]*\) (.*/\1/p' restencil.log)"
until_true "a site has gone" answers site444 "I am 444"
put_sites 4 4
put_sites 40 49
put_sites 400 499
until_true "the change is still held" grep -q "no change is held any more" restencil.log
expect "they are there again" "0 written, 0 removed, reloads: 0"
