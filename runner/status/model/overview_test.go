package model

import (
	"fmt"
	"testing"

	"restencil/runner/event"
	"restencil/watch"
)

// many returns a model with n files of ten keys each, and what applies another answer
// for file i.
func many(n int) (m *Model, change func(i int)) {
	m = New(start)
	var loaded event.Loaded
	var planned event.Planned
	var updates []event.Update
	used := make([][]watch.ID, n)
	for i := range n {
		o := event.Output{Template: fmt.Sprint("t", i), Destination: fmt.Sprint("/etc/", i)}
		loaded.Templates = append(loaded.Templates, o)
		planned.Bundles = append(planned.Bundles, event.Bundle{Name: o.Destination, Members: []event.Output{o}})
		for j := range 10 {
			id := watch.Query{Kind: watch.KVGet, Name: fmt.Sprint("app/", i, "/", j)}.ID()
			used[i] = append(used[i], id)
			updates = append(updates, event.Update{Query: id, Version: 1, Time: start})
		}
	}
	m.Apply(start, loaded)
	m.Apply(start, planned)
	m.Apply(start, event.Watched{Added: allIDs(updates)})
	m.Apply(start, event.Updated{Updates: updates})
	change = func(i int) {
		o := loaded.Templates[i]
		m.Apply(at(1), event.Executed{Template: o.Template, Destination: o.Destination, Used: used[i], Causes: used[i][:1]})
		m.Apply(at(2), stepping(o.Destination, event.Stage))
		m.Apply(at(3), stepping(o.Destination, event.Swap))
		m.Apply(at(4), event.Rendered{Template: o.Template, Destination: o.Destination, Causes: used[i][:1]})
		m.Apply(at(5), event.BundleApplied{Bundle: o.Destination})
	}
	for i := range n {
		change(i)
	}
	return m, change
}

func allIDs(updates []event.Update) (ids []watch.ID) {
	for _, up := range updates {
		ids = append(ids, up.Query)
	}
	return ids
}

func BenchmarkOverview(b *testing.B) {
	m, change := many(1000)
	n := 0
	for b.Loop() {
		for range 10 { // as many as there are in a second
			change(n % 1000)
			n++
		}
		m.Overview(at(30), nil)
	}
}
