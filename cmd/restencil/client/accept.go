package client

import (
	"context"
	"errors"
	"fmt"

	"restencil/cmd/restencil/control"
	"restencil/cmd/restencil/statedir"
	"restencil/runner/status"
)

// Accept asks the daemon to make the change that it holds.
func (c *Command) Accept(ctx context.Context) error {
	dirs, err := c.stateDirs()
	if err != nil {
		return err
	}
	// A bundle whose first change is held is not in any state directory yet.
	if dir, _, err := statedir.OfBundle(dirs, c.Args[0]); err == nil {
		dirs = []string{dir}
	} else if !errors.Is(err, statedir.ErrNoBundle) {
		return err
	}
	// Ask the daemons one after another. If all fail, the error of a daemon says more
	// than that another one is not running.
	for _, dir := range dirs {
		bundle := c.Args[0]
		var now status.Status
		failed := control.Ask(ctx, dir, control.Request{Do: control.Status}, &now)
		if b := bundleOf(now, bundle); b != nil {
			bundle = b.Name
		}
		if failed == nil {
			failed = control.Ask(ctx, dir, control.Request{Do: control.Accept, Bundle: bundle}, nil)
		}
		if failed == nil {
			fmt.Fprintf(c.Stdout, "the change of bundle %q is accepted\n", bundle)
			return nil
		}
		if err == nil || errors.Is(err, control.ErrNoDaemon) {
			err = failed
		}
	}
	return err
}
