package client

import (
	"context"
	"fmt"

	"restencil/cmd/restencil/control"
)

// Accept asks the daemon to make the change that it holds.
func (c *Command) Accept(ctx context.Context) error {
	found, err := c.asked(ctx)
	switch {
	case err != nil:
		return err
	case found == nil:
		return fmt.Errorf("there is no bundle %q: restencil status lists them", c.Args[0])
	case len(found) > 1:
		return fmt.Errorf("several daemons, of %s and %s, have a bundle %q: say which with -state-dir or -config", found[0].Dir, found[1].Dir, c.Args[0])
	}
	bundle := found[0].Bundles[0].Name
	if err := control.Ask(ctx, found[0].Dir, control.Request{Do: control.Accept, Bundle: bundle}, nil); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.Stdout, "the change of bundle %q is accepted: it is tried now (restencil status shows how it ends)\n", bundle)
	return err
}
