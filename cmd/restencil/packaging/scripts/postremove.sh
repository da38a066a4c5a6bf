#!/bin/sh
# After a removal or an upgrade. "purge" exists in a deb only. What restencil has
# rendered stays in any case, and so does the user.
set -e
if [ "$1" = purge ]; then
	rm -rf /var/lib/restencil
fi
if [ -d /run/systemd/system ]; then
	systemctl daemon-reload
fi
