// Restencil keeps files in step with live data. See the README.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"restencil/cmd/restencil/config"
	"restencil/cmd/restencil/config/setting"
	"restencil/cmd/restencil/logging"
	"restencil/runner/process"
	"restencil/runner/process/overlay"
)

// exitInterrupted is the exit code of a process that was asked to end (COMPAT
// 1.2). The codes of errors are those of package config.
const exitInterrupted = 12

func main() {
	overlay.Main()
	// Nothing that starts a goroutine comes before asInit.
	os.Exit(asInit(run))
}

// run runs the program and returns its exit code.
func run() int {
	p := program{
		name:    "restencil",
		args:    os.Args[1:],
		environ: os.Environ(),
		stdout:  logging.NewWriter(os.Stdout),
		stderr:  logging.NewWriter(os.Stderr),
		signals: make(chan os.Signal, 16),
	}
	if strings.TrimSuffix(filepath.Base(os.Args[0]), ".exe") == consulTemplate {
		p.name = consulTemplate
	}
	p.terminal = p.name != consulTemplate && isTerminal(os.Stderr)
	p.stdout.Wait() // as with any program, until it is a daemon or is to end
	// All that consul-template listens to (COMPAT 4.8). SIGPIPE is one of them:
	// unless it is asked for, it ends a program that writes to a standard error
	// that nobody reads any more.
	signal.Notify(p.signals, setting.Signals()...)
	code := p.run()
	go func() { // ends with the process
		for sig := range p.signals {
			if sig == os.Interrupt || sig == syscall.SIGTERM {
				p.stdout.Free() // what is still to be printed does not hold up the end
			}
		}
	}()
	p.stdout.Close()
	p.stderr.Close()
	return code
}

// A program is one run of restencil, with all that it has from the system.
type program struct {
	name           string // that it was called by: restencil or consulTemplate
	args, environ  []string
	stdout, stderr *logging.Writer // function run closes them
	signals        chan os.Signal  // that the process is sent
	terminal       bool            // stderr is one, at which the log begins at info
}

// run does what the command line asks for and returns the exit code.
func (p program) run() int {
	if len(p.args) > 0 && !strings.HasPrefix(p.args[0], "-") {
		if s := findSubcommand(p.args[0]); s != nil {
			return p.runSubcommand(s)
		}
		if p.name != consulTemplate {
			return p.failed(&config.Error{Code: config.ExitFlags, Err: unknownCommand(p.args[0])})
		}
	}
	cfg, err := p.parse()
	if err != nil {
		return p.failed(err)
	}
	idle := len(cfg.Templates) == 0 && !setting.IsCommand(cfg.Exec.Args)
	local, _ := cfg.LookupEnv(setting.LocalConfig)
	switch {
	case cfg.Help:
		err = writeHelp(p.stdout)
	case cfg.Version:
		_, err = fmt.Fprintln(p.stdout, p.version())
	case cfg.PrintConfig:
		err = cfg.Print(p.stdout)
	case idle && len(cfg.Paths) == 0 && local == "" && p.name != consulTemplate:
		err = &config.Error{Code: config.ExitFlags, Err: fmt.Errorf("there is nothing to do: no template and no configuration is given\n\n%s", usage)}
	default:
		return p.serve(cfg)
	}
	if err != nil {
		return p.failed(err)
	}
	return 0
}

// parse reads the command line, and the files that it names.
func (p program) parse() (*config.Config, error) {
	cfg, err := config.Parse(p.args, p.environ)
	if err == nil && p.terminal && !cfg.IsSet("log_level") {
		cfg.Log.Level = "INFO"
	}
	return cfg, err
}

// isTerminal reports whether somebody may read along what is written to f.
func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return false
	}
	null, err := os.Stat(os.DevNull)
	return err != nil || !os.SameFile(info, null)
}

// failed prints why the program ends before it has a log, and returns the exit
// code.
func (p program) failed(err error) int {
	prefix := p.name + ": "
	if p.name == consulTemplate {
		prefix = "" // as there (COMPAT 1.2)
	}
	fmt.Fprintf(p.stderr, "%s%v\n", prefix, err)
	return exitCode(err)
}

// exitCode returns the exit code of an error.
func exitCode(err error) int {
	var wrong *config.Error
	if errors.As(err, &wrong) {
		return wrong.Code
	}
	var child *process.ChildExit
	if errors.As(err, &child) {
		return child.Code
	}
	return config.ExitRunner
}
