# shellcheck shell=sh
# What the demonstrations beside this file share; each run.sh sources it, after
# setting here to its own directory. It makes a temporary directory, $dir, that
# goes away at the end, and ends all whose process ids are in $pids.
#
# RESTENCIL names the program to run; without it, it is built from here.
root=$(cd "$here/../.." && pwd)
. "$root/test/servers/progress.sh"
PATH=$PATH:/usr/sbin:/usr/local/sbin:${RESTENCIL_SERVERS_BIN:-$root/.cache/bin}
for folder in /usr/lib/postgresql/*/bin /usr/pgsql-*/bin; do
	PATH=$folder:$PATH
done
export PATH

# What the caller has set for servers of its own is not for these.
for name in $(env | sed -nE 's/^((CONSUL|VAULT|NOMAD)_[A-Z_]*|PG[A-Z]*)=.*/\1/p'); do
	unset "$name"
done
export no_proxy="127.0.0.1${no_proxy:+,$no_proxy}" NO_PROXY="127.0.0.1${NO_PROXY:+,$NO_PROXY}"

dir=$(mktemp -d)
pids=
also= # what else is to be removed at the end

clean_up() {
	status=$?
	set +e # whatever fails here, for example as nobody reads the logs, the rest is done
	trap '' HUP INT PIPE TERM
	[ $status = 0 ] || [ $status = 130 ] || find "$dir" -name '*.log' -exec tail -n 20 {} + >&2
	for pid in $pids; do
		kill "$pid" 2>/dev/null
	done
	for pid in $pids; do
		end "$pid"
	done
	rm -rf "$dir" ${also:+"$also"}
}
trap clean_up EXIT
trap 'exit 130' INT # ctrl-C: nobody wants the logs
trap 'exit 1' HUP PIPE TERM

# end PID ends a process, if need be by force after 5 s.
end() {
	kill "$1" 2>/dev/null || return 0
	for _ in $(seq 50); do
		kill -0 "$1" 2>/dev/null || return 0
		sleep 0.1
	done
	kill -KILL "$1" || :
}

