package funcs

import (
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
	pluginTimeout   = 30 * time.Second
	maxPluginOutput = 16 << 20 // bytes; all of it is shown where the plugin fails
)

// plugin runs a program, without a shell, and returns what it prints
// (COMPAT 3.12). Blanks around the arguments and around the output are cut off,
// and arguments of nothing else left out. It runs once for the same arguments,
// however often the template is executed until it is rendered.
func (e *Env) plugin(name string, args ...string) (string, error) {
	if name == "" {
		return "", nil
	}
	words := make([]string, 0, len(args))
	for _, arg := range args {
		if arg = strings.TrimSpace(arg); arg != "" {
			words = append(words, arg)
		}
	}
	key := fmt.Sprintf("%q %q", name, words)
	return e.execution.Once(key, func() (string, error) {
		return runPlugin(e.wait(), pluginTimeout, name, words)
	})
}

// runPlugin runs a program in a process group of its own, which is killed when
// the time is up or ctx ends. It returns when the program and all who hold its
// output have ended; those who left the group are waited for as long again.
func runPlugin(ctx context.Context, timeout time.Duration, name string, args []string) (string, error) {
	limited, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	cmd := exec.CommandContext(limited, name, args...)
	cmd.WaitDelay = timeout
	stdout, stderr := NewOutput(limited.Err, maxPluginOutput, 0), NewOutput(limited.Err, maxPluginOutput, 0)
	cmd.Stdout, cmd.Stderr = stdout, stderr
	err := command.Run(limited, cmd)
	switch {
	case err == nil:
		return strings.TrimSpace(string(stdout.Bytes())), nil
	case ctx.Err() != nil:
		return "", fmt.Errorf("exec %q: %w", name, context.Cause(ctx))
	case limited.Err() != nil || errors.Is(err, exec.ErrWaitDelay):
		return "", fmt.Errorf("exec %q: did not finish in %v", name, timeout)
	case stdout.err != nil || stderr.err != nil:
		return "", fmt.Errorf("exec %q: %w", name, cmp.Or(stdout.err, stderr.err))
	default:
		return "", fmt.Errorf("exec %q: %w\n\nstdout:\n\n%s\n\nstderr:\n\n%s", name, err, stdout.Bytes(), stderr.Bytes())
	}
}
