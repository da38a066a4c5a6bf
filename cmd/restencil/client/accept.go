package client

import (
	"context"
	"fmt"
	"strings"

	"restencil/cmd/restencil/control"
)

// Accept asks the daemon to make the change that it holds.
func (c *Command) Accept(ctx context.Context) error {
	found, err := c.statuses(ctx)
	if err != nil {
		return err
	}
	var dirs []string // of the daemons that have the bundle
	bundle := c.Args[0]
	for _, one := range found {
		if b := bundleOf(one.Status, c.Args[0]); b != nil {
			dirs, bundle = append(dirs, one.Dir), b.Name
		}
	}
	switch len(dirs) {
	case 0:
		return fmt.Errorf("there is no bundle %q: restencil status lists them", bundle)
	case 1:
	default:
		return fmt.Errorf("there is a bundle %q in each of %s: say which with -state-dir or -config", bundle, strings.Join(dirs, ", "))
	}
	if err := control.Ask(ctx, dirs[0], control.Request{Do: control.Accept, Bundle: bundle}, nil); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.Stdout, "the change of bundle %q is accepted\n", bundle)
	return err
}