# attend COMMAND... runs a command and waits for it. Unlike with the command
# alone, the script hears it when it is asked to end meanwhile.
attend() {
	"$@" &
	attended=$!
	pids="$attended $pids"
	status=0
	wait $attended || status=$?
	pids=${pids#"$attended "}
	return $status
}

# need PROGRAM... gets those of them that are missing.
need() {
	missing=
	for program; do
		command -v "$program" >/dev/null || missing="$missing $program"
	done
	# shellcheck disable=SC2086 # one word a program
	[ -z "$missing" ] || "$root/test/servers/get.sh" $missing >&2
}

# ports N prints N loopback ports where nothing listens, one after the other.
ports() {
	port=$((14000 + ($(od -An -N2 -tu2 /dev/urandom) % 18000)))
	free=
	left=$1
	while [ "$left" -gt 0 ]; do
		status=0
		curl -s -o "$dir/none" "http://127.0.0.1:$port" || status=$?
		if [ $status = 7 ]; then # connection refused
			free="$free $port"
			left=$((left - 1))
		else
			free=
			left=$1
		fi
		port=$((port + 1))
	done
	echo "$free"
}

# until_true WHAT COMMAND... repeats the command until it succeeds, and ends the
# script if that takes more than a minute. It prints a dot each two seconds.
until_true() {
	what=$1
	shift
	begun=$(date +%s)
	printed=
	until "$@"; do
		waited=$(($(date +%s) - begun))
		if [ $waited -ge 60 ]; then
			echo "${printed:+ }gave up: $what" >&2
			exit 1
		fi
		if [ $waited -ge $((2 * ${#printed} + 2)) ]; then
			printed=$printed.
			printf . >&2
		fi
		sleep 0.05
	done
	[ -z "$printed" ] || echo >&2
}

# build_restencil sets RESTENCIL to the program.
build_restencil() {
	[ -z "${RESTENCIL:-}" ] || return 0
	RESTENCIL=$dir/restencil
	build restencil ./cmd/restencil
}

# build NAME PACKAGE builds a Go program of this repository as $dir/NAME.
build() {
	dots "building $1" env CGO_ENABLED=0 go -C "$root" build -buildvcs=false -o "$dir/$1" "$2"
}

# start_consul HTTP SERVER SERF starts a Consul that keeps all in memory, on those
# ports, and sets CONSUL_HTTP_ADDR.
start_consul() {
	export CONSUL_HTTP_ADDR="127.0.0.1:$1"
	consul_since=$(date +%s)
	consul agent -dev -bind 127.0.0.1 -log-level warn -hcl "
		disable_update_check = true
		ports { http = $1, server = $2, serf_lan = $3, dns = -1, grpc = -1, grpc_tls = -1, serf_wan = -1 }
	" >"$dir/consul.log" 2>&1 &
	pids="$! $pids"
	until_true "Consul has no leader" has_leader
}

# settle_consul waits until Consul has run for 4 s, before services register. In the first
# 3 s the agent compares all that it has with the servers. If a service registers at that
# moment, the agent tells the servers nothing more for 15 to 30 s.
settle_consul() { until_true "Consul does not settle" is_settled; }

is_settled() { [ "$(date +%s)" -ge $((consul_since + 5)) ]; }

has_leader() { curl -s "http://$CONSUL_HTTP_ADDR/v1/status/leader" | grep -q :; }

# start_postgres PORT starts a PostgreSQL with new, empty data, and sets PGHOST,
# PGPORT, PGUSER and PGPASSWORD: psql connects as its superuser then. It does not
# run as root: there it is the user postgres, who must be able to reach its files.
start_postgres() {
	home=$(mktemp -d /tmp/postgres-XXXXXX)
	also=$home
	export PGHOST=127.0.0.1 PGPORT="$1" PGUSER=postgres
	PGPASSWORD=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
	export PGPASSWORD
	echo "$PGPASSWORD" >"$home/password"
	as_server=
	if [ "$(id -u)" = 0 ]; then
		as_server="setpriv --reuid=postgres --regid=postgres --clear-groups"
		chown -R postgres "$home"
	fi
	dots "creating PostgreSQL's data" create_data
	(cd "$home" && exec $as_server postgres -D data -h 127.0.0.1 -p "$1" -c unix_socket_directories= -c fsync=off) >"$dir/postgres.log" 2>&1 &
	pids="$! $pids"
	until_true "PostgreSQL does not start" is_postgres_up
}

create_data() {
	(cd "$home" && $as_server initdb -D data -U postgres --pwfile=password --auth=scram-sha-256 --no-locale --encoding=UTF8 --no-sync) >"$dir/initdb.log"
}

is_postgres_up() { query "SELECT 1" >>"$dir/psql.log" 2>&1; }

# query SQL prints the answer, without any decoration.
query() { psql -XAtq -d postgres -c "$1"; }

# start_vault PORT [ARGUMENT...] starts a Vault that keeps all in memory, and
# sets VAULT_ADDR. It needs the next port, too.
start_vault() {
	export VAULT_ADDR="http://127.0.0.1:$1"
	shift
	env HOME="$dir" VAULT_DISABLE_MLOCK=true vault server -dev -dev-root-token-id=root -dev-no-store-token \
		-dev-listen-address="${VAULT_ADDR#http://}" -log-level=warn "$@" >"$dir/vault.log" 2>&1 &
	pids="$! $pids"
	until_true "Vault does not start" is_vault_up
}

# as_root ARGUMENT... runs one of Vault's commands with the root token.
as_root() { HOME=$dir VAULT_TOKEN=root vault "$@"; }

is_vault_up() { as_root secrets list >>"$dir/vault.log" 2>&1; }

# start_nomad HTTP RPC SERF starts a Nomad with access control that keeps all in $dir and
# ends its tasks with itself, on those ports, and sets NOMAD_ADDR.
start_nomad() {
	export NOMAD_ADDR="http://127.0.0.1:$1"
	cat >nomad-agent.conf <<-END
		disable_update_check = true
		bind_addr = "127.0.0.1"
		data_dir = "$dir/nomad"
		ports {
		  http = $1
		  rpc = $2
		  serf = $3
		}
		acl { enabled = true }
		client { options = { "fingerprint.denylist" = "env_aws,env_gce,env_azure,env_digitalocean,bridge,cni,consul,vault" } }
		plugin "raw_exec" { config { enabled = true } }
	END
	mkdir nomad
	# As root, what it mounts and runs for its tasks ends with it.
	alone=
	[ "$(id -u)" != 0 ] || alone="unshare --mount --pid --fork --mount-proc --kill-child"
	export NOMAD_CLI_SHOW_HINTS=false
	env -u AWS_CA_BUNDLE HOME="$dir" TMPDIR="$dir/nomad" $alone nomad agent -dev -config nomad-agent.conf -log-level=warn >"$dir/nomad.log" 2>&1 &
	pids="$! $pids"
	manager=$(cat /proc/sys/kernel/random/uuid)
	echo "$manager" >manager
	until_true "Nomad does not start" bootstrap_nomad
	until_true "Nomad has no node" has_node
}

bootstrap_nomad() { as_manager acl token self >>"$dir/bootstrap.log" 2>&1 || nomad acl bootstrap manager >>"$dir/bootstrap.log" 2>&1; }
has_node() { as_manager node status 2>&1 | grep -q ready; }

# as_manager ARGUMENT... runs one of Nomad's commands with a token that may do all.
as_manager() { NOMAD_TOKEN=$manager nomad "$@"; }
