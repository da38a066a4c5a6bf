#!/bin/sh
# After an installation ($1 is "configure" in a deb, 1 in an rpm) and an upgrade
# (there is a $2 in a deb, $1 is 2 in an rpm).
set -e
if command -v systemd-sysusers >/dev/null; then
	systemd-sysusers restencil.conf
elif ! getent passwd restencil >/dev/null; then
	useradd --system --user-group --home-dir /var/lib/restencil --shell /usr/sbin/nologin restencil
fi
if [ -d /run/systemd/system ]; then
	systemctl daemon-reload
	# Only one that runs. A new one has nothing to render yet.
	systemctl --no-block try-restart restencil.service
fi
