package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"

	"restencil/cmd/restencil/config"
	"restencil/cmd/restencil/config/setting"
	"restencil/cmd/restencil/unittest"
)

// testFlags are those of the command test.
type testFlags struct {
	run, junit      string
	update, verbose bool
}

func (t *testFlags) define(flags *flag.FlagSet) {
	flags.StringVar(&t.run, "run", "", " <regexp>: Run only tests with a name that it matches.")
	flags.BoolVar(&t.update, "update", false, ": Write the golden files as the outputs are.")
	flags.BoolVar(&t.verbose, "v", false, ": Print a line for each test.")
	flags.StringVar(&t.junit, "junit", "", " <path>: Write the results to this file, too, as XML in the form of JUnit.")
}

// runTests runs the unit tests of templates.
func runTests(ctx context.Context, p program, s *subcommand) error {
	usage := func(err error) error { return &config.Error{Code: config.ExitFlags, Err: err} }
	pattern, err := regexp.Compile(s.test.run)
	if err != nil {
		return usage(fmt.Errorf("-run: %w", err))
	}
	if len(s.Args) == 0 {
		s.Args = []string{"."}
	}
	files, err := unittest.Find(s.Args)
	switch {
	case err != nil:
		return usage(err)
	case len(files) == 0:
		return usage(fmt.Errorf("there is no file *%s in %s", unittest.Suffix, strings.Join(s.Args, ", ")))
	}
	var tests []*unittest.Test
	var wrong []error
	for _, file := range files {
		loaded, err := unittest.Load(file)
		wrong = append(wrong, err)
		tests = append(tests, loaded...)
	}
	if err := errors.Join(wrong...); err != nil {
		return &config.Error{Code: config.ExitConfig, Err: err}
	}
	tests = slices.DeleteFunc(tests, func(t *unittest.Test) bool { return !pattern.MatchString(t.Name) })
	if len(tests) == 0 {
		return usage(fmt.Errorf("no test has a name that matches %q", s.test.run))
	}
	needed := setting.Environment(p.Environ).Filter([]string{"PATH", "HOME", "TMPDIR", "USER"}, true) // by commands, to run at all
	results, err := unittest.Run(ctx, tests, unittest.Options{Update: s.test.update, Environ: needed})
	if err != nil {
		return err
	}
	failed, err := unittest.Write(p.Stdout, results, s.test.verbose, p.Colors())
	if err == nil && s.test.junit != "" {
		var text bytes.Buffer
		if err = unittest.WriteJUnit(&text, results); err == nil {
			err = os.WriteFile(s.test.junit, text.Bytes(), 0o644)
		}
	}
	if err == nil && failed > 0 {
		err = fmt.Errorf("%d of %d tests failed", failed, len(results))
	}
	return err
}
