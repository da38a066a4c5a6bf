package token

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

const (
	commandTimeout = 30 * time.Second // where none is configured
	commandOutput  = 1 << 20          // bytes that a command may print
)

// commandToken runs o.Command and returns the token that it prints: the last
// line that is not blank. No error contains what the command prints.
func commandToken(ctx context.Context, o Options) (grant, error) {
	limit := cmp.Or(o.CommandTimeout, commandTimeout)
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	output, err := runCommand(ctx, o)
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		err = fmt.Errorf("it took longer than %s", limit)
	case err == nil:
		output = strings.TrimSpace(output)
		if t := tokenIn(output[strings.LastIndexByte(output, '\n')+1:]); t != "" {
			return grant{token: t}, nil
		}
		err = errors.New("it printed no token")
	}
	return grant{}, &Error{Text: "token_command" + commandName(o.Command), Err: err}
}

// commandName returns the name of a command's program, after a blank. Its
// arguments, and the variables that are set for it, may be secret.
func commandName(args []string) string {
	words := strings.Fields(args[0])
	if len(words) == 0 || strings.Contains(words[0], "=") {
		return ""
	}
	return " " + words[0]
}

// runCommand runs o.Command in a process group of its own, which is killed when
// ctx ends, and returns what it prints.
func runCommand(ctx context.Context, o Options) (string, error) {
	args := o.Command
	switch words := strings.Fields(args[0]); {
	case len(words) == 0:
		return "", exec.ErrNotFound
	case len(args) > 1:
	case len(words) == 1:
		args = words
	case runtime.GOOS == "windows": // there is no shell (COMPAT 4.6.1)
		return "", exec.ErrNotFound
	default:
		args = []string{"/bin/sh", "-c", args[0]}
	}
	output := &boundedBuffer{left: commandOutput}
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Env, cmd.Stdout = o.CommandEnv, output
	cmd.WaitDelay = time.Second
	ownGroup(cmd)
	err := cmd.Run()
	if errors.Is(err, exec.ErrWaitDelay) && ctx.Err() == nil {
		// The command succeeded, but left a process that holds its output open.
		_ = cmd.Cancel()
		err = nil
	}
	return output.buffer.String(), err
}

// A boundedBuffer takes a number of bytes, and then fails.
type boundedBuffer struct {
	buffer bytes.Buffer
	left   int
}

func (b *boundedBuffer) Write(p []byte) (int, error) {
	if b.left -= len(p); b.left < 0 {
		return 0, fmt.Errorf("it printed more than %d MiB", commandOutput>>20)
	}
	return b.buffer.Write(p)
}
