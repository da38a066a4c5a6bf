// Package client has the subcommands that ask a daemon for something over its control
// socket, or read its state directory where no daemon runs.
package client

import (
	"context"
	"io"
)

// A Command is the command line of such a subcommand. Each method of the name of a
// subcommand does what it says in restencil help.
type Command struct {
	StateDir    string
	ConfigFlags []string // the -config flags of the daemon
	Args        []string

	JSON   bool
	Check  bool   // of status
	Prune  bool   // of state
	Reload string // of rollback

	Environ   []string
	Stdout    io.Writer
	PrintDiff func(text string) error // prints a text with diffs to Stdout
}

// Bundles returns the names of all bundles of the daemons that the subcommand may be
// about, as far as they answer.
func (c *Command) Bundles(ctx context.Context) (names []string) {
	found, _ := c.statuses(ctx) // without a daemon there is none
	for _, one := range found {
		for _, b := range one.Bundles {
			names = append(names, b.Name)
		}
	}
	return names
}
