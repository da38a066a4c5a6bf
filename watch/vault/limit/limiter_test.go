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
	p, err := l.Allow(path, q, at)
	if err == nil {
		p.Done(true, life, at)
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
	if !errors.As(err, &limited) || limited.Until.Sub(someDay.Add(time.Minute)).Abs() > time.Millisecond || limited.Soon {
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

// TestReads: what issues nothing costs nothing, but it is not known before.
func TestReads(t *testing.T) {
	l := testLimiter()
	var permits []*Permit
	for i := range NewQueries {
		p, err := l.Allow("GET x", query(fmt.Sprint(i)), someDay)
		if err != nil {
			t.Fatal(err)
		}
		permits = append(permits, p)
	}
	var limited *Error
	if _, err := l.Allow("GET x", query("another"), someDay); !errors.As(err, &limited) || !limited.Soon {
		t.Errorf("one more at the same time: %v", err)
	}
	for _, p := range permits {
		p.Done(false, 0, someDay)
	}
	if _, err := l.Allow("GET x", query("another"), someDay); err != nil {
		t.Errorf("one more after that: %v", err)
	}
	if len(l.buckets) > 2 {
		t.Errorf("%d buckets are kept for nothing", len(l.buckets))
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
		l := testLimiter()
		issued := make(map[watch.ID]int)
		var permits []*Permit
		var of []watch.ID
		now := someDay
		for range 20000 {
			now = now.Add(time.Duration(r.Int64N(int64(2 * time.Second))))
			if len(permits) > 0 && r.IntN(2) == 0 {
				i := r.IntN(len(permits))
				did := r.IntN(3) > 0
				permits[i].Done(did, time.Hour, now)
				if did {
					issued[of[i]]++
				}
				permits[i], of[i] = permits[len(permits)-1], of[len(of)-1]
				permits, of = permits[:len(permits)-1], of[:len(of)-1]
				continue
			}
			q := query(fmt.Sprint(r.IntN(queries)))
			if p, err := l.Allow("GET x", q, now); err == nil {
				permits, of = append(permits, p), append(of, q)
			}
		}
		most := 3 + int(now.Sub(someDay)/time.Minute) + 1
		for q, n := range issued {
			if n > most {
				t.Errorf("seed %d: %d were issued for %s, where %d may be", seed, n, q.Value(), most)
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
