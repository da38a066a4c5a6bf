package diff

import (
	"fmt"
	"strings"

	"restencil/watch/printable"
)

// A Plan is what a bundle, or files that have a command in common, would do.
type Plan struct {
	Bundle string    `json:"bundle,omitempty"` // "": the files belong to none
	Files  []Planned `json:"files"`
	Runs   []Run     `json:"runs"` // in order
}

// A Planned is what would become of a file.
type Planned struct {
	Path     string `json:"path"`
	Change   string `json:"change"`             // "replaced" (new bytes, or a new file), "removed", "repaired" (mode or owner) or "unchanged"
	Before   string `json:"before,omitempty"`   // mode and owner; "": there is no file
	After    string `json:"after"`              // mode and owner
	Stopped  string `json:"stopped,omitempty"`  // why the change would not be made
	Rejected bool   `json:"rejected,omitempty"` // since the content is wrong
	Diff     string `json:"diff,omitempty"`     // in the unified format, masked
}

// A Run is a command or probe that would run.
type Run struct {
	Step    string   `json:"step"` // check, reload, verify, or exec: the program beside the templates
	Command string   `json:"command"`
	Files   []string `json:"files"` // because of which
}

// Text returns how the file would change, as people read it; "" where it would not.
func (f Planned) Text() string {
	if f.Change == "unchanged" {
		return ""
	}
	text := ""
	switch {
	case f.Change == "removed":
		text = f.Path + ": removed\n"
	case f.Before == "":
		text = fmt.Sprintf("%s: new file, %s\n", f.Path, f.After)
	case f.Before != f.After:
		text = fmt.Sprintf("%s: %s -> %s\n", f.Path, f.Before, f.After)
	}
	if f.Stopped != "" {
		text += fmt.Sprintf("%s: %s\n", f.Path, f.Stopped)
	}
	return text + f.Diff
}

// Changing returns the files that are to have new bytes.
func Changing(plans []Plan) (paths []string) {
	for _, p := range plans {
		for _, f := range p.Files {
			if (f.Change == "replaced" || f.Change == "removed") && f.Stopped == "" {
				paths = append(paths, f.Path)
			}
		}
	}
	return paths
}

// Changes returns how many files would change, and whether the content of one is wrong.
func Changes(plans []Plan) (n int, rejected bool) {
	for _, p := range plans {
		for _, f := range p.Files {
			if f.Change != "unchanged" {
				n++
			}
			rejected = rejected || f.Rejected
		}
	}
	return n, rejected
}

// Text returns plans as people read them: the diffs, then what would run and why, and
// in the last line how much that is. It is what patch(1) reads.
func Text(plans []Plan) string {
	var b strings.Builder
	files, runs := 0, 0
	for _, p := range plans {
		for _, f := range p.Files {
			files++
			b.WriteString(f.Text())
		}
		runs += len(p.Runs)
	}
	if runs > 0 {
		b.WriteString("\nwould run, in this order:\n")
	}
	for _, p := range plans {
		for _, r := range p.Runs {
			of := ""
			if p.Bundle != "" {
				of = " of " + p.Bundle
			}
			fmt.Fprintf(&b, "  %s%s: %s (since %s)\n", r.Step, of, r.Command, why(r.Files))
		}
	}
	changes, _ := Changes(plans)
	if b.Len() > 0 {
		b.WriteString("\n")
	}
	fmt.Fprintf(&b, "%d of %s would change; %s would run\n", changes, count(files, "file"), count(runs, "command"))
	return b.String()
}

// why names the first of the files because of which something runs.
func why(files []string) string {
	const most = 3
	more, verb := "", "changes"
	if n := len(files); n > most {
		files, more = files[:most], fmt.Sprintf(" and %d more", n-most)
	}
	if len(files) > 1 {
		verb = "change"
	}
	return strings.Join(files, ", ") + more + " " + verb
}

func count(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}

// Colored returns a text with diffs for a terminal: in color, and with what is not
// printable as Go's escapes.
func Colored(text string) string {
	var b strings.Builder
	for line := range strings.Lines(printable.Text(text)) {
		line = strings.TrimSuffix(line, "\n")
		color := ""
		switch {
		case strings.HasPrefix(line, "--- "), strings.HasPrefix(line, "+++ "):
			color = "1"
		case strings.HasPrefix(line, "@@ "):
			color = "36"
		case strings.HasPrefix(line, "-"):
			color = "31"
		case strings.HasPrefix(line, "+"):
			color = "32"
		}
		if color != "" {
			line = "\x1b[" + color + "m" + line + "\x1b[m"
		}
		b.WriteString(line + "\n")
	}
	return b.String()
}
