package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/mattn/go-isatty"

	"restencil/cmd/restencil/config"
	"restencil/runner/diff"
	"restencil/watch/printable"
)

// The exit codes of a diff without a daemon, beside 0: nothing would change.
const (
	exitDiffFailed = 1
	exitChanges    = 2
)

// planArgs returns the flags of the program in the arguments of the command diff,
// where it is to ask no daemon: that is when there is a flag which only the program
// has. A bundle stands before them.
func planArgs(args []string) (flags []string, bundle string, asJSON, ok bool) {
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		bundle, args = args[0], args[1:]
	}
	for _, arg := range args {
		name, _, _ := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		switch {
		case !strings.HasPrefix(arg, "-"):
			flags = append(flags, arg)
		case name == "json":
			asJSON = true
		default:
			ok = ok || !slices.Contains([]string{"state-dir", "h", "help"}, name)
			flags = append(flags, arg)
		}
	}
	return flags, bundle, asJSON, ok
}

// diffConfig does what restencil diff is to do without a daemon, and returns the exit
// code.
func (p program) diffConfig(ctx context.Context, flags []string) int {
	p.args = append([]string{"-diff"}, flags...)
	cfg, err := p.parse()
	if err == nil {
		return p.serve(ctx, cfg)
	}
	return p.failed(&config.Error{Code: exitDiffFailed, Err: err})
}

// printPlans prints what -diff has found, as the command diff asks for it, and returns
// the exit code.
func (p program) printPlans(plans []diff.Plan) int {
	if p.diffOf != "" {
		plans = slices.DeleteFunc(plans, func(one diff.Plan) bool {
			return one.Bundle != p.diffOf && !slices.ContainsFunc(one.Files, func(f diff.Planned) bool { return f.Path == p.diffOf })
		})
		if len(plans) == 0 {
			return p.failed(&config.Error{Code: exitDiffFailed, Err: fmt.Errorf("there is no bundle or file %q in the configuration", p.diffOf)})
		}
	}
	var err error
	switch {
	case p.json:
		for _, one := range plans {
			if err = json.NewEncoder(p.stdout).Encode(one); err != nil {
				break
			}
		}
	default:
		err = p.printDiffText(diff.Text(plans))
	}
	if err != nil {
		return p.failed(&config.Error{Code: exitDiffFailed, Err: err})
	}
	switch n, rejected := diff.Changes(plans); {
	case rejected:
		return exitDiffFailed
	case n > 0:
		return exitChanges
	}
	return 0
}

// printDiffText prints a text with diffs to standard output: to a terminal, in color
// and without what would control it, and to others as it is, for patch.
func (p program) printDiffText(text string) error {
	switch {
	case p.colors():
		text = diff.Colored(text)
	case isatty.IsTerminal(os.Stdout.Fd()):
		text = printable.Text(text)
	}
	_, err := fmt.Fprint(p.stdout, text)
	return err
}

// colors reports whether standard output is a terminal that is to have colors.
func (p program) colors() bool {
	plain := slices.ContainsFunc(p.environ, func(v string) bool {
		return strings.HasPrefix(v, "NO_COLOR=") && v != "NO_COLOR=" || v == "TERM=dumb"
	})
	return isatty.IsTerminal(os.Stdout.Fd()) && !plain
}
