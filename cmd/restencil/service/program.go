package service

import (
	"errors"
	"fmt"
	"os"

	"restencil/cmd/restencil/config"
	"restencil/cmd/restencil/logging"
	"restencil/runner/process"
)

// ExitInterrupted is the exit code after SIGINT or SIGTERM (COMPAT 1.2). The codes
// of errors are those of package config.
const ExitInterrupted = 12

// ConsulTemplate is the name of the program that restencil replaces. Run under that
// name, -version prints consulTemplateVersion.
const (
	ConsulTemplate        = "consul-template"
	consulTemplateVersion = "v0.42.1"
)

// A Program is one run of restencil, with everything that it gets from the system.
type Program struct {
	Name           string // restencil or ConsulTemplate
	Args, Environ  []string
	Stdout, Stderr *logging.Writer // the caller closes them
	FreeStdout     func()          // ends the waiting for whoever reads Stdout
	Signals        chan os.Signal  // all that the process receives
	Terminal       bool            // Stderr is a terminal; the default log level is info there
	Build          Build

	Adjust func(*config.Config) // what a command changes in the configuration; nil: nothing

	JSON   bool   // of the command diff
	DiffOf string // the bundle that it is about, "": all
}

// A Build says what the program was built from.
type Build struct {
	Version, Commit, Date string // Commit "": it is not known
}

// Parse reads the command line and the files that it names.
func (p Program) Parse() (*config.Config, error) {
	cfg, err := config.Parse(p.Args, p.Environ)
	if err != nil {
		return nil, err
	}
	cfg.ConsulTemplate = p.Name == ConsulTemplate
	if p.Adjust != nil {
		p.Adjust(cfg)
	}
	if p.Terminal && !cfg.IsSet("log_level") {
		cfg.Log.Level = "INFO"
	}
	if cfg.Diff { // nothing on disk changes
		cfg.Log.File, cfg.Log.Syslog, cfg.Process.PidFile = logging.File{}, logging.Syslog{}, ""
		cfg.Status.Address = ""
	}
	return cfg, nil
}

// Failed prints why the program ends before it has a log, and returns the exit
// code.
func (p Program) Failed(err error) int {
	prefix := p.Name + ": "
	if p.Name == ConsulTemplate {
		prefix = "" // as there (COMPAT 1.2)
	}
	fmt.Fprintf(p.Stderr, "%s%v\n", prefix, err)
	return ExitCode(err)
}

// ExitCode returns the exit code of the program after an error.
func ExitCode(err error) int {
	if wrong, ok := errors.AsType[*config.Error](err); ok {
		return wrong.Code
	}
	if child, ok := errors.AsType[*process.ChildExit](err); ok {
		return child.Code
	}
	return config.ExitRunner
}

// Version returns the text of -version: the name and version, and in parentheses
// the commit that it was built from and the commit's date or, as consul-template,
// what it really is.
func (p Program) Version() string {
	number, commit, date := p.Build.Version, p.Build.Commit, p.Build.Date
	switch {
	case p.Name == ConsulTemplate:
		return ConsulTemplate + " " + consulTemplateVersion + " (restencil " + number + ")"
	case commit == "":
		return "restencil " + number + " (commit unknown)"
	default:
		return "restencil " + number + " (commit " + commit + ", " + date + ")"
	}
}
