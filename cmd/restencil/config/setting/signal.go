package setting

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"

	"restencil/cmd/restencil/config/hcl1"
	"restencil/watch/suggest"
)

// SignalNone means that no signal is sent or handled. A reload signal of nil, by
// contrast, means that the child is restarted (COMPAT Q11).
const SignalNone = syscall.Signal(0)

// signalNames returns the signals of COMPAT 1.6 that the system has, in their order.
// SIGCHLD and SIGURG are not among them: they are for waiting for children and for the
// Go runtime.
func signalNames() []string {
	var names []string
	for _, name := range strings.Fields("SIGABRT SIGALRM SIGBUS SIGCONT SIGFPE SIGHUP SIGILL SIGINT SIGIO SIGIOT SIGKILL SIGNULL SIGPIPE SIGPROF SIGQUIT SIGSEGV SIGSTOP SIGSYS SIGTERM SIGTRAP SIGTSTP SIGTTIN SIGTTOU SIGUSR1 SIGUSR2 SIGWINCH SIGXCPU SIGXFSZ") {
		if name == "SIGNULL" || signalNumber(name) != SignalNone {
			names = append(names, name)
		}
	}
	return names
}

// signal is the full name of a signal, in any case. "" is SignalNone.
func signal(to *os.Signal) *variable[os.Signal] {
	return &variable[os.Signal]{
		to: to, want: `the name of a signal such as "SIGTERM"`, arg: "<signal>",
		read: func(v any) (os.Signal, error) {
			name, err := as[string](v)
			if err != nil || name == "" {
				return SignalNone, err
			}
			for _, known := range signalNames() {
				if strings.EqualFold(name, known) {
					return signalNumber(known), nil
				}
			}
			hint := "write a name such as SIGTERM or SIGHUP"
			if near := suggest.Nearest("SIG"+strings.TrimPrefix(strings.ToUpper(name), "SIG"), signalNames()); near != "" {
				hint = "did you mean " + near + "?"
			}
			return nil, fmt.Errorf("invalid signal %q (%s)", name, hint)
		},
		show: func(sig os.Signal) string {
			if sig == nil {
				return ""
			}
			// Where two names stand for one signal, the first in the alphabet.
			i := slices.IndexFunc(signalNames(), func(name string) bool { return signalNumber(name) == sig })
			if i < 0 {
				return hcl1.Quote("")
			}
			return hcl1.Quote(signalNames()[i])
		},
	}
}

// Signals returns all signals that the process can handle.
func Signals() []os.Signal {
	var all []os.Signal
	for _, name := range signalNames() {
		if name != "SIGKILL" && name != "SIGSTOP" && name != "SIGNULL" {
			all = append(all, signalNumber(name))
		}
	}
	return all
}
