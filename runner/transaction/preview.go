package transaction

import (
	"time"

	"restencil/renderer"
	"restencil/runner/event"
	"restencil/runner/process"
)

// A CheckPreview is a check that a change would run. Of is the destination that it is
// about, "" for all.
type CheckPreview struct {
	Of      string
	Command process.Command
}

// Preview returns what c would do, after Stage with Tools.Preview: the files that it
// would put in place, by the one at that place in Files, and which checks would run, in
// order. It fails c where a new file has not its format.
func (c *Change) Preview() (files [][]*renderer.StagedFile, checks []CheckPreview) {
	files = make([][]*renderer.StagedFile, len(c.Files))
	if c.Err != nil {
		return files, nil
	}
	for _, p := range c.placements {
		for i := range c.Files {
			if p.file == &c.Files[i] {
				files[i] = append(files[i], p.staged)
			}
		}
	}
	if !c.ReplacesAny() {
		return files, nil
	}
	if c.Fail(event.Check, c.checkFormats(time.Now())); c.Err != nil {
		return files, nil
	}
	for i, f := range c.Files {
		if !f.Check.None() && c.Replaces(i) && !f.removed() {
			checks = append(checks, CheckPreview{Of: f.Destination, Command: f.Check})
		}
	}
	if !c.Check.None() {
		checks = append(checks, CheckPreview{Command: c.Check})
	}
	return files, checks
}
