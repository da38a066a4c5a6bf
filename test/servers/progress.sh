# shellcheck shell=sh
# What scripts source that have something to wait for.

# dots WHAT COMMAND... says what it waits for, runs the command, and prints a dot
# each two seconds meanwhile. WHAT may be empty: the command prints lines itself.
dots() {
	what=$1
	[ -z "$what" ] || printf '%s ' "$what" >&2
	shift
	(while sleep 2 2>/dev/null && kill -0 $$ 2>/dev/null; do printf . >&2; done) &
	dotted=$!
	status=0
	"$@" || status=$?
	{ kill $dotted && wait $dotted; } 2>/dev/null || :
	[ -z "$what" ] || echo >&2
	return $status
}
