package setting

import (
	"os"
	"syscall"
)

// signals returns the signals of COMPAT 1.6.
func signals() map[string]os.Signal {
	return map[string]os.Signal{
		"SIGNULL": SignalNone,
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
	}
}
