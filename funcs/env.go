package funcs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"text/template"
	"time"

	"github.com/davecgh/go-spew/spew"
	sockaddr "github.com/hashicorp/go-sockaddr/template"

	"restencil/watch"
	"restencil/watch/command"
)

// hostFuncs returns the functions for environment variables and the time
// (COMPAT 3.9), addresses (COMPAT 3.11, in the language of go-sockaddr), the output
// of programs, and values in detail.
func (e *Env) hostFuncs() template.FuncMap {
	return template.FuncMap{
		"env": func(name string) string {
			value, _ := e.LookupEnv(name)
			return value
		},
		"envOrDefault": func(name, fallback string) string {
			if value, ok := e.LookupEnv(name); ok {
				return value
			}
			return fallback
		},
		"mustEnv": func(name string) (string, error) {
			value, _ := e.LookupEnv(name)
			if value == "" {
				return "", fmt.Errorf("required environment variable %q is empty", name)
			}
			return value, nil
		},
		"timestamp": timestamp,
		"sockaddr": func(expression ...string) (string, error) {
			return sockaddr.Parse("{{ " + strings.Join(expression, " ") + " }}")
		},
		"plugin": e.plugin,

		"spew_sdump":   spew.Sdump,
		"spew_sprintf": spew.Sprintf,
		"spew_dump": func(values ...any) string {
			e.execution.Print(spew.Sdump(values...))
			return ""
		},
		"spew_printf": func(format string, values ...any) string {
			e.execution.Print(spew.Sprintf(format, values...))
			return ""
		},
	}
}

// timestamp returns the time in UTC: in RFC 3339, in seconds since 1970 for "unix",
// or in a layout of Go's.
func timestamp(layout ...string) (string, error) {
	now := time.Now().UTC()
	switch {
	case len(layout) == 0:
		return now.Format(time.RFC3339), nil
	case len(layout) > 1:
		return "", fmt.Errorf("timestamp: wrong number of arguments, expected 0 or 1, but got %d", len(layout))
	case layout[0] == "unix":
		return strconv.FormatInt(now.Unix(), 10), nil
	default:
		return now.Format(layout[0]), nil
	}
}

// An Env is the environment of the functions of one template, which executes one
// at a time. Its fields are set before Map, except Template.
type Env struct {
	LookupEnv func(name string) (value string, ok bool) // reads an environment variable (COMPAT 4.6.2); required
	Template  *template.Template                        // the template, for executeTemplate; set after parsing
	Vaults    func() bool                               // reports whether Vault has clusters, so that cluster=NAME after a path is the name of one; nil means no
	CertFiles []string                                  // keep the certificate of pkiCert
	Denylist  []string                                  // patterns of functions that may not be called (COMPAT 3.13)
	Sandbox   string                                    // directory that file may read from; "" for no limit
	MaxTime   time.Duration                             // of an execution; 0 for a minute

	// Of the execution under way.
	execution Execution
	ctx       context.Context
	cancel    context.CancelFunc
	scratch   *Scratch
	loops     sync.WaitGroup // the goroutines of loop
	depth     int            // of executeTemplate
}

// Begin begins an execution, which ends when ctx does, or after MaxTime.
func (e *Env) Begin(ctx context.Context, x Execution) {
	most := cmp.Or(e.MaxTime, time.Minute)
	e.execution = x
	e.scratch = &Scratch{values: make(map[string]any), secrets: make(map[watch.Query]*watch.Secret)}
	e.ctx, e.cancel = context.WithTimeoutCause(ctx, most, fmt.Errorf("it took longer than %v", most))
}

// Err returns why the execution must end, or nil.
func (e *Env) Err() error { return context.Cause(e.ctx) }

// Finish ends the goroutines of an execution, such as those of loop. It follows each
// Begin, even if the execution failed.
func (e *Env) Finish() {
	e.cancel()
	e.loops.Wait()
}

// An Execution is one execution of a template. It answers queries, and records them
// and the effects of functions, which take place only if the output is used.
type Execution interface {
	// Ask records that the template uses q, and returns its answer. If there is
	// none yet, known is false and the template incomplete. The error says that
	// the query's store is not configured.
	Ask(q watch.Query) (answer watch.Answer, known bool, err error)

	// Incomplete records that the answer to q is not sufficient, as for a key that
	// does not exist: the output must not be used.
	Incomplete(q watch.Query)

	// Gone records that the last value of q is used, which does not exist any more.
	Gone(q watch.Query)

	// Print prints text to the program's standard output (spew_dump).
	Print(text string)

	// WriteFile requests a file once the execution is complete (writeToFile).
	WriteFile(File)

	// Once returns the result of the first run with this key since the template
	// was last rendered (plugin).
	Once(key string, run func() (string, error)) (string, error)
}

const (
	pluginTimeout   = 30 * time.Second
	maxPluginOutput = 16 << 20 // bytes; all of it is shown where the plugin fails
)

// plugin runs a program without a shell and returns its output (COMPAT 3.12). It
// trims arguments and output, and omits empty arguments. It runs once for the same
// arguments until the template is rendered.
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
		return runPlugin(e.ctx, pluginTimeout, name, words)
	})
}

// runPlugin runs a program in its own process group, which is killed after timeout,
// or when ctx ends. It waits for other holders of the output as long again.
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
	case len(stdout.Bytes())+len(stderr.Bytes()) == 0:
		return "", fmt.Errorf("exec %q: %w", name, err)
	}
	return "", fmt.Errorf("exec %q: %w\n\nstdout:\n\n%s\n\nstderr:\n\n%s", name, err, stdout.Bytes(), stderr.Bytes())
}
