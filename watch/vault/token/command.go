package token

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"restencil/watch/command"
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
	output := &boundedBuffer{left: commandOutput}
	args, err := command.Line(o.Command)
	if err == nil {
		cmd := exec.CommandContext(ctx, args[0], args[1:]...)
		cmd.Env, cmd.Stdout, cmd.WaitDelay = o.CommandEnv, output, time.Second
		err = command.Run(ctx, cmd)
	}
	if errors.Is(err, exec.ErrWaitDelay) && ctx.Err() == nil {
		err = nil // it succeeded, but left a process that held its output open
	}
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		err = fmt.Errorf("it took longer than %s", limit)
	case err == nil:
		text := strings.TrimSpace(output.buffer.String())
		if t := tokenIn(text[strings.LastIndexByte(text, '\n')+1:]); t != "" {
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
