package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"restencil/cmd/restencil/control"
	"restencil/cmd/restencil/service"
	"restencil/runner/bundle/group"
	"restencil/runner/status"
	"restencil/runner/status/text"
	"restencil/watch/printable"
)

// A daemonStatus is the status of the daemon of a state directory.
type daemonStatus struct {
	Dir string `json:"state_dir"`
	status.Status
}

// answerTimeout is how long a daemon may take to say how it fares.
const answerTimeout = 10 * time.Second

// statuses asks the daemons that a subcommand may be about. The error is that there
// is none.
func (c *Command) statuses(ctx context.Context) (found []daemonStatus, err error) {
	dirs, err := c.stateDirs()
	if err != nil {
		return nil, err
	}
	for _, dir := range dirs {
		one := daemonStatus{Dir: dir}
		ctx, cancel := context.WithTimeoutCause(ctx, answerTimeout, fmt.Errorf("the daemon of %s does not answer within %v: its process may be stopped, or the machine overloaded", dir, answerTimeout))
		defer cancel()
		switch failed := control.Ask(ctx, dir, control.Request{Do: control.Status}, &one.Status); {
		case failed == nil:
			found = append(found, one)
		case !errors.Is(failed, control.ErrNoDaemon):
			return nil, failed
		default:
			err = failed
		}
	}
	if found == nil {
		return nil, err
	}
	return found, nil
}

// show prints a status, as JSON or as a text below the directory where several are
// printed.
func (c *Command) show(one daemonStatus, several bool, shown string) error {
	if c.JSON {
		return json.NewEncoder(c.Stdout).Encode(one)
	}
	if several {
		shown = one.Dir + ":\n" + shown
	}
	_, err := fmt.Fprint(c.Stdout, shown)
	return err
}

// bundleOf returns the bundle with this name or file, which may be any path to it; nil
// where there is none.
func bundleOf(s status.Status, name string) *status.Bundle {
	if b := s.Find(name); b != nil {
		return b
	}
	path := group.Path(name)
	return s.FindFile(func(destination string) bool {
		if !filepath.IsAbs(destination) {
			destination = filepath.Join(s.Directory, destination)
		}
		return filepath.Clean(destination) == path
	})
}

// asked returns what statuses does or, of those daemons that have the bundle or file of
// the command line, the part about it. It is nil where none has.
func (c *Command) asked(ctx context.Context) (found []daemonStatus, err error) {
	all, err := c.statuses(ctx)
	if err != nil || len(c.Args) == 0 {
		return all, err
	}
	for _, one := range all {
		if b := bundleOf(one.Status, c.Args[0]); b != nil {
			one.Status = one.Only(*b)
			found = append(found, one)
		}
	}
	return found, nil
}

// unknown is the error of a command for which asked has found nothing.
func (c *Command) unknown() error {
	return fmt.Errorf("there is no bundle or file %q: restencil status lists them", c.Args[0])
}

// errNotWell is the error of status -check.
var errNotWell = errors.New("not all is well")

// Status prints the state of the daemons, or of one bundle.
func (c *Command) Status(ctx context.Context) error {
	found, err := c.asked(ctx)
	if err != nil {
		return err
	}
	well := true
	for _, one := range found {
		well = well && one.Well
		if err := c.show(one, len(found) > 1, text.Status(one.Status)); err != nil {
			return err
		}
	}
	switch {
	case found == nil:
		return c.unknown()
	case c.Check && !well:
		return errNotWell
	}
	return nil
}

// Explain prints why a bundle, file or query is as it is.
func (c *Command) Explain(ctx context.Context) error {
	found, err := c.statuses(ctx)
	if err != nil {
		return err
	}
	known := false
	for _, one := range found {
		if b := bundleOf(one.Status, c.Args[0]); b != nil {
			known = true
			tree := text.Bundle(one.Status, *b)
			one.Status = one.Only(*b)
			if err := c.show(one, len(found) > 1, tree); err != nil {
				return err
			}
			continue
		}
		for _, q := range one.FindQueries(c.Args[0]) {
			known = true
			about := one
			about.Status = one.About(q)
			if err := c.show(about, len(found) > 1, text.Query(one.Status, q)); err != nil {
				return err
			}
		}
	}
	if !known {
		return fmt.Errorf("there is no bundle, file or query %q: restencil status lists the bundles, and restencil explain BUNDLE their queries", c.Args[0])
	}
	return nil
}

// A bundleDiff is what a bundle would change.
type bundleDiff struct {
	Dir    string             `json:"state_dir"`
	Bundle string             `json:"bundle"`
	State  status.State       `json:"state"`
	Line   string             `json:"line"`
	Do     string             `json:"do"`
	Files  []service.FileDiff `json:"files"`
	Error  string             `json:"error,omitempty"` // why they are not known
}

// mostAsked is how many diffs a daemon is asked for at a time.
const mostAsked = 16

// errUnknownDiff is the error of the command diff where a daemon has not told each.
var errUnknownDiff = errors.New("some diffs cannot be shown")

// Diff prints what a bundle would change, or all that would.
func (c *Command) Diff(ctx context.Context) error {
	found, err := c.asked(ctx)
	if err != nil {
		return err
	}
	var diffs []*bundleDiff
	var asking errgroup.Group
	asking.SetLimit(mostAsked)
	for _, one := range found {
		for _, b := range one.Bundles {
			if len(c.Args) == 0 && (b.State == status.Applied || b.State == status.Waiting) {
				continue
			}
			d := &bundleDiff{Dir: one.Dir, Bundle: b.Name, State: b.State, Line: b.Line(one.Time), Do: b.Do(one.Time), Files: []service.FileDiff{}}
			diffs = append(diffs, d)
			asking.Go(func() error {
				err := control.Ask(ctx, one.Dir, control.Request{Do: control.Diff, Bundle: b.Name}, &d.Files)
				if err != nil {
					d.Error = err.Error()
				}
				return err
			})
		}
	}
	failed := asking.Wait()
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case found == nil:
		return c.unknown()
	case len(diffs) == 0 && !c.JSON:
		_, err := fmt.Fprintln(c.Stdout, "no change is held, has failed or waits")
		return err
	}
	for _, d := range diffs {
		print := func() error { return c.PrintDiff(d.text()) }
		if c.JSON {
			print = func() error { return json.NewEncoder(c.Stdout).Encode(d) }
		}
		if err := print(); err != nil {
			return err
		}
	}
	if failed != nil {
		return errUnknownDiff
	}
	return nil
}

// text returns d as people read it.
func (d *bundleDiff) text() string {
	var b strings.Builder
	fmt.Fprintln(&b, printable.Line(d.Line))
	if d.Do != "" {
		fmt.Fprintf(&b, "  %s\n", printable.Line(d.Do))
	}
	switch {
	case d.Error != "":
		fmt.Fprintf(&b, "  the diff cannot be shown: %s\n", printable.Line(d.Error))
	case len(d.Files) == 0:
		fmt.Fprintln(&b, "  no file would change")
	}
	for _, f := range d.Files {
		b.WriteString(f.Diff)
	}
	return b.String()
}
