package template

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"restencil/funcs"
	"restencil/watch"
)

// An execution answers the functions of a template from one snapshot, and
// records what they ask and what they want done. It implements funcs.Execution.
type execution struct {
	template *Template
	answers  Answers
	locate   watch.ID // where it is asked the execution ends; zero: nowhere

	asked   map[watch.ID]asked // those in result.Used
	tagged  map[string]int     // as result.Instances, of services that have a tag
	secrets []pattern          // of result.Secrets, long enough to tell; nil: not made yet
	printed strings.Builder
	result  Result // but for what finish adds
}

// asked is what an execution heard of a query.
type asked struct {
	answer  *watch.Answer // nil: there is none yet
	missing bool          // it is in Result.Missing
	gone    bool          // it is in Result.Gone
}

// errLocated ends an execution of Locate where the query is asked.
var errLocated = errors.New("located")

// maxQueries is how many different queries an execution may make: far beyond what
// any configuration file needs, so that only a mistake reaches it.
const maxQueries = 100_000

// errTooManyQueries ends an execution that makes more.
var errTooManyQueries = fmt.Errorf("it makes more than %d different queries", maxQueries)

// A said is what a plugin said.
type said struct {
	out string
	err error
}

func newExecution(t *Template, answers Answers) *execution {
	return &execution{
		template: t, answers: answers,
		asked: make(map[watch.ID]asked, len(t.used)), result: Result{Used: make([]watch.ID, 0, len(t.used))},
	}
}

func (x *execution) finish(content []byte) Result {
	r := x.result
	r.Content, r.Printed = content, x.printed.String()
	for name, n := range x.tagged {
		if _, known := r.Instances[name]; !known {
			r.Instances[name] = n
		}
	}
	r.Private = r.Private || r.Secret && bytes.Contains(content, []byte("PRIVATE KEY"))
	return r
}

// countInstances notes how many instances of a service q found, if that is what
// data holds.
func (x *execution) countInstances(q watch.Query, data any) {
	var n int
	switch data := data.(type) {
	case []*watch.HealthService:
		n = len(data)
	case []*watch.NomadServiceInstance:
		n = len(data)
	default:
		return
	}
	if x.tagged == nil {
		x.result.Instances, x.tagged = make(map[string]int), make(map[string]int)
	}
	count := x.result.Instances
	if q.Tag != "" {
		count = x.tagged
	}
	if least, known := count[q.Name]; !known || n < least {
		count[q.Name] = n
	}
}

func (x *execution) Ask(q watch.Query) (watch.Answer, bool, error) {
	q.Private = x.madeOfSecret(q)
	id := x.identify(q)
	if id == x.locate {
		return watch.Answer{}, false, errLocated
	}
	a, again := x.asked[id]
	if !again {
		serves, store := x.template.host.Serves, q.Store()
		if serves != nil && !serves(store) {
			return watch.Answer{}, false, fmt.Errorf("%s is %w", store, watch.ErrNotConfigured)
		}
		if len(x.result.Used) == maxQueries {
			return watch.Answer{}, false, errTooManyQueries
		}
		a.answer = x.answers(id)
		if a.answer == nil {
			a.missing = true
			x.result.Missing = append(x.result.Missing, id)
		} else {
			x.countInstances(q, a.answer.Data)
		}
		x.asked[id] = a
		x.result.Used = append(x.result.Used, id)
		if q.Kind.Secret() {
			x.result.Secret, x.result.Private = true, x.result.Private || q.Kind != watch.VaultPKI
			if a.answer != nil && a.answer.Data != nil {
				x.result.Secrets.answers, x.secrets = append(x.result.Secrets.answers, watch.Taint(a.answer.Data)), nil
			}
		}
	}
	if a.answer == nil {
		return watch.Answer{}, false, nil
	}
	return *a.answer, true, nil
}

// identify returns the ID of q. Most executions ask the same in the same order as the
// last one, and comparing with that is faster than making an ID.
func (x *execution) identify(q watch.Query) watch.ID {
	if n := len(x.result.Used); n < len(x.template.used) && x.template.used[n].Value() == q {
		return x.template.used[n]
	}
	return q.ID()
}

// madeOfSecret tells whether the name of q has a secret of this execution in it that
// the template does not say itself.
func (x *execution) madeOfSecret(q watch.Query) bool {
	if x.result.Secrets.None() || strings.Contains(x.template.options.Text, q.Name) {
		return false
	}
	if x.secrets == nil {
		x.secrets = x.result.Secrets.patterns(false)
	}
	return mask(q.Name, "", x.secrets) != q.Name
}

// heard returns the query that was asked, which may be a private one.
func (x *execution) heard(q watch.Query) watch.ID {
	if _, ok := x.asked[q.ID()]; !ok {
		q.Private = true
	}
	return q.ID()
}

func (x *execution) Incomplete(q watch.Query) { x.incomplete(x.heard(q)) }

func (x *execution) incomplete(id watch.ID) {
	if a := x.asked[id]; !a.missing {
		a.missing = true
		x.asked[id] = a
		x.result.Missing = append(x.result.Missing, id)
	}
}

func (x *execution) Gone(q watch.Query) {
	id := x.heard(q)
	if a := x.asked[id]; !a.gone {
		a.gone = true
		x.asked[id] = a
		x.result.Gone = append(x.result.Gone, id)
	}
}

func (x *execution) Print(text string) { x.printed.WriteString(text) }

func (x *execution) WriteFile(f funcs.File) { x.result.Files = append(x.result.Files, f) }

// Once implements funcs.Execution. Locate runs nothing.
func (x *execution) Once(key string, run func() (string, error)) (string, error) {
	s, ok := x.template.said[key]
	if !ok && x.locate == (watch.ID{}) {
		s.out, s.err = run()
		x.template.said[key] = s
	}
	return s.out, s.err
}
