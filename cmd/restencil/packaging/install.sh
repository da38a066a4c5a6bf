#!/bin/sh
# Installs restencil below DESTDIR, with its unit, man pages and completions. What
# is in /etc already stays as it is.
set -eu
cd "$(dirname "$0")/../../.."
: "${PREFIX:=/usr/local}" "${DESTDIR:=}" "${PROGRAM:=restencil}"
generator=${GENERATOR:-$PROGRAM} # a program that runs on this machine
case $generator in */*) ;; *) generator=./$generator ;; esac
root=$DESTDIR$PREFIX
etc=$DESTDIR/etc/restencil
doc=$root/share/doc/restencil

# put MODE FILE PLACE installs a file, with the directories that it needs.
put() {
	install -d "$(dirname "$3")"
	install -m "$1" "$2" "$3"
}

put 0755 "$PROGRAM" "$root/bin/restencil"
put 0644 cmd/restencil/packaging/restencil.service "$root/lib/systemd/system/restencil.service"
sed -i "s|/usr/bin/restencil|$PREFIX/bin/restencil|" "$root/lib/systemd/system/restencil.service"
put 0644 cmd/restencil/packaging/sysusers.conf "$root/lib/sysusers.d/restencil.conf"
put 0644 LICENSE "$doc/copyright"
put 0644 CHANGELOG.md "$doc/CHANGELOG.md"
put 0644 cmd/restencil/packaging/nginx.service.conf "$root/share/restencil/nginx.conf"
install -d "$etc/restencil.d" "$etc/templates"
[ -e "$etc/restencil.d/example.hcl" ] || put 0644 cmd/restencil/packaging/example.hcl "$etc/restencil.d/example.hcl"

# generate PLACE COMMAND... installs what the program prints.
generate() {
	install -d "$(dirname "$root/share/$1")"
	file=$root/share/$1
	shift
	"$generator" "$@" >"$file"
	chmod 0644 "$file"
}

generate man/man1/restencil.1 man 1
generate man/man5/restencil.5 man 5
generate bash-completion/completions/restencil completion bash
generate zsh/vendor-completions/_restencil completion zsh
generate fish/vendor_completions.d/restencil.fish completion fish
