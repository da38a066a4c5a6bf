#!/bin/sh
# Shows a file follow its data: restencil keeps site.conf in step with a copy
# of data.yaml, which is edited twice. It ends by itself, with 0 if site.conf
# followed.
#
# RESTENCIL names the program to run; without it, it is built from here.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)

dir=$(mktemp -d)
pid=
clean_up() {
	trap '' HUP INT PIPE TERM
	[ -z "$pid" ] || kill "$pid" || :
	wait
	rm -rf "$dir"
}
trap clean_up EXIT
trap 'exit 1' HUP INT PIPE TERM

if [ -z "${RESTENCIL:-}" ]; then
	RESTENCIL=$dir/restencil
	. "$root/test/servers/progress.sh"
	dots "building restencil" env CGO_ENABLED=0 go -C "$root" build -buildvcs=false -o "$RESTENCIL" ./cmd/restencil
fi
cp "$here/data.yaml" "$here/site.conf.ctmpl" "$dir"
cd "$dir"
touch before site.conf

# show waits until site.conf has changed, and prints its lines with a mark at
# those that are new (+) or gone (-).
show() {
	for _ in $(seq 100); do
		if ! cmp -s before site.conf; then
			diff -U 99 before site.conf | sed 1,3d
			cp site.conf before
			return
		fi
		sleep 0.1
	done
	echo "site.conf has not changed" >&2
	exit 1
}

# edit SED-SCRIPT changes data.yaml, and shows how.
edit() {
	echo
	echo "\$ sed -i '$1' data.yaml"
	sed "$1" data.yaml >data.new
	mv data.new data.yaml
}

echo "Rendering site.conf from site.conf.ctmpl and data.yaml, and editing the data twice." >&2
echo "Lines with + are new in site.conf, and those with - are gone." >&2
echo "\$ restencil -local data.yaml -template site.conf.ctmpl:site.conf &"
"$RESTENCIL" -local data.yaml -template site.conf.ctmpl:site.conf &
pid=$!
show
edit 's/Hello/Good morning/'
show
edit 's/passing/critical/'
show
