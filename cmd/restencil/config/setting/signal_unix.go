//go:build unix

package setting

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// signalNumber returns the signal of a name, SignalNone where the system has
// none of that name.
func signalNumber(name string) syscall.Signal {
	if name == "SIGIOT" {
		name = "SIGABRT" // which it is another name of
	}
	return unix.SignalNum(name)
}
