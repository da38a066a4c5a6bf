package service

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"

	"github.com/mattn/go-isatty"

	"restencil/cmd/restencil/config"
	"restencil/cmd/restencil/config/setting"
	"restencil/runner/diff"
	"restencil/watch/printable"
)

// The exit codes of a diff without a daemon, beside 0: nothing would change.
const (
	ExitDiffFailed = 1
	ExitChanges    = 2
)

// printPlans prints what -diff has found, as the command diff asks for it, and returns
// the exit code.
func (p Program) printPlans(plans []diff.Plan) int {
	if p.DiffOf != "" {
		plans = slices.DeleteFunc(plans, func(one diff.Plan) bool {
			return one.Bundle != p.DiffOf && !slices.ContainsFunc(one.Files, func(f diff.Planned) bool { return f.Path == p.DiffOf })
		})
		if len(plans) == 0 {
			return p.Failed(&config.Error{Code: ExitDiffFailed, Err: fmt.Errorf("there is no bundle or file %q in the configuration (variables and lists of for_each are none)", p.DiffOf)})
		}
	}
	var err error
	switch {
	case p.JSON:
		for _, one := range plans {
			if err = json.NewEncoder(p.Stdout).Encode(one); err != nil {
				break
			}
		}
	default:
		err = p.PrintDiff(diff.Text(plans))
	}
	if err != nil {
		return p.Failed(&config.Error{Code: ExitDiffFailed, Err: err})
	}
	switch n, rejected := diff.Changes(plans); {
	case rejected:
		return ExitDiffFailed
	case n > 0:
		return ExitChanges
	}
	return 0
}

// PrintDiff prints a text with diffs to standard output: to a terminal, in color
// and without what would control it, and to others as it is, for patch.
func (p Program) PrintDiff(text string) error {
	switch {
	case p.Colors():
		text = diff.Colored(text)
	case isatty.IsTerminal(os.Stdout.Fd()):
		text = printable.Text(text)
	}
	_, err := fmt.Fprint(p.Stdout, text)
	return err
}

// Colors reports whether standard output is a terminal that is to have colors.
func (p Program) Colors() bool {
	environ := setting.Environment(p.Environ)
	return isatty.IsTerminal(os.Stdout.Fd()) && environ.Get("NO_COLOR") == "" && environ.Get("TERM") != "dumb"
}
