package vault

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"restencil/watch"
)

const (
	commandTimeout = 30 * time.Second // where none is configured
	commandOutput  = 1 << 20          // bytes that a command may print
	commandLinger  = time.Second      // for what holds a command's output open when that has ended
)

// commandToken runs o.Command and returns the token that it prints: the last
// line with something in it. What it prints is in no error.
func commandToken(ctx context.Context, o Token) (grant, error) {
	limit := cmp.Or(o.CommandTimeout, commandTimeout)
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	output, err := runCommand(ctx, o)
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		err = fmt.Errorf("it took longer than %s", limit)
	case err == nil:
		if t := tokenIn(lastLine(output)); t != "" {
			return grant{token: t}, nil
		}
		err = errors.New("it printed no token")
	}
	return grant{}, &sessionError{class: watch.Retry, text: "token_command" + commandName(o.Command), err: err}
}

// commandName returns the name of a command's program, after a blank. Arguments
// and variables that are set for it may be secret.
func commandName(args []string) string {
	words := strings.Fields(args[0])
	if len(words) == 0 || strings.Contains(words[0], "=") {
		return ""
	}
	return " " + words[0]
}

// runCommand returns what a command prints. It is over, with all of its process group,
// when ctx is.
func runCommand(ctx context.Context, o Token) (string, error) {
	args, err := commandLine(o.Command)
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Env = o.CommandEnv
	output := &bounded{left: commandOutput}
	cmd.Stdout = output
	cmd.WaitDelay = commandLinger
	ownGroup(cmd)
	err = cmd.Run()
	if errors.Is(err, exec.ErrWaitDelay) && ctx.Err() == nil {
		// It went well, but for a process that it has left behind.
		endGroup(cmd)
		err = nil
	}
	return output.buffer.String(), err
}

// A bounded buffer takes no more than so many bytes.
type bounded struct {
	buffer bytes.Buffer
	left   int
}

var errOutput = fmt.Errorf("it printed more than %d MiB", commandOutput>>20)

func (b *bounded) Write(p []byte) (int, error) {
	if b.left -= len(p); b.left < 0 {
		return 0, errOutput
	}
	return b.buffer.Write(p)
}

func lastLine(text string) string {
	text = strings.TrimSpace(text)
	return text[strings.LastIndexByte(text, '\n')+1:]
}
