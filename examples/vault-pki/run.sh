#!/bin/sh
# Shows a certificate of Vault's that is replaced every 30 s under an nginx that
# serves without a break: a real Vault, a real nginx and restencil on loopback,
# with everything in a temporary directory. It ends by itself, with 0 if all
# went as it should. README.md tells what to see.
#
# LIFE is how long a certificate lives, 45 s if it is not given; it is replaced
# after two thirds of that.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../loopback.sh"
need vault nginx curl
build_restencil
build load ./examples/vault-pki/load

cd "$dir"
cp "$here/nginx.conf" "$here/restencil.hcl" "$here"/*.ctmpl .
# shellcheck disable=SC2046 # three words
set -- $(ports 3)
start_vault "$1"
export LISTEN="127.0.0.1:$3"
echo "listen $LISTEN ssl;" >listen.conf

# A root, whose certificate clients know, an authority below it, which signs, and
# a policy for restencil: certificates of that role, and nothing else.
set_up_vault() {
	as_root secrets enable -path=root -max-lease-ttl=87600h pki
	as_root write -field=certificate root/root/generate/internal common_name="Example Root" ttl=87600h >root.pem
	as_root secrets enable -max-lease-ttl=8760h pki
	as_root write -field=csr pki/intermediate/generate/internal common_name="Example Authority" >authority.csr
	as_root write -field=certificate root/root/sign-intermediate csr=@authority.csr ttl=8760h >authority.pem
	as_root write pki/intermediate/set-signed certificate=@authority.pem
	as_root write pki/roles/web allowed_domains=web.example allow_bare_domains=true \
		key_type=ec not_before_duration=1s ttl="${LIFE:-45s}"
	echo 'path "pki/issue/web" { capabilities = ["update"] }' | as_root policy write web -
}
set_up_vault >set_up.log 2>&1

VAULT_TOKEN=$(as_root token create -policy=web -field=token)
export VAULT_TOKEN
"$RESTENCIL" -config restencil.hcl -state-dir state -log-level info >restencil.log 2>&1 &
pids="$! $pids"
until_true "no certificate" test -s tls/cert.pem -a -s tls/key.pem
nginx -p . -c nginx.conf &
pids="$! $pids"
is_served() { curl -s --noproxy '*' --cacert root.pem --connect-to "::$LISTEN" https://web.example/ >/dev/null; }
until_true "nginx does not serve" is_served

echo "While clients connect to nginx without a pause:"
dots "" attend ./load -connect "$LISTEN" -name web.example -root root.pem -certificates 4
if grep -E '\[(error|crit|alert|emerg)\]' nginx.log; then
	exit 1
fi
