#!/bin/sh
# Installs restencil below DESTDIR, with its unit, man pages and completions. What
# is in /etc already stays as it is.
set -eu
cd "$(dirname "$0")/.."
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
put 0644 packaging/restencil.service "$root/lib/systemd/system/restencil.service"
sed -i "s|/usr/bin/restencil|$PREFIX/bin/restencil|" "$root/lib/systemd/system/restencil.service"
put 0644 packaging/sysusers.conf "$root/lib/sysusers.d/restencil.conf"
put 0644 LICENSE "$doc/copyright"
put 0644 CHANGELOG.md "$doc/CHANGELOG.md"
put 0644 packaging/nginx.service.conf "$root/share/restencil/nginx.conf"
install -d "$etc/restencil.d" "$etc/templates"
[ -e "$etc/restencil.d/example.hcl" ] || put 0644 packaging/example.hcl "$etc/restencil.d/example.hcl"
