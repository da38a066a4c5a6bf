#!/bin/sh
# Shows an application whose user and password in PostgreSQL are replaced by
# Vault all the time, with no query that fails: a real PostgreSQL, a real Vault,
# restencil and the application on loopback, with everything in temporary
# directories. It ends by itself, with 0 if all went as it should. README.md
# tells what to see.
#
# LIFE is how long a user lives, 20 s if it is not given.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../loopback.sh"
need vault initdb postgres psql curl
build_restencil
dots "building the application" env CGO_ENABLED=0 go -C "$here/app" build -buildvcs=false -o "$dir/app" .

cd "$dir"
cp "$here/restencil.hcl" "$here"/*.ctmpl .
# shellcheck disable=SC2046 # three words
set -- $(ports 3)
export DATABASE="127.0.0.1:$3"
start_postgres "$3"
query "CREATE TABLE visits (id serial PRIMARY KEY, at timestamptz NOT NULL DEFAULT now())"

start_vault "$1" -dev-plugin-dir="$(dirname "$(command -v vault)")/vault-plugins"

# Vault makes users that live for LIFE, whatever anybody renews, and may read and
# write. restencil may ask for them and give them back, and nothing else; it logs
# in with a role.
set_up_vault() {
	as_root secrets enable database
	as_root write database/config/app plugin_name=postgresql-database-plugin allowed_roles=app \
		connection_url="postgresql://{{username}}:{{password}}@$DATABASE/postgres?sslmode=disable" \
		username=postgres password="$PGPASSWORD"
	as_root write database/roles/app db_name=app default_ttl="${LIFE:-20s}" max_ttl="${LIFE:-20s}" \
		creation_statements='CREATE ROLE "{{name}}" LOGIN PASSWORD '"'{{password}}'"' VALID UNTIL '"'{{expiration}}'"';
			GRANT pg_read_all_data, pg_write_all_data TO "{{name}}";'
	as_root policy write app - <<-END
		path "database/creds/app" { capabilities = ["read"] }
		path "sys/leases/revoke"  { capabilities = ["update"] }
	END
	as_root auth enable approle
	as_root write auth/approle/role/app token_policies=app token_ttl=1h
	as_root read -field=role_id auth/approle/role/app/role-id >role_id
	as_root write -force -field=secret_id auth/approle/role/app/secret-id >secret_id
}
(umask 077 && set_up_vault >set_up.log 2>&1)

echo "While four workers query the database without a pause:"
dots "" attend "$RESTENCIL" -config restencil.hcl -state-dir state -log-level info 2>restencil.log

users() { query "SELECT count(*) FROM pg_roles WHERE rolname LIKE 'v-%'"; }
no_users() { [ "$(users)" = 0 ]; }
until_true "Vault's users are still there" no_users
echo "users of Vault's that are left in PostgreSQL: $(users)"
