// Package systemd notifies the service manager by the protocol of sd_notify(3): that
// the program is ready, reloads or stops, a summary of its status, and that it is
// alive (WatchdogSec=). It takes them from the runner's events.
//
// Without a service manager nothing is sent. A message that cannot be sent is a
// warning; it neither ends the program nor delays it by more than 100ms.
package systemd
