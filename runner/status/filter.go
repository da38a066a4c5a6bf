package status

import (
	"slices"
	"strings"
)

// Find returns a bundle by its name, or by that of one of its files; nil where
// there is none.
func (s Status) Find(name string) *Bundle {
	at := slices.IndexFunc(s.Bundles, func(b Bundle) bool { return b.Name == name })
	if at < 0 {
		return s.FindFile(func(t Template) bool { return t.Destination == name || t.Name == name })
	}
	return &s.Bundles[at]
}

// FindFile returns the bundle with a template that is the one; nil where there is none.
func (s Status) FindFile(is func(Template) bool) *Bundle {
	at := slices.IndexFunc(s.Bundles, func(b Bundle) bool { return slices.ContainsFunc(b.Templates, is) })
	if at < 0 {
		return nil
	}
	return &s.Bundles[at]
}

// Only returns the part of s that is about one bundle.
func (s Status) Only(b Bundle) Status {
	uses := make(map[string]bool)
	for _, t := range b.Templates {
		for _, q := range t.Queries {
			uses[q] = true
		}
	}
	s.Bundles = []Bundle{b}
	s.Queries = slices.DeleteFunc(slices.Clone(s.Queries), func(q Query) bool { return !uses[q.Query] })
	s.Stores = slices.DeleteFunc(slices.Clone(s.Stores), func(st Store) bool {
		return !slices.ContainsFunc(s.Queries, func(q Query) bool { return q.Store == st.Name })
	})
	s.Leases = slices.DeleteFunc(slices.Clone(s.Leases), func(l Lease) bool { return !uses[l.Query] })
	s.Changes = slices.DeleteFunc(slices.Clone(s.Changes), func(c Change) bool { return c.Bundle != b.Name })
	s.Problems = slices.DeleteFunc(slices.Clone(s.Problems), func(p Problem) bool { return p.Bundle != b.Name })
	s.Well, s.Child = len(s.Problems) == 0, nil
	return s
}

// About returns the part of s that is about one query.
func (s Status) About(q Query) Status {
	s.Queries = []Query{q}
	s.Bundles = slices.DeleteFunc(slices.Clone(s.Bundles), func(b Bundle) bool {
		return !slices.ContainsFunc(b.Templates, func(t Template) bool { return slices.Contains(t.Queries, q.Query) })
	})
	s.Stores = slices.DeleteFunc(slices.Clone(s.Stores), func(st Store) bool { return st.Name != q.Store })
	s.Leases = slices.DeleteFunc(slices.Clone(s.Leases), func(l Lease) bool { return l.Query != q.Query })
	s.Changes, s.Problems, s.Child = []Change{}, []Problem{}, nil
	s.Well = q.State == "current"
	return s
}

// FindQueries returns the queries that a text means: by their identity, by their
// plain words, or by the name of what they ask for.
func (s Status) FindQueries(text string) (found []Query) {
	for _, q := range s.Queries {
		if q.Query == text || q.Name == text || strings.HasSuffix(q.Name, " "+text) {
			found = append(found, q)
		}
	}
	return found
}
