package client

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"restencil/cmd/restencil/config"
	"restencil/cmd/restencil/config/setting"
	"restencil/cmd/restencil/statedir"
	"restencil/runner/journal"
	"restencil/runner/status/text"
)

// stateDirs returns the state directory that -state-dir or -config names, or without
// them all that exist.
func (c *Command) stateDirs() ([]string, error) {
	if c.StateDir != "" {
		return []string{c.StateDir}, nil
	}
	cfg, err := config.Parse(c.ConfigFlags, c.Environ)
	if err != nil {
		return nil, err
	}
	if len(cfg.Paths) > 0 || cfg.State.Dir != "" {
		dir := statedir.Of(cfg)
		if dir == "" {
			return nil, errors.New("this configuration has no state directory")
		}
		return []string{dir}, nil
	}
	root, own := statedir.Root(cfg)
	switch {
	case root == "":
		return nil, errors.New("no state directory is known: say where with -state-dir or -config")
	case own:
		return []string{root}, nil
	}
	return statedir.Below(root)
}

// States prints the state directories, or with -prune removes those that are gone.
func (c *Command) States(_ context.Context) error {
	root := c.StateDir
	if root == "" {
		root = journal.DefaultDir(setting.Environment(c.Environ).Lookup, os.Getuid())
	}
	if c.Prune {
		removed, err := statedir.Prune(root, 0)
		for _, dir := range removed {
			fmt.Fprintf(c.Stdout, "removed %s\n", dir)
		}
		return err
	}
	all, err := statedir.List(root)
	if err != nil {
		return err
	}
	rows := [][]string{{"DIRECTORY", "BEGUN", "STATE", "CONFIGURATION"}}
	for _, d := range all {
		state := "idle"
		switch {
		case d.Running:
			state = "running"
		case d.Gone():
			state = "gone"
		}
		owner := cmp.Or(strings.Join(d.Owner, ", "), "unknown")
		rows = append(rows, []string{d.Path, d.Begun.Local().Format(time.DateTime), state, owner})
	}
	_, err = io.WriteString(c.Stdout, text.Table(rows))
	return err
}
