package template

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"restencil/watch"
)

func keys(names ...string) []watch.Query {
	var qs []watch.Query
	for _, n := range names {
		qs = append(qs, watch.Query{Kind: watch.KVGet, Name: n})
	}
	return qs
}

func TestGraph(t *testing.T) {
	var g Graph[int]
	steps := []struct {
		template       int
		uses           []watch.Query
		added, dropped []watch.Query
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
		if diff := cmp.Diff(s.added, added); diff != "" {
			t.Errorf("step %d: added: %s", i, diff)
		}
		if diff := cmp.Diff(s.dropped, dropped); diff != "" {
			t.Errorf("step %d: dropped: %s", i, diff)
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
	uses := make(map[int][]watch.Query)
	watched := make(map[watch.Query]bool)
	for range 2000 {
		id := rng.IntN(4)
		rng.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
		uses[id] = keys(names[:rng.IntN(len(names)+1)]...)
		added, dropped := g.Use(id, uses[id])
		for _, q := range added {
			if watched[q] {
				t.Fatalf("%v added twice", q)
			}
			watched[q] = true
		}
		for _, q := range dropped {
			if !watched[q] {
				t.Fatalf("%v dropped, but it was not watched", q)
			}
			delete(watched, q)
		}
		want := make(map[watch.Query]bool)
		for _, qs := range uses {
			for _, q := range qs {
				want[q] = true
			}
		}
		if diff := cmp.Diff(want, watched); diff != "" {
			t.Fatal(diff)
		}
	}
}

func TestKeep(t *testing.T) {
	got := Keep(keys("a", "b", "c"), keys("b", "x"))
	if diff := cmp.Diff(keys("b", "x", "a", "c"), got); diff != "" {
		t.Error(diff)
	}
}
