package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"restencil/cmd/restencil/config"
	"restencil/cmd/restencil/lint"
	"restencil/cmd/restencil/service"
	"restencil/template"
	"restencil/watch/filewatch"
	"restencil/watch/suggest"
)

// lintFlags are those of the command lint.
type lintFlags struct {
	format, disable string
	strict          bool
}

func (l *lintFlags) define(flags *flag.FlagSet, config *[]string) {
	flags.Func("config", " <path>: A configuration file or directory, with its templates. May be repeated.", func(path string) error {
		*config = append(*config, "-config", path)
		return nil
	})
	flags.StringVar(&l.format, "format", lint.Formats()[0], " <"+strings.Join(lint.Formats(), "|")+">: How findings are printed.")
	flags.StringVar(&l.disable, "disable", "", " <rules>: Rules to leave out, with commas between.")
	flags.BoolVar(&l.strict, "strict", false, ": The exit code is 1 for warnings, too.")
}

// runLint looks for mistakes in configurations with their templates, and in
// templates by themselves. Of the arguments, directories and files of HCL are
// configurations.
func runLint(ctx context.Context, p program, s *subcommand) error {
	var disabled []string
	if s.lint.disable != "" {
		disabled = strings.Split(s.lint.disable, ",")
	}
	var rules []string
	for _, r := range lint.Rules() {
		rules = append(rules, r.Name)
	}
	for _, name := range disabled {
		if !slices.Contains(rules, name) {
			return &config.Error{Code: config.ExitFlags, Err: suggest.Unknown("rule", name, rules)}
		}
	}
	switch {
	case !slices.Contains(lint.Formats(), s.lint.format):
		return &config.Error{Code: config.ExitFlags, Err: suggest.Unknown("format", s.lint.format, lint.Formats())}
	case len(s.ConfigFlags) == 0 && len(s.Args) == 0:
		return &config.Error{Code: config.ExitFlags, Err: errors.New("there is nothing to do: no configuration (-config) and no template is given")}
	}
	var templates []string
	for _, path := range s.Args {
		if info, err := os.Stat(path); err == nil && info.IsDir() || filepath.Ext(path) == ".hcl" {
			s.ConfigFlags = append(s.ConfigFlags, "-config", path)
		} else {
			templates = append(templates, path)
		}
	}
	linter := lint.New(ctx)
	var wrong error
	if len(s.ConfigFlags) > 0 {
		var cfg *config.Config
		if cfg, wrong = config.Parse(s.ConfigFlags, p.Environ); wrong == nil {
			linter.Config(cfg)
		} else if !linter.Diagnostics(wrong) {
			return wrong
		}
	}
	for _, path := range templates {
		text, err := filewatch.ReadFile(path)
		if err != nil {
			return &config.Error{Code: config.ExitRunner, Err: fmt.Errorf("failed to read template: %w", err)}
		}
		linter.Template(template.Options{Name: path, Text: string(text)})
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	found := linter.Findings(disabled)
	if err := lint.Write(p.Stdout, s.lint.format, strings.Fields(p.Version())[1], found); err != nil {
		return err
	}
	failures := 0
	for _, f := range found {
		if f.Severity == lint.Error || s.lint.strict {
			failures++
		}
	}
	switch {
	case wrong != nil:
		return &config.Error{Code: service.ExitCode(wrong), Err: errors.New("the configuration is wrong, and its templates were not looked at")}
	case failures > 0:
		return fmt.Errorf("%d of %d findings count as errors", failures, len(found))
	}
	return nil
}
