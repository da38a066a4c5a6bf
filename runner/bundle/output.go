package bundle

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
	Private bool             // what was used is for few eyes; not so a certificate
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
	public := func(q watch.Query) bool { return q.Kind == watch.VaultPKI || !q.Kind.Secret() }
	for _, q := range r.Used {
		o.Private = o.Private || !public(q)
	}
	o.Private = o.Private || o.Secret && bytes.Contains(r.Output, []byte("PRIVATE KEY"))
	if len(r.Files) > 0 {
		h := sha256.New()
		for _, f := range r.Files {
			fmt.Fprintf(h, "%q", fmt.Sprint(f))
		}
		h.Sum(o.Sum.files[:0])
	}
	return o
}

// An Offer is what the runner has for a bundle.
type Offer struct {
	// Pass numbers the rounds of the runner's loop, and is never 0. A report
	// says up to which the bundle has done what there was to do.
	Pass int

	// Outputs are the newest of the members that have news, by the member's
	// place in the spec.
	Outputs map[int]Rendered

	// Outstanding tells that a member that has no output yet waits for answers
	// that are on their way. The first run of the command waits for it.
	Outstanding bool

	ticket *Ticket // with Each
}

// A Rendered is what came of executing a template.
type Rendered struct {
	Output *Output // nil: it is not complete, or failed

	// Unfed tells that there was no new data: an output that differs then is one
	// that differs each time.
	Unfed bool

	// Recheck has the destination compared though the output is the same.
	Recheck bool

	// Told tells that people were told the template waits.
	Told bool
}

// merge returns o with what a newer offer has besides.
func (o Offer) merge(newer Offer) Offer {
	for i, r := range newer.Outputs {
		if old, ok := o.Outputs[i]; ok {
			r.Unfed = r.Unfed && old.Unfed
			r.Recheck = r.Recheck || old.Recheck
			r.Told = r.Told || old.Told
		}
		if o.Outputs == nil {
			o.Outputs = make(map[int]Rendered)
		}
		o.Outputs[i] = r
	}
	o.Pass, o.Outstanding = newer.Pass, newer.Outstanding
	if o.ticket == nil {
		o.ticket = newer.ticket
	} else {
		newer.ticket.Release()
	}
	return o
}
