package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"restencil/cmd/restencil/control"
	"restencil/cmd/restencil/statedir"
	"restencil/runner/journal"
	"restencil/runner/status"
	"restencil/runner/status/text"
)

// A historyLine is a generation that is kept, or a change that was held or rejected.
type historyLine struct {
	Directory  string    `json:"state_dir"`
	Bundle     string    `json:"bundle"`
	Generation int       `json:"generation,omitempty"` // 0: the change was not made
	Time       time.Time `json:"time,omitzero"`
	Hash       string    `json:"hash,omitempty"`
	State      string    `json:"state,omitempty"` // current, held or rejected
	Reason     string    `json:"reason,omitempty"`
	Retry      time.Time `json:"retry,omitzero"` // when it is tried again by itself
	Files      []string  `json:"files,omitempty"`
}

// A changeLine is a change since the daemon began.
type changeLine struct {
	Directory string        `json:"state_dir"`
	Bundle    string        `json:"bundle"`
	Change    status.Change `json:"change"`
}

// History prints the history of one bundle or all, newest first, for each state
// directory: the generations that are kept, and the changes since the daemon began.
func (c *Command) History(ctx context.Context) error {
	dirs, err := c.stateDirs()
	if err != nil {
		return err
	}
	encoder := json.NewEncoder(c.Stdout)
	encoder.SetEscapeHTML(false)
	found := false
	for _, dir := range dirs {
		lines, err := historyOf(dir, c.Args)
		if err != nil {
			return err
		}
		changes, err := c.changesOf(ctx, dir)
		if err != nil {
			return err
		}
		if len(lines)+len(changes.Changes) == 0 {
			continue
		}
		found = true
		if c.JSON {
			for _, line := range lines {
				err = errors.Join(err, encoder.Encode(line))
			}
			for _, change := range changes.Changes {
				err = errors.Join(err, encoder.Encode(changeLine{dir, change.Bundle, change}))
			}
		} else {
			if len(dirs) > 1 {
				fmt.Fprintf(c.Stdout, "%s:\n", dir)
			}
			if lines != nil {
				err = c.printTable(lines)
			}
			fmt.Fprint(c.Stdout, text.History(changes, len(c.Args) > 0))
		}
		if err != nil {
			return err
		}
	}
	if found {
		return nil
	}
	of := ""
	if len(c.Args) > 0 {
		of = fmt.Sprintf(" of bundle %q", c.Args[0])
	}
	return fmt.Errorf("no generations%s are kept in %s", of, strings.Join(dirs, ", "))
}

// changesOf returns the status of the daemon of a state directory, as far as it is
// about the bundle that is asked for; the zero Status where no daemon runs.
func (c *Command) changesOf(ctx context.Context, dir string) (st status.Status, err error) {
	err = control.Ask(ctx, dir, control.Request{Do: control.Status}, &st)
	switch {
	case errors.Is(err, control.ErrNoDaemon):
		return st, nil
	case err != nil || len(c.Args) == 0:
		return st, err
	}
	if b := bundleOf(st, c.Args[0]); b != nil {
		return st.Only(*b), nil
	}
	return status.Status{}, nil
}

func (c *Command) printTable(lines []historyLine) error {
	rows := [][]string{{"BUNDLE", "GENERATION", "TIME", "HASH", "STATE", "FILES"}}
	for _, line := range lines {
		generation, at, files := strconv.Itoa(line.Generation), line.Time.Local().Format(time.DateTime), strings.Join(line.Files, ", ")
		if line.Generation == 0 {
			generation, at = "-", "-"
			files, _, _ = strings.Cut(line.Reason, "\n")
		}
		rows = append(rows, []string{line.Bundle, generation, at, fmt.Sprintf("%.12s", line.Hash), line.State, files})
	}
	_, err := io.WriteString(c.Stdout, text.Table(rows))
	return err
}

// historyOf returns the history of the bundles in a state directory. Without names
// they are all.
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
		pending, current := pendingOf(known), false
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
			case g.Hash == pending.Hash && pending.State != "":
				line.State, line.Reason, line.Retry = pending.State, pending.Reason, pending.Retry
				pending.State = "" // it has its line
			}
			own = append(own, line)
		}
		if pending.State != "" {
			pending.Directory, pending.Bundle = dir, name
			own = slices.Insert(own, 0, pending)
		}
		lines = append(lines, own...)
	}
	return lines, nil
}

// pendingOf returns the change of a bundle that is held or rejected. Its State is ""
// if there is none.
func pendingOf(known journal.State) historyLine {
	switch {
	case known.Held != "" && known.Held != known.Reason:
		return historyLine{Hash: known.Pinned, State: "held", Reason: known.Held}
	case known.Held != "":
		return historyLine{Hash: known.Rejected, State: "held", Reason: known.Held, Retry: known.Retry}
	case known.Attempts > 0:
		return historyLine{Hash: known.Rejected, State: "rejected", Reason: known.Reason, Retry: known.Retry}
	}
	return historyLine{}
}
