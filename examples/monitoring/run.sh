#!/bin/sh
# Shows Prometheus alerting on what is wrong in restencil: a real Prometheus and
# restencil on loopback, with everything in a temporary directory. It ends by
# itself, with 0 if all went as it should. README.md tells what to see.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../loopback.sh"
need prometheus promtool curl
build_restencil
cd "$dir"
cp "$here"/*.hcl "$here"/*.ctmpl "$here"/*.yaml .

# shellcheck disable=SC2046 # two words
set -- $(ports 2)
status="127.0.0.1:$1"
prometheus="127.0.0.1:$2"

# Nobody wants to wait for minutes here.
sed "s/127.0.0.1:8558/$status/; s/15s/1s/" "$here/prometheus.yml" >prometheus.yml
sed 's/for: .*m$/for: 1s/' "$here/alerts.yml" >alerts.yml

"$RESTENCIL" -config restencil.hcl -local data.yaml -state-dir state -status-addr "$status" >restencil.log 2>&1 &
pids=$!
prometheus --config.file=prometheus.yml --storage.tsdb.path=data --web.listen-address="$prometheus" --log.level=warn >prometheus.log 2>&1 &
pids="$! $pids"

# firing prints the names of the alerts that fire, and for which bundle.
firing() {
	curl -s "http://$prometheus/api/v1/query" --data-urlencode 'query=ALERTS{alertstate="firing"}' |
		grep -o '"alertname":"[^"]*"[^}]*"bundle":"[^"]*"' | sed 's/"alertname":"\([^"]*\)".*"bundle":"\([^"]*\)"/\1 \2/'
}

is_ready() { [ "$(curl -s -o ready.json -w '%{http_code}' "http://$status/ready")" = "$1" ]; }
is_up() { curl -s "http://$prometheus/api/v1/query?query=up" | grep -q '"value":\[[0-9.]*,"1"\]'; }
fires() { [ "$(firing)" = "$1" ]; }

until_true "restencil is not ready" is_ready 200
until_true "Prometheus does not scrape restencil" is_up
curl -s "http://$status/metrics" | promtool check metrics
echo "all is well               → ready"
sed -i.old 's/80/bogus/' data.yaml
until_true "it is ready" is_ready 503
until_true "no alert fires" fires "RestencilBundleFailed web"
echo "a change fails its check  → not ready, RestencilBundleFailed web"
mv data.yaml.old data.yaml
until_true "it is not ready again" is_ready 200
until_true "an alert fires" fires ""
echo "the change is taken back  → ready"
