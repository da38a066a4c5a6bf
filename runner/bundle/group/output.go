package group

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"slices"

	"restencil/funcs"
	"restencil/template"
	"restencil/watch"
)

// An Output is what a template has rendered. Nobody changes it.
type Output struct {
	Content []byte
	Files   []funcs.File     // that writeToFile asks for, in order
	Printed string           // by the functions for debugging
	Secrets template.Secrets // that may be in it
	Secret  bool             // a secret was used
	Private bool             // a secret was used that is more than a certificate
	Sum     Sum

	Instances map[string]int // as in template.Result
}

// A Sum tells outputs apart by what they put on disk.
type Sum struct {
	content [sha256.Size]byte
	files   [sha256.Size]byte // zero where there are none
}

// NewOutput returns the output of an execution that is complete.
func NewOutput(r template.Result) *Output {
	o := &Output{
		Content: r.Output,
		Files:   r.Files,
		Printed: r.Printed,
		Secrets: r.Secrets,
		Secret:  slices.ContainsFunc(r.Used, func(q watch.Query) bool { return q.Kind.Secret() }),
		Sum:     Sum{content: sha256.Sum256(r.Output)},

		Instances: r.Instances,
	}
	private := func(q watch.Query) bool { return q.Kind != watch.VaultPKI && q.Kind.Secret() }
	o.Private = slices.ContainsFunc(r.Used, private) || o.Secret && bytes.Contains(r.Output, []byte("PRIVATE KEY"))
	if len(r.Files) > 0 {
		h := sha256.New()
		for _, f := range r.Files {
			fmt.Fprintf(h, "%q", fmt.Sprint(f))
		}
		h.Sum(o.Sum.files[:0])
	}
	return o
}

// A Rendered is what came of executing a template.
type Rendered struct {
	Output *Output // nil: it is not complete, or failed

	// SameData tells that there was no new data: an output that differs then differs
	// each time.
	SameData bool

	// Recheck has the destination compared though the output is the same.
	Recheck bool

	// Announce has it told that the destination is right though nothing changes:
	// people were told that the template waits or failed.
	Announce bool
}
