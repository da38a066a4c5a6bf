package process

import (
	"cmp"
	"fmt"
	"os"
	"time"
)

// A Child is a program that runs beside the templates (COMPAT 4.7). It is started
// when every template has been rendered and the commands for that have run, with Dry
// too. When a file of a template changes, it is reloaded after the commands for that
// file. When Run returns it has ended, with its whole process group; a program that
// leaves the group is out of reach.
//
// It has the standard input of this process, and its output as far as Stdout and
// Stderr of the Options are files.
type Child struct {
	// Args is as in Command. Required.
	Args []string

	// Env is as in Command.
	Env []string

	// KillSignal ends it. Nil: os.Interrupt; NoSignal: none (COMPAT Q11).
	KillSignal os.Signal

	// KillTimeout is how long it has to end after KillSignal, before its group is
	// killed. Zero: no time.
	KillTimeout time.Duration

	// ReloadSignal reloads it. Nil: it is restarted instead; NoSignal: it is not
	// reloaded (COMPAT Q11).
	ReloadSignal os.Signal

	// Splay bounds the random delay before a reload, so that many machines do not
	// reload at once. Zero: no delay.
	Splay time.Duration

	// Restart says what to do when it ends by itself.
	Restart RestartPolicy
}

// A RestartPolicy says whether to restart a Child that ended by itself, after the
// backoff of Options.Retry. Otherwise Run ends with its exit code.
type RestartPolicy string

const (
	RestartNever     RestartPolicy = "never"      // as in consul-template; so is ""
	RestartOnFailure RestartPolicy = "on-failure" // unless its exit code was 0
	RestartAlways    RestartPolicy = "always"
)

// A ChildExit is the error of Run if its Child has ended, by itself or because of
// Signal, with another exit code than 0.
type ChildExit Status

func (e *ChildExit) Error() string {
	if e.Signal != "" {
		return fmt.Sprintf("child process exited with code %d (%s)", e.Code, e.Signal)
	}
	return fmt.Sprintf("child process exited with code %d", e.Code)
}

// err returns the error of Run for a child that ended with s.
func (s Status) err() error {
	if s.Code == 0 {
		return nil
	}
	return (*ChildExit)(&s)
}

func (c *Child) killSignal() os.Signal { return cmp.Or(c.KillSignal, os.Interrupt) }
