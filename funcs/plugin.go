package funcs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"text/template"
	"time"
)

// pluginFuncs returns the function that runs a program (COMPAT 3.12).
func (e *Env) pluginFuncs() template.FuncMap {
	return template.FuncMap{"plugin": e.plugin}
}

const pluginTimeout = 30 * time.Second

// plugin runs a program, without a shell, and returns what it prints. Blanks
// around the arguments and around the output are cut off, and arguments of
// nothing else left out. It runs once for the same arguments, however often
// the template is executed until it is rendered.
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
	return e.Effects.Once(key, func() (string, error) {
		return runPlugin(e.context(), pluginTimeout, name, words)
	})
}

func (e *Env) context() context.Context {
	if e.Context == nil {
		return context.Background()
	}
	return e.Context
}

// runPlugin runs a program in a process group of its own, which is killed when
// the time is up or ctx ends. It returns when the program and all who hold its
// output have ended; those who left the group are waited for as long again.
func runPlugin(ctx context.Context, timeout time.Duration, name string, args []string) (string, error) {
	limited, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	cmd := exec.CommandContext(limited, name, args...)
	ownGroup(cmd)
	cmd.Cancel = func() error { return killGroup(cmd) }
	cmd.WaitDelay = timeout
	stdout, stderr := &pluginOutput{}, &pluginOutput{}
	cmd.Stdout, cmd.Stderr = stdout, stderr
	err := cmd.Run()
	switch {
	case err == nil:
		return strings.TrimSpace(stdout.text.String()), nil
	case ctx.Err() != nil:
		return "", fmt.Errorf("exec %q: %w", name, context.Cause(ctx))
	case limited.Err() != nil || errors.Is(err, exec.ErrWaitDelay):
		_ = killGroup(cmd)
		return "", fmt.Errorf("exec %q: did not finish in %v", name, timeout)
	case stdout.cut || stderr.cut:
		return "", fmt.Errorf("exec %q: printed more than %d MiB", name, maxPluginOutput>>20)
	default:
		return "", fmt.Errorf("exec %q: %w\n\nstdout:\n\n%s\n\nstderr:\n\n%s", name, err, &stdout.text, &stderr.text)
	}
}

// maxPluginOutput bounds what a plugin may print, in bytes. All of it is
// shown where the plugin fails.
const maxPluginOutput = 16 << 20

// pluginOutput keeps what a plugin prints. It does not embed the buffer, whose
// ReadFrom would go past Write.
type pluginOutput struct {
	text bytes.Buffer
	cut  bool // there was too much
}

// Write fails where there is too much; then the program's pipe breaks.
func (o *pluginOutput) Write(p []byte) (int, error) {
	if o.text.Len()+len(p) > maxPluginOutput {
		o.cut = true
		return 0, io.ErrShortWrite
	}
	return o.text.Write(p)
}
