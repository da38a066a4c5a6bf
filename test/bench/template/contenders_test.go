package template

import (
	"errors"
	"testing"

	"github.com/hashicorp/consul-template/dependency"
	theirs "github.com/hashicorp/consul-template/template"

	ours "restencil/template"
	"restencil/watch"
)

// A contender executes a template that is ready, with all answers known, and
// returns its output.
type contender func() ([]byte, error)

// restencil returns our own contender, and the queries that it asks. Its
// answers are looked up as the runner does it.
func restencil(tb testing.TB, c benchCase) (contender, []watch.Query) {
	tb.Helper()
	t, err := ours.Parse(ours.Options{Name: c.name, Text: c.text}, ours.Host{})
	if err != nil {
		tb.Fatal(err)
	}
	known := make(map[watch.Query]watch.State)
	answers := func(q watch.Query) (watch.Answer, bool) {
		st, ok := known[q]
		return st.Answer, ok && st.Known
	}
	for {
		r, err := t.Execute(tb.Context(), answers)
		if err == nil && r.Complete() {
			return func() ([]byte, error) {
				r, err := t.Execute(tb.Context(), answers)
				return r.Output, err
			}, r.Used
		}
		if len(r.Missing) == 0 {
			tb.Fatal(err)
		}
		for _, q := range r.Missing {
			data := c.world.answer(q)
			known[q] = watch.State{Known: true, Answer: watch.Answer{Data: data, Last: data}}
		}
	}
}

// consulTemplate returns the other contender, which knows the answers to these
// queries.
func consulTemplate(tb testing.TB, c benchCase, queries []watch.Query) contender {
	tb.Helper()
	t, err := theirs.NewTemplate(&theirs.NewTemplateInput{Contents: c.text})
	if err != nil {
		tb.Fatal(err)
	}
	brain := theirs.NewBrain()
	for _, q := range queries {
		for _, name := range theirNames(q) {
			brain.ForceSet(name, their(c.world.answer(q)))
		}
	}
	return func() ([]byte, error) {
		r, err := t.Execute(&theirs.ExecuteInput{Brain: brain})
		if err != nil {
			return nil, err
		}
		if r.Missing.Len() > 0 {
			return nil, errors.New("consul-template misses " + r.Missing.String())
		}
		return r.Output, nil
	}
}

// theirNames returns what consul-template calls q. It tells keys that must
// exist from others, and names the states of a service always.
func theirNames(q watch.Query) []string {
	switch {
	case q.Kind == watch.KVGet:
		return []string{q.String(), "kv.block(" + q.Name + ")"}
	case q.Kind == watch.ServiceHealth && q.Filter == "":
		q.Filter = "passing"
	}
	return []string{q.String()}
}

// their returns an answer as consul-template keeps it.
func their(data any) any {
	switch data := data.(type) {
	case nil:
		return nil
	case *watch.KeyPair:
		return data.Value
	case []*watch.KeyPair:
		return convert(data, func(p *watch.KeyPair) dependency.KeyPair { return dependency.KeyPair(*p) })
	case []*watch.CatalogSnippet:
		return convert(data, func(s *watch.CatalogSnippet) dependency.CatalogSnippet {
			return dependency.CatalogSnippet{Name: s.Name, Tags: dependency.ServiceTags(s.Tags)}
		})
	case []*watch.HealthService:
		return convert(data, theirInstance)
	}
	panic("unknown type of answer")
}

func theirInstance(s *watch.HealthService) dependency.HealthService {
	return dependency.HealthService{
		Node: s.Node, NodeAddress: s.NodeAddress, Address: s.Address, ID: s.ID, Name: s.Name,
		Tags: dependency.ServiceTags(s.Tags), ServiceMeta: s.ServiceMeta, Status: s.Status, Port: s.Port,
	}
}

func convert[F, T any](from []*F, one func(*F) T) []*T {
	to := make([]*T, len(from))
	for i, f := range from {
		t := one(f)
		to[i] = &t
	}
	return to
}
