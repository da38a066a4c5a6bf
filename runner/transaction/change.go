package transaction

import (
	"os"
	"slices"

	"restencil/funcs"
	"restencil/renderer"
	"restencil/runner/event"
	"restencil/runner/format"
	"restencil/runner/process"
)

// A Change is what some files are to be that go in place all or none.
type Change struct {
	Bundle string // what people call it
	Files  []File

	// Check must succeed before they go in place, unless none has new bytes. A
	// zero Timeout is 30 s here, and in the check of a file.
	Check process.Command

	// Keep keeps the old files until Discard, so that PutBack can put them back.
	Keep bool

	// Step is the one that failed, Err why, and Output the end of what the
	// command printed that failed. Nil Err: none has failed.
	Step   event.Step
	Err    error
	Output string

	placed []*placed // in the order in which they are swapped
}

// A File is the file of a template, and those that it writes besides.
type File struct {
	Template    string // its name
	Destination string

	// Own is what the destination is to be. Nil: it stays as it is.
	Own *renderer.File

	// Extras are what writeToFile asks for. They go in place before Own.
	Extras []funcs.File

	Format format.Format   // what the content of Own must be, "": anything
	Check  process.Command // that must succeed on it
	Secret bool            // it was made of a secret: messages must not quote it
}

// A placed is a path that a change is about.
type placed struct {
	file   *File // whose, one of the change
	own    bool  // it is Own; else one of Extras
	want   renderer.File
	staged *renderer.Staged // nil: it could not be staged
	err    error            // why
	result renderer.Result
}

// Fail notes that a step failed. The first counts; nil is no failure.
func (c *Change) Fail(step event.Step, err error) {
	if c.Err == nil && err != nil {
		c.Step, c.Err = step, err
	}
}

// First tells, before the swap, whether no destination exists, so that there is
// nothing to go back to.
func (c *Change) First() bool {
	return !slices.ContainsFunc(c.Files, func(f File) bool {
		_, err := os.Lstat(f.Destination)
		return err == nil && renderer.StreamOf(f.Destination) == renderer.NoStream
	})
}

// Has tells whether the swap has, or had, this to do for a file.
func (c *Change) Has(what renderer.Change) bool {
	for _, p := range c.placed {
		if p.staged != nil && p.staged.Change() == what {
			return true
		}
	}
	return false
}

// Replaces tells whether the file at i, or one that its template writes besides,
// has new bytes.
func (c *Change) Replaces(i int) bool {
	for _, p := range c.placed {
		if p.file == &c.Files[i] && p.staged != nil && p.staged.Change() == renderer.Replaced {
			return true
		}
	}
	return false
}

// Replaced are the destinations of the files that have new bytes.
func (c *Change) Replaced() []string {
	var paths []string
	for i, f := range c.Files {
		if c.Replaces(i) {
			paths = append(paths, f.Destination)
		}
	}
	return paths
}

// Result returns what the swap did to the Own of the file at i.
func (c *Change) Result(i int) renderer.Result {
	for _, p := range c.placed {
		if p.file == &c.Files[i] && p.own {
			return p.result
		}
	}
	return renderer.Result{}
}

// staged returns what is staged of c.
func (c *Change) staged() []*renderer.Staged {
	all := make([]*renderer.Staged, len(c.placed))
	for i, p := range c.placed {
		all[i] = p.staged
	}
	return all
}
