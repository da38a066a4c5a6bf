package main

import (
	"context"
	"errors"
	"fmt"

	"restencil/cmd/restencil/control"
)

// accept asks the daemon to make the change that it holds back.
func accept(ctx context.Context, p program, s *subcommand) error {
	bundle := s.args[0]
	dirs, err := s.stateDirs(p.environ)
	if err != nil {
		return err
	}
	// A bundle whose first change is held has left no trace yet.
	if dir, err := dirOf(dirs, bundle); err == nil {
		dirs = []string{dir}
	} else if !errors.Is(err, errNoBundle) {
		return err
	}
	if err := askOne(ctx, dirs, control.Request{Do: control.Accept, Bundle: bundle}); err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "the change of bundle %q is accepted\n", bundle)
	return nil
}

// askOne has the first daemon do q that can. Its error is that of one which
// could not, rather than that one is not there.
func askOne(ctx context.Context, dirs []string, q control.Request) (err error) {
	for _, dir := range dirs {
		e := control.Ask(ctx, dir, q)
		if e == nil {
			return nil
		}
		if err == nil || errors.Is(err, control.ErrNoDaemon) {
			err = e
		}
	}
	return err
}
