package setting

import "syscall"

// signalNumber returns the signal of a name, SignalNone where the system has
// none of that name.
func signalNumber(name string) syscall.Signal {
	return map[string]syscall.Signal{
		"SIGABRT": syscall.SIGABRT,
		"SIGALRM": syscall.SIGALRM,
		"SIGBUS":  syscall.SIGBUS,
		"SIGFPE":  syscall.SIGFPE,
		"SIGHUP":  syscall.SIGHUP,
		"SIGILL":  syscall.SIGILL,
		"SIGINT":  syscall.SIGINT,
		"SIGKILL": syscall.SIGKILL,
		"SIGPIPE": syscall.SIGPIPE,
		"SIGQUIT": syscall.SIGQUIT,
		"SIGSEGV": syscall.SIGSEGV,
		"SIGTERM": syscall.SIGTERM,
		"SIGTRAP": syscall.SIGTRAP,
	}[name]
}
