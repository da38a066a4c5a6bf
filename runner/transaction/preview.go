package transaction

import (
	"time"

	"restencil/renderer"
	"restencil/runner/event"
)

// Preview returns the files that c would put in place, after Stage with Tools.Preview, by
// the one at that place in Files. It fails c where a new file has not its format.
func (c *Change) Preview() [][]*renderer.StagedFile {
	files := make([][]*renderer.StagedFile, len(c.Files))
	if c.Err != nil {
		return files
	}
	for _, p := range c.placements {
		for i := range c.Files {
			if p.file == &c.Files[i] {
				files[i] = append(files[i], p.staged)
			}
		}
	}
	if c.ReplacesAny() {
		c.Fail(event.Check, c.checkFormats(time.Now()))
	}
	return files
}

// Checked reports whether the file at i is to pass its own check: it has one, and new bytes.
func (c *Change) Checked(i int) bool {
	f := &c.Files[i]
	return !f.Check.None() && c.Replaces(i) && !f.removed()
}
