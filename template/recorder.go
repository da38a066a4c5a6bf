package template

import (
	"errors"
	"fmt"
	"strings"

	"restencil/funcs"
	"restencil/watch"
)

// A recorder stands between the functions of one template and the world: it
// answers from the snapshot of the execution under way, and writes down what
// was asked and what is to be done. It implements funcs.Asker and
// funcs.Effects.
type recorder struct {
	serves func(watch.Store) bool // nil: all
	memo   map[string]memo        // what plugins said, since the last complete execution
	stale  bool                   // memo belongs to an output that is complete

	// Of the execution under way.
	answers Answers
	used    []watch.Query
	seen    map[watch.Query]bool // the queries in used; true: it is missing
	missing []watch.Query
	files   []funcs.File
	printed strings.Builder
	trap    *watch.Query // the query that Locate looks for
	trapped bool
}

type memo struct {
	out string
	err error
}

// errTrapped ends an execution of Locate where the query is asked.
var errTrapped = errors.New("located")

func (r *recorder) begin(answers Answers) {
	r.answers = answers
	r.used = make([]watch.Query, 0, len(r.used))
	r.missing = nil
	if r.seen == nil {
		r.seen = make(map[watch.Query]bool)
	}
	clear(r.seen)
	r.files = nil
	r.printed.Reset()
	r.trapped = false
	if r.stale {
		clear(r.memo)
		r.stale = false
	}
}

// finished notes the end of an execution without an error. What plugins said
// holds until an output is complete; the next execution asks them anew.
func (r *recorder) finished(complete bool) { r.stale = complete }

func (r *recorder) result() Result {
	return Result{
		Used:    r.used,
		Missing: r.missing,
		Files:   r.files,
		Printed: r.printed.String(),
	}
}

// Ask implements funcs.Asker.
func (r *recorder) Ask(q watch.Query) (watch.Answer, bool, error) {
	if r.trap != nil && *r.trap == q {
		r.trapped = true
		return watch.Answer{}, false, errTrapped
	}
	if r.serves != nil && !r.serves(q.Store()) {
		return watch.Answer{}, false, fmt.Errorf("%s is %w", q.Store(), watch.ErrNotConfigured)
	}
	if _, ok := r.seen[q]; !ok {
		r.seen[q] = false
		r.used = append(r.used, q)
	}
	a, known := r.answers(q)
	if !known {
		r.Incomplete(q)
	}
	return a, known, nil
}

// Incomplete implements funcs.Asker.
func (r *recorder) Incomplete(q watch.Query) {
	if !r.seen[q] {
		r.seen[q] = true
		r.missing = append(r.missing, q)
	}
}

// Print implements funcs.Effects.
func (r *recorder) Print(text string) { r.printed.WriteString(text) }

// WriteFile implements funcs.Effects.
func (r *recorder) WriteFile(f funcs.File) { r.files = append(r.files, f) }

// Once implements funcs.Effects. While Locate looks, nothing is run.
func (r *recorder) Once(key string, run func() (string, error)) (string, error) {
	m, ok := r.memo[key]
	if !ok && r.trap == nil {
		m.out, m.err = run()
		r.memo[strings.Clone(key)] = m
	}
	return m.out, m.err
}
