#!/bin/sh
# The test command: all set-up, then every check and every test. It ends at the
# first step that fails, and says at the end how each one went.
set -eu
cd "$(dirname "$0")/.."

export GOFLAGS="${GOFLAGS:-} -buildvcs=false"
export RESTENCIL_TEST_SERVERS=required

tools=$PWD/.cache/bin
staticcheck=v0.8.2
govulncheck=v1.8.0

summary=
current=

# step NAME COMMAND... runs one step.
step() {
	current=$1
	shift
	echo "==> $current"
	since=$(date +%s)
	"$@"
	summary="$summary  ok      $current ($(($(date +%s) - since)) s)
"
	current=
}

# note TEXT adds a line to the summary that must not be missed.
note() {
	echo "NOTE: $1" >&2
	summary="$summary  NOTE    $1
"
}

finish() {
	if [ -n "$current" ]; then
		summary="$summary  FAILED  $current
"
	fi
	printf '\n==> summary\n%s' "$summary"
}
trap finish EXIT

check_format() {
	unformatted=$(find . -name .cache -prune -o -name '*.go' -exec gofmt -l {} +)
	[ -z "$unformatted" ] || {
		echo "gofmt -w these files:" "$unformatted" >&2
		return 1
	}
}

check_modules() {
	go mod tidy -diff
	go mod verify
	go -C examples/postgres-credentials/app mod tidy -diff
}

# tool NAME VERSION PACKAGE installs a tool at that version.
tool() {
	path=$tools/$1-$2
	[ -x "$path" ] && return
	GOBIN=$tools go install "$3@$2" && mv "$tools/$1" "$path"
}

check_static() {
	tool staticcheck $staticcheck honnef.co/go/tools/cmd/staticcheck
	"$tools/staticcheck-$staticcheck" ./...
}

# Findings fail the step. That the vulnerability database cannot be reached,
# as behind a proxy that serves modules alone, does not.
check_vulnerabilities() {
	tool govulncheck $govulncheck golang.org/x/vuln/cmd/govulncheck
	if found=$("$tools/govulncheck-$govulncheck" ./... 2>&1); then
		echo "$found"
	else
		echo "$found" >&2
		case $found in
		*"govulncheck: fetching vulnerabilities:"*) note "govulncheck: NOT CHECKED, its database is out of reach" ;;
		*) return 1 ;;
		esac
	fi
}

# The tests must compile everywhere too, which vet sees to.
check_platforms() {
	for platform in linux/arm64 darwin/arm64 windows/amd64; do
		echo "$platform"
		GOOS=${platform%/*} GOARCH=${platform#*/} CGO_ENABLED=0 go build -o /dev/null ./...
		GOOS=${platform%/*} GOARCH=${platform#*/} CGO_ENABLED=0 go vet ./...
	done
}

# Two packages at a time: tests with real servers wait most of the time, and have
# deadlines for what they wait for. Faults are by themselves, for they promise how
# soon a file catches up. Building beforehand keeps that from being slow while
# they run. What takes longest comes first, so that nothing waits for it at the end.
run_tests() {
	go build -race ./...
	# shellcheck disable=SC2046 # one word a package
	go test -race -count=1 -timeout=30m -p=2 ./test ./watch/consul $(go list ./... | grep -vE '/(test|test/faults|watch/consul)$')
	go test -race -count=1 -timeout=20m ./test/faults
}

# A module of its own: its PostgreSQL client stays out of ours.
check_app() {
	go -C examples/postgres-credentials/app vet .
}

step "set-up of the servers" test/servers/get.sh
step "gofmt" check_format
step "modules" check_modules
step "go vet" go vet ./...
step "go vet of the example's application" check_app
step "staticcheck" check_static
step "govulncheck" check_vulnerabilities
step "cross-compiling" check_platforms
step "tests, with the race detector" run_tests
