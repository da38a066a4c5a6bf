package transaction

import (
	"time"

	"restencil/renderer"
	"restencil/runner/event"
	"restencil/runner/process"
)

// A Preview is what a change would do to a path.
type Preview struct {
	Path          string
	Content       []byte
	Change        renderer.Change
	Removes       bool
	Before, After string // as renderer.StagedFile.Attributes has it
}

// A CheckPreview is a check that a change would run. Of is the destination that it is
// about, "" for all.
type CheckPreview struct {
	Of      string
	Command process.Command
}

// Preview returns what c would do, after Stage with Tools.Preview: what to each path,
// by the file at that place in Files, and which checks would run, in order. It fails c
// where a new file has not its format.
func (c *Change) Preview() (paths [][]Preview, checks []CheckPreview) {
	paths = make([][]Preview, len(c.Files))
	if c.Err != nil {
		return paths, nil
	}
	for _, p := range c.placements {
		one := Preview{Path: p.want.Path, Content: p.want.Content, Change: p.staged.Change(), Removes: p.staged.Removes()}
		one.Before, one.After = p.staged.Attributes()
		for i := range c.Files {
			if p.file == &c.Files[i] {
				paths[i] = append(paths[i], one)
			}
		}
	}
	if !c.ReplacesAny() {
		return paths, nil
	}
	if c.Fail(event.Check, c.checkFormats(time.Now())); c.Err != nil {
		return paths, nil
	}
	for i, f := range c.Files {
		if !f.Check.None() && c.Replaces(i) && !f.removed() {
			checks = append(checks, CheckPreview{Of: f.Destination, Command: f.Check})
		}
	}
	if !c.Check.None() {
		checks = append(checks, CheckPreview{Command: c.Check})
	}
	return paths, checks
}
