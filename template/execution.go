package template

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"restencil/funcs"
	"restencil/watch"
)

// An execution answers the queries of a template from one snapshot, and records
// queries and effects. It implements funcs.Execution.
type execution struct {
	template *Template
	answers  Answers
	locate   watch.ID // the query that ends the execution, zero for none

	asked   map[watch.ID]asked // the queries in result.Used
	tagged  map[string]int     // as result.Instances, of queries with a tag
	secrets []pattern          // of result.Secrets; nil if not made yet
	printed strings.Builder
	result  Result // without what finish adds
}

// asked is the state of a query.
type asked struct {
	answer  *watch.Answer // nil if there is none yet
	missing bool          // in Result.Missing
	gone    bool          // in Result.Gone
}

// errLocated ends an execution of Locate.
var errLocated = errors.New("located")

const maxQueries = 100_000 // different queries of an execution: only a mistake makes more

// errTooManyQueries ends an execution that makes more.
var errTooManyQueries = fmt.Errorf("it makes more than %d different queries", maxQueries)

// An output is the result of a plugin.
type output struct {
	text string
	err  error
}

func newExecution(t *Template, answers Answers) *execution {
	dot, n := t.options.DotSecrets.With(), len(t.used)
	if n == 0 {
		n = len(t.text.Root.Nodes) / 2 // a long template is probably a list of queries, with text between
	}
	return &execution{
		template: t, answers: answers,
		asked: make(map[watch.ID]asked, n), result: Result{
			Used:    make([]watch.ID, 0, n),
			Secrets: dot, Secret: !dot.None(), Private: !dot.None(),
		},
	}
}

// finish returns the result with the content.
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

// countInstances records the number of instances in the answer to q, if it is a list
// of those.
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
	q = x.placed(q)
	q.Private = x.madeOfSecret(q)
	id := x.identify(q)
	if id == x.locate {
		return watch.Answer{}, false, errLocated
	}
	a, again := x.asked[id]
	if !again {
		serves, store := x.template.host.Serves, q.Store()
		if serves != nil && !serves(store) {
			return watch.Answer{}, false, x.template.host.notServed(store)
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
			if a.answer.Partial != "" {
				x.result.Partial = q.Describe(false) + ": " + a.answer.Partial
			}
		}
		x.asked[id] = a
		x.result.Used = append(x.result.Used, id)
		if q.Kind.Secret() {
			x.result.Secret, x.result.Private = true, x.result.Private || q.Kind != watch.VaultPKI
			if a.answer != nil {
				x.addSecret(a.answer)
			}
		}
	}
	if a.answer == nil {
		return watch.Answer{}, false, nil
	}
	return *a.answer, true, nil
}

// addSecret has what an answer contains masked. A variable that is gone is used as it was.
func (x *execution) addSecret(a *watch.Answer) {
	data := a.Data
	if data == nil {
		data = a.Last
	}
	if data != nil {
		x.result.Secrets.answers, x.secrets = append(x.result.Secrets.answers, watch.Taint(data)), nil
	}
}

// identify returns the ID of q. Most executions make the same queries as the last one,
// and comparing with those is faster than making an ID.
func (x *execution) identify(q watch.Query) watch.ID {
	if n := len(x.result.Used); n < len(x.template.used) && x.template.used[n].Value() == q {
		return x.template.used[n]
	}
	return q.ID()
}

// madeOfSecret reports whether the name of q contains a secret of this execution that
// is not in the template's text.
func (x *execution) madeOfSecret(q watch.Query) bool {
	if x.result.Secrets.None() || strings.Contains(x.template.options.Text, q.Name) {
		return false
	}
	if x.secrets == nil {
		x.secrets = x.result.Secrets.patterns(false)
	}
	return mask(q.Name, "", x.secrets) != q.Name
}

// idOf returns the ID of q as it was asked, perhaps as a private query.
func (x *execution) idOf(q watch.Query) watch.ID {
	q = x.placed(q)
	if _, ok := x.asked[q.ID()]; !ok {
		q.Private = true
	}
	return q.ID()
}

func (x *execution) Incomplete(q watch.Query) {
	id := x.idOf(q)
	if a := x.asked[id]; !a.missing {
		a.missing = true
		x.asked[id] = a
		x.result.Missing = append(x.result.Missing, id)
	}
}

func (x *execution) Gone(q watch.Query) {
	id := x.idOf(q)
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
	o, ok := x.template.outputs[key]
	if !ok && x.locate == (watch.ID{}) {
		o.text, o.err = run()
		x.template.outputs[key] = o
	}
	return o.text, o.err
}
