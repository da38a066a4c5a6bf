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

	asked map[watch.Query]*asked // in this execution and those before
	turn  int                    // which execution it is

	// Of the execution under way.
	answers Answers
	first   asked  // stands before the query that is asked first
	last    *asked // the query that was asked last, or &first
	used    useList
	hidden  []watch.Query // the used ones whose answers are secret
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

// An asked is what is kept of a query that was asked. One execution asks as the
// one before, nearly always, so that following next spares most searches.
type asked struct {
	query   watch.Query
	refused error  // why it cannot be asked
	secret  bool   // its answers are
	next    *asked // what was asked after it, the last time
	turn    int    // of the execution that used it last
	missing bool   // in that execution
}

// errTrapped ends an execution of Locate where the query is asked.
var errTrapped = errors.New("located")

func (r *recorder) begin(answers Answers) {
	r.answers = answers
	if r.asked == nil || len(r.asked) > 2*r.used.n+16 { // what is not asked any more takes memory
		r.asked = make(map[watch.Query]*asked)
		r.first.next = nil
	}
	r.turn++
	r.last = &r.first
	r.used.begin()
	r.hidden = nil
	r.missing = nil
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
		Used:    r.used.queries(),
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
	e := r.entry(q)
	if e.refused != nil {
		return watch.Answer{}, false, e.refused
	}
	if e.turn != r.turn {
		e.turn, e.missing = r.turn, false
		r.used.add(q)
		if e.secret {
			r.hidden = append(r.hidden, q)
		}
	}
	a, known := r.answers(q)
	if !known {
		r.miss(e)
	}
	return a, known, nil
}

// entry returns what is kept of a query that is asked now.
func (r *recorder) entry(q watch.Query) *asked {
	e := r.last.next
	if e == nil || e.query != q {
		e = r.asked[q]
		if e == nil {
			e = &asked{query: q, refused: r.refuse(q.Store()), secret: q.Kind.Secret()}
			r.asked[q] = e
		}
		r.last.next = e
	}
	if e.refused != nil {
		e.refused = r.refuse(q.Store()) // the store may have been set up since
	}
	r.last = e
	return e
}

func (r *recorder) refuse(s watch.Store) error {
	if r.serves == nil || r.serves(s) {
		return nil
	}
	return fmt.Errorf("%s is %w", s, watch.ErrNotConfigured)
}

// Incomplete implements funcs.Asker.
func (r *recorder) Incomplete(q watch.Query) { r.miss(r.asked[q]) }

func (r *recorder) miss(e *asked) {
	if !e.missing {
		e.missing = true
		r.missing = append(r.missing, e.query)
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
