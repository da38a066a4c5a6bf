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
)

// history prints the generations that are kept, the newest first.
func history(_ context.Context, p program, s *subcommand) error {
	dirs, err := s.stateDirs(p.environ)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "BUNDLE\tGENERATION\tTIME\tHASH\tFILES")
	lines := 0
	for _, dir := range dirs {
		n, err := historyOf(table, dir, s.args)
		if err != nil {
			return err
		}
		lines += n
	}
	if lines == 0 {
		return fmt.Errorf("no generations%s are kept in %s", ofBundle(s.args), strings.Join(dirs, ", "))
	}
	return table.Flush()
}

func ofBundle(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return fmt.Sprintf(" of bundle %q", names[0])
}

// historyOf writes the lines of the bundles of a state directory, those of
// these names or all, and returns how many there are.
func historyOf(w io.Writer, dir string, names []string) (lines int, err error) {
	j, err := journal.Open(dir, journal.Options{ReadOnly: true})
	if err != nil {
		return 0, err
	}
	defer j.Close()
	if len(names) == 0 {
		if names, err = j.Bundles(); err != nil {
			return 0, err
		}
	}
	for _, name := range names {
		generations, err := j.History(name)
		if err != nil {
			return lines, err
		}
		for _, g := range slices.Backward(generations) {
			fmt.Fprintf(w, "%s\t%d\t%s\t%.12s\t%s\n", name, g.Number, g.Time.Local().Format(time.DateTime), g.Hash, filesOf(g))
			lines++
		}
	}
	return lines, nil
}

// filesOf lists the files of a generation; those that are not kept are marked.
func filesOf(g journal.Generation) string {
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
