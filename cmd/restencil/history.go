package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"restencil/cmd/restencil/statedir"
	"restencil/runner/journal"
)

// A historyLine is a generation that is kept, or a change that was not made.
type historyLine struct {
	Directory  string    `json:"state_dir"`
	Bundle     string    `json:"bundle"`
	Generation int       `json:"generation,omitempty"` // 0: it is a change that was not made
	Time       time.Time `json:"time,omitzero"`
	Hash       string    `json:"hash,omitempty"`
	State      string    `json:"state,omitempty"` // current, held or rejected
	Reason     string    `json:"reason,omitempty"`
	Retry      time.Time `json:"retry,omitzero"` // when it is tried again by itself
	Files      []string  `json:"files,omitempty"`
}

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
		found = found || lines != nil
		switch {
		case s.json:
			err = printJSON(p, lines)
		case lines != nil:
			if len(dirs) > 1 {
				fmt.Fprintf(p.stdout, "%s:\n", dir)
			}
			err = printTable(p, lines)
		}
		if err != nil {
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

func printJSON(p program, lines []historyLine) error {
	e := json.NewEncoder(p.stdout)
	e.SetEscapeHTML(false)
	for _, line := range lines {
		if err := e.Encode(line); err != nil {
			return err
		}
	}
	return nil
}

func printTable(p program, lines []historyLine) error {
	table := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "BUNDLE\tGENERATION\tTIME\tHASH\tSTATE\tFILES")
	for _, line := range lines {
		generation, at, files := strconv.Itoa(line.Generation), line.Time.Local().Format(time.DateTime), strings.Join(line.Files, ", ")
		if line.Generation == 0 {
			generation, at = "-", "-"
			files, _, _ = strings.Cut(line.Reason, "\n")
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%.12s\t%s\t%s\n", line.Bundle, generation, at, line.Hash, line.State, files)
	}
	return table.Flush()
}

// historyOf returns the lines for the bundles of a state directory, those of these
// names or all.
func historyOf(dir string, names []string) (lines []historyLine, err error) {
	j := journal.New(dir, journal.Options{ReadOnly: true})
	defer j.Close()
	if len(names) == 0 {
		if names, err = j.Bundles(); err != nil {
			return nil, err
		}
	} else if _, name, err := statedir.OfBundle([]string{dir}, names[0]); err == nil {
		names = []string{name}
	}
	for _, name := range names {
		generations, err := j.History(name)
		if err != nil {
			return nil, err
		}
		known, err := j.State(name)
		if err != nil {
			return nil, err
		}
		verdict, current := verdictOf(known), false
		var own []historyLine
		for _, g := range slices.Backward(generations) {
			line := historyLine{Directory: dir, Bundle: name, Generation: g.Number, Time: g.Time, Hash: g.Hash}
			for _, f := range g.Files {
				if f.Secret {
					f.Path += " (secret, not kept)"
				}
				line.Files = append(line.Files, f.Path)
			}
			switch {
			case g.Hash == known.Applied && !current:
				line.State, current = "current", true
			case g.Hash == verdict.Hash && verdict.State != "":
				line.State, line.Reason, line.Retry = verdict.State, verdict.Reason, verdict.Retry
				verdict.State = "" // it is told here
			}
			own = append(own, line)
		}
		if verdict.State != "" {
			verdict.Directory, verdict.Bundle = dir, name
			own = slices.Insert(own, 0, verdict)
		}
		lines = append(lines, own...)
	}
	return lines, nil
}

// verdictOf returns the change of a bundle that is not made, whose State is "" where
// there is none.
func verdictOf(known journal.State) (line historyLine) {
	switch {
	case known.Held != "" && known.Held != known.Reason:
		line = historyLine{Hash: known.Pinned, State: "held", Reason: known.Held}
	case known.Held != "":
		line = historyLine{Hash: known.Rejected, State: "held", Reason: known.Held, Retry: known.Retry}
	case known.Attempts > 0:
		line = historyLine{Hash: known.Rejected, State: "rejected", Reason: known.Reason, Retry: known.Retry}
	}
	return line
}
