package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"

	"restencil/cmd/restencil/client"
	"restencil/cmd/restencil/config"
	"restencil/cmd/restencil/control"
	"restencil/cmd/restencil/service"
)

// The exit codes of subcommands, besides those for wrong flags and files.
const (
	exitRefused  = 1 // it cannot be done: there is no such bundle, nothing is held, …
	exitNoDaemon = 3
)

// A subcommand is a command that a person runs beside the daemon.
type subcommand struct {
	name        string
	usage       string // its arguments
	help        string
	least, most int  // how many arguments it takes
	own         bool // it parses its arguments itself
	do          func(context.Context, program, *subcommand) error

	// The flags and arguments of the command line.
	client.Command
	lint lintFlags
	test testFlags
}

func subcommands() []*subcommand {
	return []*subcommand{
		{
			name: "status", usage: "[BUNDLE]", most: 1, do: ask((*client.Command).Status),
			help: "Shows the state of the daemon: what is wrong, what to do, all bundles and stores.\nWith -check the exit code is 0 when all is well, and 1 when something is not.\ndocs/status.md explains the output.",
		},
		{
			name: "explain", usage: "FILE|BUNDLE|QUERY", least: 1, most: 1, do: ask((*client.Command).Explain),
			help: "Shows why a file, bundle or query is as it is: templates, queries, stores.\nA query is given as status and logs name it, or as the name of a key or service.",
		},
		{
			name: "diff", usage: "[BUNDLE]", most: 1, do: ask((*client.Command).Diff),
			help: "Shows what a change of a bundle that is held, has failed or waits would do.\nWithout a bundle it shows all such. Secrets are masked.\n\nWith flags of restencil itself, such as -config, -template or -local, no daemon is\nasked: everything is rendered once, and what that would change on disk is shown,\nand which commands would run. Nothing changes, and nothing runs. The exit code is\n0 when nothing would change, 2 when something would, and 1 after an error.",
		},
		{
			name: "history", usage: "[BUNDLE]", most: 1, do: ask((*client.Command).History),
			help: "Shows the generations of a bundle's files that are kept, or those of all bundles.\nWhile a daemon runs it shows the last changes, too, and how long each step took.",
		},
		{
			name: "rollback", usage: "BUNDLE [GENERATION]", least: 1, most: 2, do: ask((*client.Command).Rollback),
			help: "Puts a generation of a bundle's files back.\nIt is the one before the newest if not given. The daemon reloads what reads the\nfiles. Without a daemon only the files are put back.",
		},
		{
			name: "accept", usage: "BUNDLE", least: 1, most: 1, do: ask((*client.Command).Accept),
			help: "Applies a change that is held.",
		},
		{
			name: "state", do: ask((*client.Command).States),
			help: "Shows the state directories that there are, and whose they are.\nOne is gone when its configuration is; daemons remove such a one after 30 days.\nHere -state-dir is where the directories lie.",
		},
		{
			name: "lint", usage: "[FILE...]", most: 10_000, do: runLint,
			help: "Finds mistakes in configurations and templates, without a store.\nA FILE is a template, or a configuration if it ends in .hcl or is a directory. The exit code is 0 when nothing is wrong, 1 when something\nis, and 15 when the configuration cannot be used. docs/lint.md explains each rule.",
		},
		{
			name: "test", usage: "[PATH...]", most: 10_000, do: runTests,
			help: "Runs the unit tests of templates in *_test.yaml, without a store.\nA PATH is such a file, or a directory with all below it; the working directory if\nnone is given. The exit code is 0 when all tests pass, 1 when one fails, and 15\nwhen a file of tests is wrong. docs/testing.md has the format of the files.",
		},
		{
			name: "record", usage: "> data.yaml", own: true, do: recordData,
			help: "Prints what templates ask of Consul and Vault as data for -local and for tests.\nSecrets of Vault are masked. Its flags are those of restencil without a command:\n-config, -template, -consul-addr, … It renders once, as -once -dry does, and\nwrites no file; -timeout bounds how long that may take.",
		},
		{
			name: "env", usage: "-- COMMAND [ARGUMENT...]", own: true, do: runWithEnvironment,
			help: "Runs a command with the variables that the blocks env_template of the\nconfiguration describe. Its flags are those of restencil without a command:\n-config, -consul-addr, … No file is rendered. The command starts when all\nvariables are known, and again when one changes, unless -once is given. The exit\ncode is that of the command.",
		},
		{
			name: "completion", usage: "bash|zsh|fish", own: true, do: printCompletion,
			help: "Prints the completion of commands, flags and bundles for a shell.\nFor bash: source <(restencil completion bash), in ~/.bashrc; the same for zsh.\nFor fish: restencil completion fish | source",
		},
		{
			name: "man", usage: "[1|5]", most: 1, do: printMan,
			help: "Prints the manual page, or with 5 that of the configuration.\nTo read it: restencil man | man -l -",
		},
		{
			name: "help", usage: "[COMMAND]", most: 1, do: help,
			help: "Shows what a command does, or all flags and commands.",
		},
	}
}

