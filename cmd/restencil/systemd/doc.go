// Package systemd tells the service manager how the program fares, in the
// protocol of sd_notify(3): that it is ready, reloads or stops, what it is
// about in a few words, and that it is alive (WatchdogSec=). What is told comes
// from the runner's events.
//
// Where no service manager asks for that, nothing is sent. Nothing here waits
// for long, or ends the program: what cannot be sent is a warning.
package systemd
