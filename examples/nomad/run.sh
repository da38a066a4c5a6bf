#!/bin/sh
# Shows nginx follow a service and a variable of Nomad: a real Nomad with access control,
# a job of small web servers, nginx before them and restencil on loopback, with everything
# in a temporary directory. It ends by itself, with 0 if all went as it should. README.md
# tells what to see.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../loopback.sh"
need nomad nginx curl
build_restencil

cd "$dir"
mkdir conf.d
cp "$here"/*.hcl "$here/nginx.conf" "$here/web.conf.ctmpl" .
# shellcheck disable=SC2046 # four words
set -- $(ports 4)
export LISTEN="127.0.0.1:$4"
start_nomad "$1" "$2" "$3"

# A token for restencil, which may do what policy.nomad.hcl says, and nothing else.
as_manager acl policy apply restencil policy.nomad.hcl >set_up.log
token=$(as_manager acl token create -policy restencil -t '{{ .SecretID }}')
as_manager var put -force nomad/jobs/web token=first >>set_up.log
as_manager job run -detach web.nomad.hcl >>set_up.log

nginx -p . -c nginx.conf &
pids="$! $pids"
until_true "nginx does not start" test -s nginx.pid
NOMAD_TOKEN=$token "$RESTENCIL" -config restencil.hcl -state-dir state >restencil.log 2>&1 &
pids="$! $pids"

# who prints which instances answer through nginx, and with which token they were asked.
who() { curl -sf "http://$LISTEN/[1-12]" | sort -u | xargs; }
is_answered() { [ "$(who)" = "$1" ]; }

# expect WHAT ANSWERS waits until those are the answers, and says so.
expect() {
	until_true "$1: want $2" is_answered "$2"
	printf '%-34s → %s\n' "$1" "$2"
}

# scale COUNT has the job have so many instances, as soon as Nomad has done what was before.
scale() { until_true "Nomad does not scale the job" try_scale "$1"; }
try_scale() { as_manager job scale -detach web web "$1" >>set_up.log 2>&1; }

says_what() { grep -o 'namespace "default" { .* } } }' restencil.log; }

expect "two instances" "0 Bearer first 1 Bearer first"
as_manager var put -force nomad/jobs/web token=second >>set_up.log
expect "the variable has another token" "0 Bearer second 1 Bearer second"
scale 3
expect "nomad job scale web 3" "0 Bearer second 1 Bearer second 2 Bearer second"
echo 'namespace "default" { capabilities = ["read-job"] }' | as_manager acl policy apply restencil - >>set_up.log
echo "the policy loses a right"
until_true "restencil does not say what is missing" says_what >missing
echo "restencil says what is missing: $(head -n 1 missing)"
scale 1
expect "nomad job scale web 1" "0 Bearer second"
as_manager acl policy apply restencil policy.nomad.hcl >>set_up.log
as_manager var put -force nomad/jobs/web token=third >>set_up.log
expect "the right is back, token=third" "0 Bearer third"
