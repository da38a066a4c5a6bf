#!/bin/sh
# Has PostgreSQL accept the users of users.json, and then publishes in Consul what
# to log in with: database/logins/NAME. GRACE is how long the password before stays
# valid. psql finds the server in PGHOST and so on. Passwords are in no argument,
# where every user of the machine could see them.
set -eu
logins=$(psql -XAtq -F ' ' -d postgres -v ON_ERROR_STOP=1 -v grace="${GRACE:-1 minute}" -f users.sql)
printf '%s\n' "$logins" | while read -r name login; do
	printf '%s' "$login" | consul kv put "database/logins/$name" -
done
