package template

import (
	"slices"

	"restencil/watch"
)

// A Graph joins templates and the queries that they use, both ways. A T stands
// for a template. It is plain data: no lock, no goroutine, no I/O. The zero Graph
// is empty and ready.
type Graph[T comparable] struct {
	uses  map[T][]watch.ID
	users map[watch.ID][]T
}

// Use says that the template now uses just these queries, each named once; no
// queries at all take it out of the graph. It returns those that nobody used
// before, and those that nobody uses any more. The graph keeps the slice, which
// nobody may change from then on.
func (g *Graph[T]) Use(template T, queries []watch.ID) (added, dropped []watch.ID) {
	old := g.uses[template]
	if slices.Equal(old, queries) {
		return nil, nil
	}
	if len(g.users) == 0 {
		g.uses = make(map[T][]watch.ID)
		g.users = make(map[watch.ID][]T, len(queries))
	}
	if len(old) == 0 { // most are likely to be new
		added = make([]watch.ID, 0, len(queries))
	}
	had := make(map[watch.ID]bool, len(old))
	for _, q := range old {
		had[q] = true
	}
	for _, q := range queries {
		if had[q] {
			delete(had, q)
			continue
		}
		if len(g.users[q]) == 0 {
			added = append(added, q)
		}
		g.users[q] = append(g.users[q], template)
	}
	for _, q := range old {
		if !had[q] {
			continue
		}
		g.users[q] = slices.DeleteFunc(g.users[q], func(t T) bool { return t == template })
		if len(g.users[q]) == 0 {
			delete(g.users, q)
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
func (g *Graph[T]) Users(q watch.ID) []T { return g.users[q] }

// Uses returns the queries that the template uses, in the order they were
// given. The caller must not change the slice.
func (g *Graph[T]) Uses(template T) []watch.ID { return g.uses[template] }

// Keep returns what to watch after an execution that ended in an error: the
// queries it asked before that, and those of the execution before, which it
// may not have come to.
func Keep(before, now []watch.ID) []watch.ID {
	if slices.Equal(before, now) {
		return now
	}
	seen := make(map[watch.ID]bool, len(now))
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
