package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"restencil/runner/journal"
	"restencil/runner/journal/history"
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
		if len(dirs) > 1 {
			fmt.Fprintf(p.stdout, "%s:\n", dir)
		}
		if err := printTable(p.stdout, lines); err != nil {
			return err
		}
		found = true
	}
	if !found {
		return fmt.Errorf("no generations%s are kept in %s", ofBundle(s.args), strings.Join(dirs, ", "))
	}
	return nil
}

func printTable(w io.Writer, lines []string) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "BUNDLE\tGENERATION\tTIME\tHASH\tFILES")
	for _, line := range lines {
		fmt.Fprintln(table, line)
	}
	return table.Flush()
}

func ofBundle(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return fmt.Sprintf(" of bundle %q", names[0])
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
			lines = append(lines, fmt.Sprintf("%s\t%d\t%s\t%.12s\t%s",
				name, g.Number, g.Time.Local().Format(time.DateTime), g.Hash, filesOf(g)))
		}
	}
	return lines, nil
}

// filesOf lists the files of a generation; those that are not kept are marked.
func filesOf(g history.Generation) string {
	var list []string
	for _, f := range g.Files {
		if f.Secret {
			list = append(list, f.Path+" (secret, not kept)")
			continue
		}
		list = append(list, f.Path)
	}
	return strings.Join(list, ", ")
}
