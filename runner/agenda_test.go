package runner

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// An agenda does as a plain list does that is searched from end to end.
func TestAgenda(t *testing.T) {
	start := time.Unix(1000, 0)
	random := rand.New(rand.NewPCG(1, 2))
	var a agenda[int]
	plain := make(map[int]time.Time)
	now := start
	for step := range 20000 {
		what := random.IntN(50)
		at := now.Add(time.Duration(random.IntN(100)) * time.Second)
		switch random.IntN(4) {
		case 0:
			at = time.Time{}
			delete(plain, what)
		default:
			plain[what] = at
		}
		a.set(what, at)
		if step%10 == 0 {
			now = now.Add(time.Duration(random.IntN(20)) * time.Second)
			var want []int
			for what, at := range plain {
				if !at.After(now) {
					want = append(want, what)
					delete(plain, what)
				}
			}
			got := a.take(now)
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Fatalf("step %d: due %v, want %v", step, got, want)
			}
		}
		var next time.Time
		for _, at := range plain {
			next = earliest(next, at)
		}
		if !a.next().Equal(next) {
			t.Fatalf("step %d: next %v, want %v", step, a.next(), next)
		}
	}
}
