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
	memo   map[string]memo        // what plugins said, since an output was complete

	// Of the execution under way.
	answers Answers
	used    []watch.Query
	missing []watch.Query
	seen    map[watch.Query]bool // those in used; true: it is in missing, too
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
	n := len(r.used) // mostly it asks the same again
	r.answers = answers
	r.used, r.missing = make([]watch.Query, 0, n), nil
	r.seen = make(map[watch.Query]bool, n)
	r.files = nil
	r.printed.Reset()
	r.trapped = false
}

func (r *recorder) result() Result {
	return Result{
		Used:    r.used,
		Missing: r.missing,
		Files:   r.files,
		Printed: r.printed.String(),
		Secrets: r.secrets(),
	}
}

// Ask implements funcs.Asker.
func (r *recorder) Ask(q watch.Query) (watch.Answer, bool, error) {
	if r.trap != nil && *r.trap == q {
		r.trapped = true
		return watch.Answer{}, false, errTrapped
	}
	if _, again := r.seen[q]; !again {
		if s := q.Store(); r.serves != nil && !r.serves(s) {
			return watch.Answer{}, false, fmt.Errorf("%s is %w", s, watch.ErrNotConfigured)
		}
		r.used = append(r.used, q)
		r.seen[q] = false
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
		r.memo[key] = m
	}
	return m.out, m.err
}
