package templates

import (
	"time"

	"restencil/runner/event"
	"restencil/template"
)

// A state is a template with what is known of it.
type state struct {
	Template
	index  int                // among the templates
	parsed *template.Template // nil: it could not be parsed

	dirty    bool // to be executed; it stands in Set.dirty
	running  bool // it is being executed
	rendered bool // its destination has been right at some time
	gone     bool // Replace has taken it out of the Set
	reason        // for the next execution

	failure  failure
	waiting  waiting
	coalesce coalesce
}

// A reason is why a template is executed.
type reason struct {
	newData bool
	recheck bool // its destination is to be compared though the output is the same
}

// A failure is why a template failed last.
type failure struct {
	err   error // nil: it did not
	row   int   // how often in a row
	retry time.Time
}

// output returns what t is known by.
func (t *state) output() event.Output {
	return event.Output{Template: t.Name, Destination: t.Destination}
}

// An execution is one of a template. result and err are what came of it.
type execution struct {
	of      *state
	began   reason
	waiting *event.Waiting // only to find where its queries are asked; nil: to have an output

	result template.Result
	err    error
}
