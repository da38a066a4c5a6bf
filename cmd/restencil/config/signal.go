package config

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"syscall"
)

// SignalNone is the signal that is none: nothing is sent, nothing listened
// for. A reload signal of nil, on the other hand, means that a child is
// restarted (COMPAT Q11).
const SignalNone = syscall.Signal(0)

// parseSignal returns the signal of a full name, in any case.
func parseSignal(name string) (os.Signal, error) {
	if sig, ok := signalsByName()[strings.ToUpper(name)]; ok {
		return sig, nil
	}
	names := slices.Sorted(maps.Keys(signalsByName()))
	return nil, fmt.Errorf("invalid signal %q - valid signals are %q", name, names)
}

// Signals returns all signals that the process may be sent and can act on.
func Signals() []os.Signal {
	byName := signalsByName()
	for _, name := range []string{"SIGNULL", "SIGKILL", "SIGSTOP"} {
		delete(byName, name)
	}
	return slices.Collect(maps.Values(byName))
}

// signalName returns the name of a signal, "" for nil. Where two names stand
// for one signal it is the first in the alphabet.
func signalName(sig os.Signal) string {
	byName := signalsByName()
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		if byName[name] == sig {
			return name
		}
	}
	return ""
}
