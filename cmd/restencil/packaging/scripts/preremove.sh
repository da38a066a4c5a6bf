#!/bin/sh
# Before a removal ($1 is "remove" in a deb, 0 in an rpm) or an upgrade.
set -e
case $1 in
remove | 0)
	if [ -d /run/systemd/system ]; then
		systemctl --quiet disable --now restencil.service
	fi
	;;
esac
