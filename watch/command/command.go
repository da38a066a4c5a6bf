// Package command runs programs to their end, each in its own process group, which
// is killed when a context ends.
package command

import (
	"context"
	"errors"
	"os/exec"
	"runtime"
	"strings"
)

// Line returns the program and arguments to run for args, which is not empty. A
// single element of several words is run by a shell (COMPAT 4.6.1).
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

// Run runs cmd, made by exec.CommandContext with ctx, in its own process group. It
// returns when the program and all holders of its output have ended. It kills the
// group when ctx ends, or when the output is still held cmd.WaitDelay after the end
// of the program: then the error is exec.ErrWaitDelay, unless the program failed.
func Run(ctx context.Context, cmd *exec.Cmd) error {
	OwnGroup(cmd)
	cmd.Cancel = func() error { return killGroup(cmd) }
	err := cmd.Run()
	if cmd.Process != nil && (errors.Is(err, exec.ErrWaitDelay) || err != nil && ctx.Err() != nil) {
		_ = cmd.Cancel() // the group outlives its leader
	}
	return err
}
