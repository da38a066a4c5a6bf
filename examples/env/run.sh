#!/bin/sh
# Shows a Django site that is configured by its environment alone: a real Consul, and
# gunicorn with restencil as its parent process, on loopback and in a temporary
# directory. It ends by itself, with 0 if all went as it should. README.md tells what to
# see.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../loopback.sh"
need consul curl django

cd "$dir"
cp "$here/restencil.hcl" "$here/site_of_env.py" .
# shellcheck disable=SC2046 # four words
set -- $(ports 4)
start_consul "$1" "$2" "$3"
address="127.0.0.1:$4"
build_restencil
settle_consul

# put KEY VALUE writes a key of Consul.
put() { curl -s -X PUT -d "$2" "http://$CONSUL_HTTP_ADDR/v1/kv/site/$1" >>put.log; }

# answers TEXT says whether the site's page is this.
answers() { [ "$(curl -s "http://$address/")" = "$1" ]; }

put title "Under construction"
GUNICORN_CMD_ARGS="--bind $address" "$RESTENCIL" -config restencil.hcl -consul-addr "$CONSUL_HTTP_ADDR" \
	-log-level info -state-dir state >restencil.log 2>&1 &
restencil=$!
pids="$restencil $pids"
until_true "it does not say what it waits for" grep -q "waited .* key site/secret_key" restencil.log
echo "no secret key    → the site is not started: restencil waits for key site/secret_key"

put secret_key "it's a secret"
until_true "the site does not start" answers "Under construction"
echo "the secret key   → the site answers: Under construction"

put title "Welcome"
until_true "the site does not change" answers "Welcome"
echo "another title    → the site answers: Welcome"

"$RESTENCIL" env -config restencil.hcl -consul-addr "$CONSUL_HTTP_ADDR" -once -- \
	sh -c 'echo "restencil env    → SITE_TITLE=$SITE_TITLE, and a secret of ${#SITE_SECRET_KEY} characters"' 2>>restencil.log

kill "$restencil"
wait "$restencil"
if answers "Welcome" || grep -rlF "it's a secret" . >&2; then
	exit 1
fi
echo "SIGTERM          → the site has ended; files and logs with the secret: 0"
