package limit

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"restencil/watch"
)

func testLimiter() *Limiter { return New(Options{Every: time.Minute, Burst: 3, Part: 0.45}) }

var someDay = time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)

func query(name string) watch.ID { return watch.Query{Kind: watch.VaultRead, Name: name}.ID() }

// issue issues something that lives so long, if that may be.
func issue(l *Limiter, path string, q watch.ID, life time.Duration, at time.Time) error {
	err := l.Allow(path, q, at)
	if err == nil {
		l.Issued(path, q, life, at)
	}
	return err
}

func TestLimiter(t *testing.T) {
	l, q := testLimiter(), query("x")
	for range 3 {
		if err := issue(l, "GET x", q, 0, someDay); err != nil {
			t.Fatal(err)
		}
	}
	var limited *Error
	err := issue(l, "GET x", q, 0, someDay.Add(30*time.Second))
	if !errors.As(err, &limited) || limited.Until.Sub(someDay.Add(time.Minute)).Abs() > time.Millisecond {
		t.Errorf("after the burst: %v", err)
	}
	if want := "too much was issued or written at x in a short time: it goes on at 03:05:05, and then once in 1m0s (issue_every, issue_burst)"; err.Error() != want {
		t.Errorf("it says %q", err)
	}
	if err := issue(l, "GET x", q, 0, someDay.Add(time.Minute+time.Millisecond)); err != nil {
		t.Errorf("after a minute: %v", err)
	}
	if err := issue(l, "GET x", q, 0, someDay.Add(time.Minute+time.Millisecond)); err == nil {
		t.Error("twice after a minute")
	}
	if err := issue(l, "GET y", q, 0, someDay); err != nil {
		t.Errorf("another path: %v", err)
	}
}

// TestManyQueries: a role may have many certificates, and a key many texts; each
// is a query. One that is ever another is bounded all the same.
func TestManyQueries(t *testing.T) {
	l, issued := testLimiter(), 0
	for i := range 10 * NewQueries {
		if issue(l, "GET x", query(fmt.Sprint(i)), time.Hour, someDay.Add(time.Duration(i)*time.Second)) == nil {
			issued++
		}
	}
	if want := NewQueries + 10*NewQueries/60; issued != want {
		t.Errorf("%d were issued for ever other queries, want %d", issued, want)
	}
	for range 2 {
		if err := issue(l, "GET x", query("0"), time.Hour, someDay.Add(time.Hour)); err != nil {
			t.Errorf("what was issued before is not issued again: %v", err)
		}
	}
}

// TestReads: what issues nothing costs nothing.
func TestReads(t *testing.T) {
	l := testLimiter()
	for i := range 2 * NewQueries {
		if err := l.Allow("GET x", query(fmt.Sprint(i)), someDay); err != nil {
			t.Fatal(err)
		}
	}
	if len(l.buckets) > 0 {
		t.Errorf("%d buckets are kept for nothing", len(l.buckets))
	}
}

// TestOwed: what many have issued at one time is waited for.
func TestOwed(t *testing.T) {
	l := testLimiter()
	for i := range NewQueries + 30 {
		l.Issued("GET x", query(fmt.Sprint(i)), time.Hour, someDay)
	}
	var limited *Error
	err := l.Allow("GET x", query("another"), someDay)
	if !errors.As(err, &limited) || limited.Until.Sub(someDay).Round(time.Second) != 31*time.Minute {
		t.Errorf("after 30 too many: %v", err)
	}
}

// TestShortLives: what lives short may be replaced as often as it ends, by the
// query that has it.
func TestShortLives(t *testing.T) {
	l, q, other := testLimiter(), query("x"), query("y")
	for range 3 {
		_ = issue(l, "GET x", q, 20*time.Second, someDay)
		_ = issue(l, "GET x", other, 0, someDay)
	}
	at := func(seconds int) time.Time { return someDay.Add(time.Duration(seconds) * time.Second) }
	if issue(l, "GET x", q, 20*time.Second, at(8)) == nil {
		t.Error("before a good part of the life is over")
	}
	if issue(l, "GET x", other, 0, at(15)) == nil {
		t.Error("for another query")
	}
	for i := 1; i < 100; i++ {
		if err := issue(l, "GET x", q, 20*time.Second, at(18*i)); err != nil {
			t.Errorf("replacement %d: %v", i, err)
		}
	}
	_ = issue(l, "GET x", q, time.Hour, at(18*100))
	for range 2 {
		_ = issue(l, "GET x", q, time.Hour, at(18*100))
	}
	if issue(l, "GET x", q, time.Hour, at(18*100+30)) == nil {
		t.Error("what lives longer now may be replaced as often as before")
	}
}

// TestLimiterHolds: whatever is asked for in whatever order, so many and no
// more are issued.
func TestLimiterHolds(t *testing.T) {
	const queries = 50
	for seed := range uint64(5) {
		r := rand.New(rand.NewPCG(seed, 1))
		l, now, issued := testLimiter(), someDay, make(map[int]int)
		for now.Before(someDay.Add(2 * time.Hour)) {
			now = now.Add(time.Duration(r.Int64N(int64(200 * time.Millisecond))))
			i := r.IntN(queries)
			life := []time.Duration{0, time.Hour, 3 * time.Minute}[r.IntN(3)]
			if issue(l, "GET x", query(fmt.Sprint(i)), life, now) == nil {
				issued[i]++
			}
		}
		for i, n := range issued {
			if n > 120+3 {
				t.Errorf("seed %d: %d were issued for query %d in two hours", seed, n, i)
			}
		}
	}
}

// TestLimiterIsBounded: there is room for so many queries and paths. What would
// be beyond has to wait.
func TestLimiterIsBounded(t *testing.T) {
	l := testLimiter()
	for i := range maxBuckets/2 + 10 {
		if err := issue(l, fmt.Sprint("GET ", i), query("x"), 0, someDay); (err != nil) != (i >= maxBuckets/2) {
			t.Fatalf("path %d: %v", i, err)
		}
	}
	if err := issue(l, "GET later", query("x"), 0, someDay.Add(time.Hour)); err != nil || len(l.buckets) > 2 {
		t.Errorf("%v; %d buckets are kept", err, len(l.buckets))
	}
}
