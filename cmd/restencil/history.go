package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"restencil/runner/journal"
)

// printHistory prints the generations that are kept, the newest first, for each
// state directory.
func printHistory(_ context.Context, p program, s *subcommand) error {
	dirs, err := s.stateDirs(p.environ)
	if err != nil {
		return err
	}
	found := false
	for _, dir := range dirs {
		lines, err := historyOf(dir, s.args)
		if err != nil {
			return err
		}
		if lines == nil {
			continue
		}
		found = true
		if len(dirs) > 1 {
			fmt.Fprintf(p.stdout, "%s:\n", dir)
		}
		table := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "BUNDLE\tGENERATION\tTIME\tHASH\tFILES")
		for _, line := range lines {
			fmt.Fprintln(table, line)
		}
		if err := table.Flush(); err != nil {
			return err
		}
	}
	if found {
		return nil
	}
	of := ""
	if len(s.args) > 0 {
		of = fmt.Sprintf(" of bundle %q", s.args[0])
	}
	return fmt.Errorf("no generations%s are kept in %s", of, strings.Join(dirs, ", "))
}

// historyOf returns the lines of the table for the bundles of a state
// directory, those of these names or all.
func historyOf(dir string, names []string) (lines []string, err error) {
	j, err := journal.Open(dir, journal.Options{ReadOnly: true})
	if err != nil {
		return nil, err
	}
	defer j.Close()
	if len(names) == 0 {
		if names, err = j.Bundles(); err != nil {
			return nil, err
		}
	}
	for _, name := range names {
		generations, err := j.History(name)
		if err != nil {
			return nil, err
		}
		for _, g := range slices.Backward(generations) {
			var files []string
			for _, f := range g.Files {
				if f.Secret {
					f.Path += " (secret, not kept)"
				}
				files = append(files, f.Path)
			}
			lines = append(lines, fmt.Sprintf("%s\t%d\t%s\t%.12s\t%s",
				name, g.Number, g.Time.Local().Format(time.DateTime), g.Hash, strings.Join(files, ", ")))
		}
	}
	return lines, nil
}
