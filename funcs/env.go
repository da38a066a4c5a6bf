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

// hostFuncs returns the functions that ask this host: for environment
// variables, the time (COMPAT 3.9), addresses (COMPAT 3.11, in the language of
// go-sockaddr), what a program prints, and how values look.
func (e *Env) hostFuncs() template.FuncMap {
	return template.FuncMap{
		"env":          e.env,
		"envOrDefault": e.envOrDefault,
		"mustEnv":      e.mustEnv,
		"timestamp":    e.timestamp,
		"sockaddr": func(expression ...string) (string, error) {
			return sockaddr.Parse("{{ " + strings.Join(expression, " ") + " }}")
		},
		"plugin": e.plugin,

		// Values in every detail (COMPAT 3.9).
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

func (e *Env) env(name string) string {
	value, _ := e.LookupEnv(name)
	return value
}

func (e *Env) mustEnv(name string) (string, error) {
	value, _ := e.LookupEnv(name)
	if value == "" {
		return "", fmt.Errorf("required environment variable %q is empty", name)
	}
	return value, nil
}

func (e *Env) envOrDefault(name, fallback string) string {
	if value, ok := e.LookupEnv(name); ok {
		return value
	}
	return fallback
}

// timestamp returns the time in UTC: as RFC 3339 has it, in seconds since 1970
// for "unix", or in a layout of Go's. That it passes renders nothing anew.
func (e *Env) timestamp(layout ...string) (string, error) {
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

// An Env is what the functions of one template stand on. The template owns it
// and executes one at a time, so the functions need no lock. The fields are
// set before Map, but for Template.
type Env struct {
	// LookupEnv reads an environment variable: the overlay of COMPAT 4.6.2
	// first, then the process's. Required.
	LookupEnv func(name string) (value string, ok bool)

	// Template is the template itself, for executeTemplate. It is set after
	// parsing, which needs the functions.
	Template *template.Template

	// CertFiles are the files that keep the certificate that pkiCert gets: none
	// where nothing keeps it.
	CertFiles []string

	// Denylist holds patterns of functions that may not be called, with *
	// for any run of characters (COMPAT 3.13).
	Denylist []string

	// Sandbox is the directory that file may read from; "" for no limit.
	Sandbox string

	// MaxTime is how long an execution may take; 0 for a minute.
	MaxTime time.Duration

	// Of the execution under way.
	execution Execution
	ctx       context.Context
	deadline  time.Time
	waits     context.Context // see wait; nil: nothing has waited
	cancel    context.CancelFunc
	scratch   *Scratch
	loops     sync.WaitGroup // the counters of loop
	depth     int            // of executeTemplate
}

// Begin starts an execution, which is to end when ctx does, or after MaxTime.
func (e *Env) Begin(ctx context.Context, x Execution) {
	e.execution, e.ctx, e.scratch = x, ctx, new(Scratch)
	e.deadline = time.Now().Add(cmp.Or(e.MaxTime, time.Minute))
}

// Err returns why the execution is to end, nil where it may go on.
func (e *Env) Err() error {
	switch {
	case e.ctx.Err() != nil:
		return context.Cause(e.ctx)
	case time.Now().After(e.deadline):
		return e.late()
	}
	return nil
}

func (e *Env) late() error {
	return fmt.Errorf("it took longer than %v", cmp.Or(e.MaxTime, time.Minute))
}

// wait returns the context of what functions wait for, which ends with the
// execution. Few do wait, and a context with a timer takes as long to make as a
// small template to execute.
func (e *Env) wait() context.Context {
	if e.waits == nil {
		e.waits, e.cancel = context.WithDeadlineCause(e.ctx, e.deadline, e.late())
	}
	return e.waits
}

// Finish ends what an execution has left behind, such as a loop that was broken
// off. It follows each Begin, also where the execution failed.
func (e *Env) Finish() {
	if e.waits != nil {
		e.cancel()
		e.waits = nil
	}
	e.loops.Wait()
}

// An Execution is one execution of a template. It answers the queries of the
// functions, and takes note of them and of what the functions want done: unless
// the output is used, nothing is.
type Execution interface {
	// Ask notes that the template uses q, and returns its answer; known is
	// false where there is none yet, and then the template counts as
	// incomplete. The error says that the query's store is not configured.
	Ask(q watch.Query) (answer watch.Answer, known bool, err error)

	// Incomplete notes that the present answer of q will not do (as for a
	// key that does not exist), so that the output must not be used.
	Incomplete(q watch.Query)

	// Gone notes that what q asks for does not exist any more, and that its last
	// value is used.
	Gone(q watch.Query)

	// Print gives text to the program's standard output (spew_dump).
	Print(text string)

	// WriteFile asks for a file once the execution is complete (writeToFile).
	WriteFile(File)

	// Once returns what run returned the first time that it was called with
	// this key, since the template was last rendered (plugin).
	Once(key string, run func() (string, error)) (string, error)
}

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
		if len(stdout.Bytes())+len(stderr.Bytes()) == 0 {
			return "", fmt.Errorf("exec %q: %w", name, err)
		}
		return "", fmt.Errorf("exec %q: %w\n\nstdout:\n\n%s\n\nstderr:\n\n%s", name, err, stdout.Bytes(), stderr.Bytes())
	}
}
