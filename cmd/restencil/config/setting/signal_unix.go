//go:build unix

package setting

import (
	"os"
	"syscall"
)

// signals returns the signals of COMPAT 1.6. SIGCHLD and SIGURG are not
// among them: the first is how children are waited for, the second the Go
// runtime's own.
func signals() map[string]os.Signal {
	return map[string]os.Signal{
		"SIGNULL":  SignalNone,
		"SIGABRT":  syscall.SIGABRT,
		"SIGALRM":  syscall.SIGALRM,
		"SIGBUS":   syscall.SIGBUS,
		"SIGCONT":  syscall.SIGCONT,
		"SIGFPE":   syscall.SIGFPE,
		"SIGHUP":   syscall.SIGHUP,
		"SIGILL":   syscall.SIGILL,
		"SIGINT":   syscall.SIGINT,
		"SIGIO":    syscall.SIGIO,
		"SIGIOT":   syscall.SIGIOT,
		"SIGKILL":  syscall.SIGKILL,
		"SIGPIPE":  syscall.SIGPIPE,
		"SIGPROF":  syscall.SIGPROF,
		"SIGQUIT":  syscall.SIGQUIT,
		"SIGSEGV":  syscall.SIGSEGV,
		"SIGSTOP":  syscall.SIGSTOP,
		"SIGSYS":   syscall.SIGSYS,
		"SIGTERM":  syscall.SIGTERM,
		"SIGTRAP":  syscall.SIGTRAP,
		"SIGTSTP":  syscall.SIGTSTP,
		"SIGTTIN":  syscall.SIGTTIN,
		"SIGTTOU":  syscall.SIGTTOU,
		"SIGUSR1":  syscall.SIGUSR1,
		"SIGUSR2":  syscall.SIGUSR2,
		"SIGWINCH": syscall.SIGWINCH,
		"SIGXCPU":  syscall.SIGXCPU,
		"SIGXFSZ":  syscall.SIGXFSZ,
	}
}
