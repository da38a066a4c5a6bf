package setting

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
	if sig, ok := signals()[strings.ToUpper(name)]; ok {
		return sig, nil
	}
	return nil, fmt.Errorf("invalid signal %q - valid signals are %q", name, signalNames())
}

// signalNames returns the names of all signals, in their order.
func signalNames() []string { return slices.Sorted(maps.Keys(signals())) }

// Signals returns all signals that the process may be sent and can act on.
func Signals() []os.Signal {
	var all []os.Signal
	for name, sig := range signals() {
		if name != "SIGKILL" && name != "SIGSTOP" && sig != SignalNone {
			all = append(all, sig)
		}
	}
	return all
}

// signalName returns the name of a signal. Where two names stand for one signal
// it is the first in the alphabet.
func signalName(sig os.Signal) string {
	for _, name := range signalNames() {
		if signals()[name] == sig {
			return name
		}
	}
	return ""
}
