package template

import (
	"slices"

	"restencil/watch"
)

// A Graph joins templates and the queries that they use, both ways. A T stands
// for a template. It is plain data: no lock, no goroutine, no I/O. The zero Graph
// is empty and ready.
type Graph[T comparable] struct {
	uses  map[T][]watch.Query
	users map[watch.ID][]T
}

// Use says that the template now uses just these queries, each named once; no
// queries at all take it out of the graph. It returns those that nobody used
// before, and those that nobody uses any more. The graph keeps the slice, which
// nobody may change from then on.
func (g *Graph[T]) Use(template T, queries []watch.Query) (added, dropped []watch.Query) {
	old := g.uses[template]
	if slices.Equal(old, queries) {
		return nil, nil
	}
	if len(g.users) == 0 {
		g.uses = make(map[T][]watch.Query)
		g.users = make(map[watch.ID][]T, len(queries))
	}
	if len(old) == 0 { // most are likely to be new
		added = make([]watch.Query, 0, len(queries))
	}
	had := make(map[watch.Query]bool, len(old))
	for _, q := range old {
		had[q] = true
	}
	for _, q := range queries {
		if had[q] {
			delete(had, q)
			continue
		}
		id := q.ID()
		if len(g.users[id]) == 0 {
			added = append(added, q)
		}
		g.users[id] = append(g.users[id], template)
	}
	for _, q := range old {
		if !had[q] {
			continue
		}
		id := q.ID()
		g.users[id] = slices.DeleteFunc(g.users[id], func(t T) bool { return t == template })
		if len(g.users[id]) == 0 {
			delete(g.users, id)
			dropped = append(dropped, q)
		}
	}
	g.uses[template] = queries
	if len(queries) == 0 {
		delete(g.uses, template)
	}
	return added, dropped
}

// Users returns the templates that use q, in no certain order. The caller
// must not change the slice, nor keep it past the next Use.
func (g *Graph[T]) Users(q watch.Query) []T { return g.users[q.ID()] }

// Uses returns the queries that the template uses, in the order they were
// given. The caller must not change the slice.
func (g *Graph[T]) Uses(template T) []watch.Query { return g.uses[template] }

// Keep returns what to watch after an execution that ended in an error: the
// queries it asked before that, and those of the execution before, which it
// may not have come to.
func Keep(before, now []watch.Query) []watch.Query {
	if slices.Equal(before, now) {
		return now
	}
	seen := make(map[watch.Query]bool, len(now))
	for _, q := range now {
		seen[q] = true
	}
	all := slices.Clone(now)
	for _, q := range before {
		if !seen[q] {
			all = append(all, q)
		}
	}
	return all
}
