package process

import (
	"fmt"
	"os"
	"syscall"
	"time"
)

// A Child is a program that is run beside the templates (COMPAT 4.7). It is
// started when every template has been rendered and the commands of that have
// run, with Dry too. When a file of a template changes it is reloaded, after
// the commands for that file. When Run returns it has ended, with its whole
// process group; a program that leaves the group is out of reach.
//
// It has the standard input of the process, and its output as far as Stdout
// and Stderr of the Options are files.
type Child struct {
	// Args is as in Command. Required.
	Args []string

	// Env is as in Command.
	Env []string

	// KillSignal asks it to end. Nil for os.Interrupt; the signal 0 for none
	// (COMPAT Q11).
	KillSignal os.Signal

	// KillTimeout is how long it then has, before its group is killed. Zero:
	// no time.
	KillTimeout time.Duration

	// ReloadSignal reloads it. Nil: it is ended and started again instead;
	// the signal 0: nothing is done (COMPAT Q11).
	ReloadSignal os.Signal

	// Splay bounds the random time before it is reloaded, so that many
	// machines do not do so at once. Zero: there is none.
	Splay time.Duration

	// Restart says what is done when it ends by itself.
	Restart RestartPolicy
}

// A RestartPolicy says whether a Child that ended by itself is started again,
// after the backoff of Options.Retry. Otherwise Run ends with its exit code.
type RestartPolicy int

const (
	RestartNever     RestartPolicy = iota // as in consul-template
	RestartOnFailure                      // unless its exit code was 0
	RestartAlways
)

// A ChildExit is the error of Run where it ends because its Child has ended,
// by itself or because Signal asked for it, with another exit code than 0.
type ChildExit struct {
	Code   int    // that of the child; 255 if a signal ended it, 127 if it is not known
	Signal string // that signal, as "killed", or ""
}

func (e *ChildExit) Error() string {
	if e.Signal != "" {
		return fmt.Sprintf("child process exited with code %d (%s)", e.Code, e.Signal)
	}
	return fmt.Sprintf("child process exited with code %d", e.Code)
}

// err returns what Run returns for a child that ended like this.
func (s Status) err() error {
	if s.Code == 0 {
		return nil
	}
	return &ChildExit{Code: s.Code, Signal: s.Signal}
}

// NoSignal is the signal that is none.
const NoSignal = syscall.Signal(0)

// killSignal is what asks c to end.
func (c *Child) killSignal() os.Signal {
	if c.KillSignal == nil {
		return os.Interrupt
	}
	return c.KillSignal
}
