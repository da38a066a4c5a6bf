package setting

import (
	"fmt"
	"os"
	"strings"
	"syscall"

	"restencil/cmd/restencil/config/hcl1"
)

// SignalNone is the signal that is none: nothing is sent, nothing listened
// for. A reload signal of nil, on the other hand, means that a child is
// restarted (COMPAT Q11).
const SignalNone = syscall.Signal(0)

// signalNames are the signals of COMPAT 1.6, in their order. SIGCHLD and SIGURG
// are not among them: the first is how children are waited for, the second the
// Go runtime's own.
func signalNames() []string {
	var names []string
	for _, name := range strings.Fields("SIGABRT SIGALRM SIGBUS SIGCONT SIGFPE SIGHUP SIGILL SIGINT SIGIO SIGIOT SIGKILL SIGNULL SIGPIPE SIGPROF SIGQUIT SIGSEGV SIGSTOP SIGSYS SIGTERM SIGTRAP SIGTSTP SIGTTIN SIGTTOU SIGUSR1 SIGUSR2 SIGWINCH SIGXCPU SIGXFSZ") {
		if name == "SIGNULL" || signalNumber(name) != SignalNone {
			names = append(names, name)
		}
	}
	return names
}

// parseSignal returns the signal of a full name, in any case.
func parseSignal(name string) (os.Signal, error) {
	for _, known := range signalNames() {
		if strings.EqualFold(name, known) {
			return signalNumber(known), nil
		}
	}
	return nil, fmt.Errorf("invalid signal %q - valid signals are %q", name, signalNames())
}

// checkSignal says whether the text of a flag is a signal. In a file, "" is one.
func checkSignal(text string) (any, error) {
	_, err := parseSignal(text)
	return text, err
}

func readSignal(v any) (os.Signal, error) {
	s, err := as[string](v)
	switch {
	case err != nil:
		return nil, err
	case s == "":
		return SignalNone, nil
	}
	return parseSignal(s)
}

func showSignal(sig os.Signal) string {
	if sig == nil {
		return ""
	}
	return hcl1.Quote(signalName(sig))
}

// signalName returns the name of a signal. Where two names stand for one signal
// it is the first in the alphabet.
func signalName(sig os.Signal) string {
	for _, name := range signalNames() {
		if signalNumber(name) == sig {
			return name
		}
	}
	return ""
}

// Signals returns all signals that the process may be sent and can act on.
func Signals() []os.Signal {
	var all []os.Signal
	for _, name := range signalNames() {
		if name != "SIGKILL" && name != "SIGSTOP" && name != "SIGNULL" {
			all = append(all, signalNumber(name))
		}
	}
	return all
}
