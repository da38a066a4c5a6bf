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
	locate   watch.Query // where it is asked the execution ends; zero: nowhere

	asked   map[watch.Query]*asked // those in result.Used
	tagged  map[string]int         // as result.Instances, of services that have a tag
	printed strings.Builder
	result  Result // but for what finish adds
}

// asked is what an execution heard of a query: whatever comes in meanwhile, it
// hears the same each time.
type asked struct {
	answer  watch.Answer
	known   bool
	missing bool // it is in Result.Missing
	gone    bool // it is in Result.Gone
}

// errLocated ends an execution of Locate where the query is asked.
var errLocated = errors.New("located")

// A said is what a plugin said.
type said struct {
	out string
	err error
}

func newExecution(t *Template, answers Answers) *execution {
	return &execution{
		template: t, answers: answers,
		asked: make(map[watch.Query]*asked, t.uses), result: Result{Used: make([]watch.Query, 0, t.uses)},
	}
}

// finish returns the result of an execution whose output is content.
func (x *execution) finish(content []byte) Result {
	r := x.result
	r.Content, r.Printed = content, x.printed.String()
	for name, n := range x.tagged {
		if _, known := r.Instances[name]; !known {
			r.Instances[name] = n
		}
	}
	for _, q := range r.Used {
		if !q.Kind.Secret() {
			continue
		}
		r.Secret, r.Private = true, r.Private || q.Kind != watch.VaultPKI
		if a := x.asked[q]; a.known && a.answer.Data != nil {
			r.Secrets.answers = append(r.Secrets.answers, watch.Taint(a.answer.Data))
		}
	}
	r.Private = r.Private || r.Secret && bytes.Contains(content, []byte("PRIVATE KEY"))
	return r
}

// countInstances notes that q found n instances of a service.
func (x *execution) countInstances(q watch.Query, n int) {
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

// Ask implements funcs.Execution.
func (x *execution) Ask(q watch.Query) (watch.Answer, bool, error) {
	if q == x.locate {
		return watch.Answer{}, false, errLocated
	}
	a := x.asked[q]
	if a == nil {
		serves, store := x.template.host.Serves, q.Store()
		if serves != nil && !serves(store) {
			return watch.Answer{}, false, fmt.Errorf("%s is %w", store, watch.ErrNotConfigured)
		}
		a = new(asked)
		a.answer, a.known = x.answers(q)
		x.result.Used = append(x.result.Used, q)
		x.asked[q] = a
		switch data := a.answer.Data.(type) {
		case []*watch.HealthService:
			x.countInstances(q, len(data))
		case []*watch.NomadServiceInstance:
			x.countInstances(q, len(data))
		}
	}
	if !a.known {
		x.Incomplete(q)
	}
	return a.answer, a.known, nil
}

// Incomplete implements funcs.Execution.
func (x *execution) Incomplete(q watch.Query) {
	if a := x.asked[q]; !a.missing {
		a.missing = true
		x.result.Missing = append(x.result.Missing, q)
	}
}

// Gone implements funcs.Execution.
func (x *execution) Gone(q watch.Query) {
	if a := x.asked[q]; !a.gone {
		a.gone = true
		x.result.Gone = append(x.result.Gone, q)
	}
}

// Print implements funcs.Execution.
func (x *execution) Print(text string) { x.printed.WriteString(text) }

// WriteFile implements funcs.Execution.
func (x *execution) WriteFile(f funcs.File) { x.result.Files = append(x.result.Files, f) }

// Once implements funcs.Execution. Locate runs nothing.
func (x *execution) Once(key string, run func() (string, error)) (string, error) {
	s, ok := x.template.said[key]
	if !ok && x.locate == (watch.Query{}) {
		s.out, s.err = run()
		x.template.said[key] = s
	}
	return s.out, s.err
}
