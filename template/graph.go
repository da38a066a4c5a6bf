package template

import (
	"slices"

	"restencil/watch"
)

// A Graph records which templates, each identified by a T, use which queries. It is
// not safe for concurrent use. The zero Graph is empty and ready for use.
type Graph[T comparable] struct {
	uses  map[T][]watch.ID
	users map[watch.ID][]T
}

// Use sets the queries, without duplicates, that the template uses; none removes the
// template. It returns the queries that no template used before, and those that no
// template uses any more. The graph keeps the slice, which must not be changed.
func (g *Graph[T]) Use(template T, queries []watch.ID) (added, dropped []watch.ID) {
	old := g.uses[template]
	if slices.Equal(old, queries) {
		return nil, nil
	}
	if len(g.users) == 0 {
		g.uses = make(map[T][]watch.ID)
		g.users = make(map[watch.ID][]T, len(queries))
	}
	if len(old) == 0 { // most queries are probably new
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
		users := g.users[q]
		if len(users) == 0 {
			added = append(added, q)
		}
		g.users[q] = append(users, template)
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

// Users returns the templates that use q, in any order. The slice is valid until the
// next Use, and must not be changed.
func (g *Graph[T]) Users(q watch.ID) []T { return g.users[q] }

// Uses returns the queries that the template uses, as passed to Use.
func (g *Graph[T]) Uses(template T) []watch.ID { return g.uses[template] }

// Keep returns the queries to watch after an execution that failed: those it asked
// (now), and those of the previous execution (before), which it may not have reached.
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
