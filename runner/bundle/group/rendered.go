package group

import "restencil/template"

// A Rendered is what came of executing a template.
type Rendered struct {
	Output *template.Result // nil: it is not complete, or failed

	// SameData tells that there was no new data: an output that differs then differs
	// each time.
	SameData bool

	// Recheck has the destination compared though the output is the same.
	Recheck bool

	// Announce has it told that the destination is right though nothing changes:
	// people were told that the template waits or failed.
	Announce bool
}
