package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
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
	switch {
	case found != nil:
		return found, nil
	case len(dirs) > 1:
		return nil, fmt.Errorf("%w (nothing listens in the %d directories of %s; restencil state lists them)", control.ErrNoDaemon, len(dirs), filepath.Dir(dirs[0]))
	}
	return nil, err
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

// bundleOf returns the bundle with this name, file or variable; nil where there is none.
func bundleOf(s status.Status, name string) *status.Bundle {
	if b := s.Find(name); b != nil {
		return b
	}
	return s.FindFile(isOf(s, name))
}

// isOf returns whether a template is that, or makes the file, which may be any path to it,
// or the variable with this name.
func isOf(s status.Status, name string) func(status.Template) bool {
	path := group.Path(name)
	return func(t status.Template) bool {
		destination := t.Destination
		if !filepath.IsAbs(destination) {
			destination = filepath.Join(s.Directory, destination)
		}
		return t.Name == name || t.Destination == name || t.Destination == "$"+name || filepath.Clean(destination) == path
	}
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
		return errors.New("not all is well")
	}
	return nil
}

// Explain prints why a bundle, file or query is as it is.
func (c *Command) Explain(ctx context.Context) error {
	found, err := c.statuses(ctx)
	if err != nil {
		return err
	}
	name, known := c.Args[0], false
	for _, one := range found {
		show := func(about status.Status, shown string) error {
			known = true
			return c.show(daemonStatus{one.Dir, about}, len(found) > 1, shown)
		}
		if b := bundleOf(one.Status, name); b != nil {
			about, header := *b, ""
			if is := isOf(one.Status, name); b.Name != name {
				about.Templates = slices.DeleteFunc(slices.Clone(b.Templates), func(t status.Template) bool { return !is(t) })
			}
			if n := len(about.Templates); n < len(b.Templates) {
				header = fmt.Sprintf("%s: %d of the %d files of bundle %q\n\n", printable.Line(name), n, len(b.Templates), b.Name)
			}
			if err := show(one.Only(about), header+text.Bundle(one.Status, *b, about.Templates)); err != nil {
				return err
			}
			continue
		}
		for _, q := range one.FindQueries(name) {
			if err := show(one.About(q), text.Query(one.Status, q)); err != nil {
				return err
			}
		}
	}
	if !known {
		return fmt.Errorf("there is no bundle, file or query %q: restencil status lists the bundles, and restencil explain BUNDLE their queries", name)
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
			if len(c.Args) == 0 && b.State == status.Applied {
				continue
			}
			d := &bundleDiff{Dir: one.Dir, Bundle: b.Name, State: b.State, Line: b.Line(one.Time), Do: b.Do(one.Time), Files: []service.FileDiff{}}
			diffs = append(diffs, d)
			asking.Go(func() error {
				err := control.Ask(ctx, one.Dir, control.Request{Do: control.Diff, Bundle: b.Name}, &d.Files)
				if b.State == status.Waiting {
					err = errors.New("it lacks data: try again when that is there")
				}
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
		return errors.New("some diffs cannot be shown")
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
