package template

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"restencil/watch"
)

func keys(names ...string) []watch.ID {
	var qs []watch.ID
	for _, n := range names {
		qs = append(qs, watch.Query{Kind: watch.KVGet, Name: n}.ID())
	}
	return qs
}

func names(queries []watch.ID) []string {
	var all []string
	for _, q := range queries {
		all = append(all, q.Value().Name)
	}
	return all
}

func TestGraph(t *testing.T) {
	var g Graph[int]
	steps := []struct {
		template       int
		uses           []watch.ID
		added, dropped []watch.ID
	}{
		{1, keys("a", "b"), keys("a", "b"), nil},
		{2, keys("b", "c"), keys("c"), nil},
		{1, keys("a", "b"), nil, nil},
		{1, keys("d", "a"), keys("d"), nil}, // b is still used by 2
		{2, keys("c"), nil, keys("b")},
		{3, nil, nil, nil},
		{1, nil, nil, keys("d", "a")},
		{2, nil, nil, keys("c")},
	}
	for i, s := range steps {
		added, dropped := g.Use(s.template, s.uses)
		if !slices.Equal(added, s.added) {
			t.Errorf("step %d: added %v, want %v", i, names(added), names(s.added))
		}
		if !slices.Equal(dropped, s.dropped) {
			t.Errorf("step %d: dropped %v, want %v", i, names(dropped), names(s.dropped))
		}
	}
	if len(g.users) != 0 || len(g.uses) != 0 {
		t.Errorf("the graph is not empty at the end: %d queries, %d templates", len(g.users), len(g.uses))
	}
}

func TestGraphUsers(t *testing.T) {
	var g Graph[int]
	g.Use(1, keys("a", "b"))
	g.Use(2, keys("b"))
	if got := g.Users(keys("b")[0]); !slices.Equal(got, []int{1, 2}) {
		t.Errorf("Users(b) = %v, want 1 and 2", got)
	}
	if got := g.Users(keys("nobody's")[0]); got != nil {
		t.Errorf("Users of an unused query = %v", got)
	}
}

// Whatever templates do, what was added less what was dropped is just what
// somebody uses.
func TestGraphKeepsAccount(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	names := []string{"a", "b", "c", "d", "e", "f"}
	var g Graph[int]
	uses := make(map[int][]watch.ID)
	watched := make(map[watch.ID]bool)
	for range 2000 {
		id := rng.IntN(4)
		rng.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
		uses[id] = keys(names[:rng.IntN(len(names)+1)]...)
		added, dropped := g.Use(id, uses[id])
		for _, q := range added {
			if watched[q] {
				t.Fatalf("%v added twice", q.Value())
			}
			watched[q] = true
		}
		for _, q := range dropped {
			if !watched[q] {
				t.Fatalf("%v dropped, but it was not watched", q.Value())
			}
			delete(watched, q)
		}
		want := make(map[watch.ID]bool)
		for _, qs := range uses {
			for _, q := range qs {
				want[q] = true
			}
		}
		if !maps.Equal(want, watched) {
			t.Fatalf("%d queries are used, %d watched", len(want), len(watched))
		}
	}
}

func TestKeep(t *testing.T) {
	got := Keep(keys("a", "b", "c"), keys("b", "x"))
	if diff := cmp.Diff([]string{"b", "x", "a", "c"}, names(got)); diff != "" {
		t.Error(diff)
	}
}
