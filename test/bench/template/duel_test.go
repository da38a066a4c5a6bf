package template

import (
	"runtime"
	"slices"
	"testing"
	"time"
)

// A duel has two contenders take turns.
type duel struct {
	us, them contender

	our, their []time.Duration // of an execution, one for each turn
}

// newDuel has both get ready for a case.
func newDuel(tb testing.TB, c benchCase) *duel {
	tb.Helper()
	us, queries := restencil(tb, c)
	return &duel{us: us, them: consulTemplate(tb, c, queries)}
}

// turn measures both. An execution is a mean of some, so that each bears its
// part of collecting the garbage that it makes.
func (d *duel) turn(tb testing.TB) {
	d.our = append(d.our, mean(tb, d.us))
	d.their = append(d.their, mean(tb, d.them))
}

func mean(tb testing.TB, run contender) time.Duration {
	const executions = 10
	start := time.Now()
	for range executions {
		mustRun(tb, run)
	}
	return time.Since(start) / executions
}

// times returns the medians, in microseconds.
func (d *duel) times() (our, their float64) { return median(d.our), median(d.their) }

func median(took []time.Duration) float64 {
	slices.Sort(took)
	return float64(took[len(took)/2].Nanoseconds()) / 1e3
}

func mustRun(tb testing.TB, run contender) []byte {
	output, err := run()
	if err != nil {
		tb.Fatal(err)
	}
	return output
}

// allocated returns how many allocations an execution makes, and of how many
// bytes together.
func allocated(tb testing.TB, run contender) (count, size float64) {
	const executions = 10
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range executions {
		mustRun(tb, run)
	}
	runtime.ReadMemStats(&after)
	return float64(after.Mallocs-before.Mallocs) / executions, float64(after.TotalAlloc-before.TotalAlloc) / executions
}
