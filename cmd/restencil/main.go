// Restencil keeps files in step with live data. See the README.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/mattn/go-isatty"

	"restencil/cmd/restencil/config"
	"restencil/cmd/restencil/config/setting"
	"restencil/cmd/restencil/logging"
	"restencil/runner/process"
	"restencil/runner/process/overlay"
)

// exitInterrupted is the exit code after SIGINT or SIGTERM (COMPAT 1.2). The codes
// of errors are those of package config.
const exitInterrupted = 12

// consulTemplate is the name of the program that restencil replaces. Run under that
// name, -version prints this version.
const (
	consulTemplate        = "consul-template"
	consulTemplateVersion = "v0.42.1"
)

func main() {
	overlay.Main()
	// Nothing that starts a goroutine comes before asInit.
	os.Exit(asInit(run))
}

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
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
	p.terminal = p.name != consulTemplate && isatty.IsTerminal(os.Stderr.Fd())
	// Like any program, restencil waits for whoever reads its output, but not as a
	// daemon or when it is asked to end.
	waiting, free := context.WithCancel(ctx)
	defer free()
	p.stdout.Wait(waiting)
	p.freeStdout = free
	// These are all signals that consul-template handles (COMPAT 4.8). SIGPIPE is
	// among them: without Notify it ends a program that writes to a standard error
	// that nobody reads any more.
	signal.Notify(p.signals, setting.Signals()...)
	code := p.run(ctx)
	p.stdout.Close()
	p.stderr.Close()
	return code
}

// A program is one run of restencil, with everything that it gets from the system.
type program struct {
	name           string // restencil or consulTemplate
	args, environ  []string
	stdout, stderr *logging.Writer // function run closes them
	freeStdout     func()          // ends the waiting for whoever reads stdout
	signals        chan os.Signal  // all that the process receives
	terminal       bool            // stderr is a terminal; the default log level is info there

	adjust func(*config.Config) // what a command changes in the configuration; nil: nothing

	json   bool   // of the command diff
	diffOf string // the bundle that it is about, "": all
}

// run does what the command line asks for and returns the exit code. SIGINT and
// SIGTERM end ctx.
func (p program) run(ctx context.Context) int {
	if len(p.args) > 0 && !strings.HasPrefix(p.args[0], "-") {
		if s := findSubcommand(p.args[0]); s != nil {
			return p.runSubcommand(ctx, s)
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
		return p.serve(ctx, cfg)
	}
	if err != nil {
		return p.failed(err)
	}
	return 0
}

func (p program) parse() (*config.Config, error) {
	cfg, err := config.Parse(p.args, p.environ)
	if err == nil {
		cfg.ConsulTemplate = p.name == consulTemplate
		if p.adjust != nil {
			p.adjust(cfg)
		}
	}
	if err == nil && p.terminal && !cfg.IsSet("log_level") {
		cfg.Log.Level = "INFO"
	}
	if err == nil && cfg.Diff { // nothing on disk changes
		cfg.Log.File, cfg.Log.Syslog, cfg.Process.PidFile = logging.File{}, logging.Syslog{}, ""
		cfg.Status.Address = ""
	}
	return cfg, err
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

func exitCode(err error) int {
	if wrong, ok := errors.AsType[*config.Error](err); ok {
		return wrong.Code
	}
	if child, ok := errors.AsType[*process.ChildExit](err); ok {
		return child.Code
	}
	return config.ExitRunner
}

// release is the version, commit and date of a release, with commas between them.
// The linker sets it (cmd/restencil/packaging/dist.sh).
var release string

// version returns the text of -version: the name and version, and in parentheses
// the commit that it was built from and the commit's date or, as consul-template,
// what it really is.
func (p program) version() string {
	number, commit, date := build()
	switch {
	case p.name == consulTemplate:
		return consulTemplate + " " + consulTemplateVersion + " (restencil " + number + ")"
	case commit == "":
		return "restencil " + number + " (commit unknown)"
	default:
		return "restencil " + number + " (commit " + commit + ", " + date + ")"
	}
}

// build returns the version of the program, and the commit that it was built from
// with its date.
func build() (number, commit, date string) {
	if parts := strings.Split(release, ","); len(parts) == 3 {
		return parts[0], parts[1], parts[2]
	}
	number = "v0.1.0-dev"
	if info, ok := debug.ReadBuildInfo(); ok {
		if v := info.Main.Version; v != "" && v != "(devel)" {
			number = v
		}
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				commit = s.Value
			case "vcs.time":
				date = s.Value
			}
		}
	}
	return number, commit, date
}