// ask returns what does a subcommand of package client.
func ask(do func(*client.Command, context.Context) error) func(context.Context, program, *subcommand) error {
	return func(ctx context.Context, p program, s *subcommand) error {
		s.Environ, s.Stdout, s.PrintDiff = p.Environ, p.Stdout, p.PrintDiff
		return do(&s.Command, ctx)
	}
}

// findSubcommand returns the subcommand of a name, nil where there is none.
func findSubcommand(name string) *subcommand {
	for _, s := range subcommands() {
		if s.name == name {
			return s
		}
	}
	return nil
}

// An exitStatus is the exit code of a command that has said itself what failed.
type exitStatus int

func (e exitStatus) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

func (p program) runSubcommand(ctx context.Context, s *subcommand) int {
	if s.name == "diff" {
		if flags, bundle, asJSON, ok := planArgs(p.Args[1:]); ok {
			p.DiffOf, p.JSON = bundle, asJSON
			return p.diffConfig(ctx, flags)
		}
	}
	err := s.parse(p.Args[1:])
	if err == nil {
		err = s.do(ctx, p, s)
	} else {
		err = &config.Error{Code: config.ExitFlags, Err: err}
	}
	switch {
	case err == nil:
		return 0
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(p.Stdout, s.text())
		return 0
	}
	if code, ok := errors.AsType[exitStatus](err); ok {
		return int(code)
	}
	code := exitRefused
	if wrong, ok := errors.AsType[*config.Error](err); ok {
		code = wrong.Code
	} else if ctx.Err() != nil && errors.Is(err, context.Cause(ctx)) {
		code, err = service.ExitInterrupted, errors.New("interrupted")
	} else if errors.Is(err, control.ErrNoDaemon) {
		code = exitNoDaemon
	}
	return p.Failed(&config.Error{Code: code, Err: err})
}

// flags returns the flags of s. The usage of each has the name of its value before
// the colon.
func (s *subcommand) flags() *flag.FlagSet {
	flags := flag.NewFlagSet(s.name, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.Usage = func() {}
	switch s.name {
	case "lint":
		s.lint.define(flags, &s.ConfigFlags)
		return flags
	case "test":
		s.test.define(flags)
		return flags
	}
	flags.StringVar(&s.StateDir, "state-dir", "", " <path>: The daemon's state directory.")
	if s.name != "diff" { // which asks no daemon then
		flags.Func("config", " <path>: The daemon's configuration, which tells the state directory. May be\nrepeated.", func(path string) error {
			s.ConfigFlags = append(s.ConfigFlags, "-config", path)
			return nil
		})
	}
	switch s.name {
	case "status", "explain", "diff", "history":
		flags.BoolVar(&s.JSON, "json", false, ": As JSON, one object a line.")
	}
	switch s.name {
	case "rollback":
		flags.StringVar(&s.Reload, "reload", "", " <command>: Without a daemon, run this when the files are back.")
	case "status":
		flags.BoolVar(&s.Check, "check", false, ": Exit with 1 when something is not well.")
	case "state":
		flags.BoolVar(&s.Prune, "prune", false, ": Remove those that are gone.")
	}
	return flags
}

// parse reads the arguments; flags may stand before and after others.
func (s *subcommand) parse(args []string) error {
	if s.own {
		s.Args = args
		if end := slices.Index(args, "--"); end >= 0 {
			args = args[:end]
		}
		if slices.ContainsFunc(args, func(a string) bool { return slices.Contains([]string{"-h", "-help", "--h", "--help"}, a) }) {
			return flag.ErrHelp
		}
		return nil
	}
	flags := s.flags()
	for {
		if err := flags.Parse(args); err != nil {
			return err
		}
		if flags.NArg() == 0 {
			break
		}
		s.Args = append(s.Args, flags.Arg(0))
		args = flags.Args()[1:]
	}
	if len(s.Args) < s.least || len(s.Args) > s.most {
		return fmt.Errorf("usage: restencil %s [flags] %s", s.name, s.usage)
	}
	return nil
}
