package template

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"restencil/watch"
)

// Whatever is asked in whatever order, an execution has each query once, in
// order of first use, and the results of those before stay as they are.
func TestRecorderKeepsAccount(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	names := make([]string, 60)
	for i := range names {
		names[i] = fmt.Sprint("k", i)
	}
	var rec recorder
	var got, want []Result
	order := slices.Clone(names)
	for range 500 {
		switch rng.IntN(4) {
		case 0: // another order
			rng.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		case 1: // more or fewer
			order = order[:cap(order)][:rng.IntN(len(names))]
		}
		asks := keys(order...)
		if len(asks) > 0 && rng.IntN(2) == 0 { // some of them again
			asks = append(asks, asks[rng.IntN(len(asks))], asks[0])
		}
		known := rng.IntN(len(names))
		got = append(got, record(t, &rec, asks, known))
		want = append(want, account(asks, known))
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreTypes(Secrets{})); diff != "" {
		t.Error(diff)
	}
}

// knows tells whether there is an answer to q, where known of them have one.
func knows(q watch.Query, known int) bool {
	var n int
	_, err := fmt.Sscanf(q.Name, "k%d", &n)
	return err == nil && n < known
}

func record(t *testing.T, rec *recorder, asks []watch.Query, known int) Result {
	t.Helper()
	rec.begin(func(q watch.Query) (watch.Answer, bool) { return watch.Answer{Data: q.Name}, knows(q, known) })
	for _, q := range asks {
		a, ok, err := rec.Ask(q)
		if err != nil || ok != knows(q, known) || a.Data != q.Name {
			t.Fatalf("Ask(%v) = %v, %v, %v", q, a.Data, ok, err)
		}
		if ok && q.Name == "k0" { // an answer that will not do
			rec.Incomplete(q)
		}
	}
	return rec.result()
}

// account is what record should come to.
func account(asks []watch.Query, known int) Result {
	r := Result{Used: []watch.Query{}}
	for _, q := range asks {
		if slices.Contains(r.Used, q) {
			continue
		}
		r.Used = append(r.Used, q)
		if !knows(q, known) || q.Name == "k0" {
			r.Missing = append(r.Missing, q)
		}
	}
	return r
}

// A store that is set up while the program runs is asked from then on.
func TestRecorderAsksAStoreOnceThereIsOne(t *testing.T) {
	there := false
	rec := recorder{serves: func(watch.Store) bool { return there }}
	ask := func() error {
		rec.begin(func(watch.Query) (watch.Answer, bool) { return watch.Answer{}, true })
		_, _, err := rec.Ask(watch.Query{Kind: watch.VaultRead, Name: "a"})
		return err
	}
	if err := ask(); !errors.Is(err, watch.ErrNotConfigured) {
		t.Errorf("without a source: %v", err)
	}
	there = true
	if err := ask(); err != nil || len(rec.result().Used) != 1 {
		t.Errorf("with a source: %v, used %v", err, rec.result().Used)
	}
}
