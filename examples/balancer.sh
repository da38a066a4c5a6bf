# shellcheck shell=sh
# What the load balancers beside this file share: each run.sh sources it after
# loopback.sh.

first="A B"
others="C D E F G H I J K L M N O P Q R S T"

# prepare makes the directory of the example ready, with the main file and those of
# restencil, and starts Consul.
prepare() {
	cd "$dir"
	mkdir conf.d
	cp "$here"/*.c* "$here/restencil.hcl" .
	# shellcheck disable=SC2046 # four words
	set -- $(ports 4)
	start_consul "$1" "$2" "$3"
	LISTEN="127.0.0.1:$4"
	build_restencil
	build instance ./examples/instance
	settle_consul
	put web/listen "$LISTEN"
}

# put KEY VALUE writes a key of Consul.
put() { curl -s -X PUT --data-binary "$2" "http://$CONSUL_HTTP_ADDR/v1/kv/$1" >>put.log; }

# start NAME... starts instances of the service web.
start() {
	for name; do
		./instance -name "$name" -down "$name.down" 2>>instances.log &
		echo $! >"$name.pid"
		pids="$! $pids"
	done
}

# leave NAME... asks instances to end.
leave() {
	for name; do
		kill "$(cat "$name.pid")"
	done
}

# are_gone NAME... tells whether they have ended.
are_gone() {
	for name; do
		! kill -0 "$(cat "$name.pid")" 2>/dev/null || return 1
	done
}

# expect WHAT NAMES waits until those answer 200 requests, and says in how many seconds.
expect() {
	since=$(now)
	until_true "$1: want answers of $2" is_answering "$2"
	took "$1" "$(echo "$2" | wc -w) answer" "$since"
}

is_answering() { [ "$(curl -s "http://$LISTEN/[1-200]" | sort -u | xargs)" = "$1" ]; }

# now prints the time in milliseconds.
now() { date +%s%3N; }

# took WHAT RESULT SINCE prints a line of the story.
took() { printf '%-30s → %s, after %.1f s\n' "$1" "$2" "$(awk "BEGIN { print ($(now) - $3) / 1000 }")"; }

# begin starts restencil and two instances, and has hey ask 400 times a second from
# then on.
begin() {
	"$RESTENCIL" -config restencil.hcl -state-dir state -log-level info >restencil.log 2>&1 &
	pids="$! $pids"
	# shellcheck disable=SC2086 # one word an instance
	start $first
	expect "2 instances register" "$first"
	echo "hey begins: 400 requests a second, each on a new connection"
	hey -z 1h -c 8 -q 50 -disable-keepalive "http://$LISTEN/" >hey.log &
	hey=$!
	pids="$! $pids"
}

# end_load ends hey, and the script if a request has failed. In hey's report, the
# answers stand below their status, and what failed below its error.
end_load() {
	kill -INT $hey
	wait $hey
	awk '$1 == "[200]" { ok = $2 } $1 ~ /^\[[0-9]+\]$/ { all += $NF ~ /^responses$/ ? $2 : substr($1, 2) }
		END { printf "hey ends: %d requests, %d failed\n", all, all - ok; exit all > ok || ok < 100 }' hey.log
}

# scale goes from 2 instances to 20 and back.
scale() {
	# shellcheck disable=SC2086 # one word an instance
	start $others
	expect "18 more register" "$first $others"
	touch B.down
	expect "B fails its health check" "A $others"
	rm B.down
	expect "B passes it again" "$first $others"
	# shellcheck disable=SC2086
	leave $others
	expect "18 deregister" "$first"
	# shellcheck disable=SC2086
	until_true "instances are still asked" are_gone $others
}

# refuse_value writes an address that is none, which the check finds.
refuse_value() {
	since=$(now)
	put web/listen 127.0.0.1:many
	until_true "the check does not fail" grep -q "check failed" restencil.log
	took "web/listen is no address" "check failed, the file stays" "$since"
	sed -n 's/^.*\(emerg\|ALERT\)\][^:]*: */    /p' restencil.log | head -1
	expect "all is as before" "$first"
}

# refuse_port writes an address where another program listens, which only the verify
# can find.
refuse_port() {
	since=$(now)
	put web/listen "$CONSUL_HTTP_ADDR"
	until_true "the verify does not fail" grep -q "verify failed" restencil.log
	took "web/listen is Consul's own" "verify failed, rolled back" "$since"
	expect "all is as before" "$first"
}
