# shellcheck shell=sh
# What scripts source that have something to wait for.

# dots WHAT COMMAND... says what it waits for, runs the command, and prints a dot
# each two seconds meanwhile.
dots() {
	printf '%s ' "$1" >&2
	shift
	(while sleep 2 2>/dev/null && kill -0 $$ 2>/dev/null; do printf . >&2; done) &
	dotted=$!
	status=0
	"$@" || status=$?
	{ kill $dotted && wait $dotted; } 2>/dev/null || :
	echo >&2
	return $status
}
