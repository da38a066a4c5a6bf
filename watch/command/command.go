// Package command runs programs that print something and end: in a process group
// of their own, as long as a context lasts.
package command

import (
	"context"
	"errors"
	"os/exec"
	"runtime"
	"strings"
)

// Line returns the program and arguments that args, which has an element, stands
// for: a single element of several words is for the shell, where there is one
// (COMPAT 4.6.1).
func Line(args []string) ([]string, error) {
	words := strings.Fields(args[0])
	switch {
	case len(words) == 0:
		return nil, exec.ErrNotFound
	case len(args) > 1:
		return args, nil
	case len(words) == 1:
		return words, nil
	case runtime.GOOS == "windows":
		return nil, exec.ErrNotFound
	}
	for _, shell := range []string{"sh", "/bin/sh", "/usr/bin/sh"} {
		if _, err := exec.LookPath(shell); err == nil {
			return []string{shell, "-c", args[0]}, nil
		}
	}
	return nil, exec.ErrNotFound
}

// Run runs cmd, which exec.CommandContext has made with ctx, in a process group of
// its own. It returns when the program and all who hold its output have ended. The
// group is killed when ctx ends, and where anybody holds the output for longer than
// cmd.WaitDelay after the program has ended: then the error is exec.ErrWaitDelay,
// unless the program failed.
func Run(ctx context.Context, cmd *exec.Cmd) error {
	OwnGroup(cmd)
	cmd.Cancel = func() error { return killGroup(cmd) }
	err := cmd.Run()
	if cmd.Process != nil && (errors.Is(err, exec.ErrWaitDelay) || err != nil && ctx.Err() != nil) {
		_ = cmd.Cancel() // the group outlives its leader
	}
	return err
}
