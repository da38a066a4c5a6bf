package schedule

import (
	"errors"
	"testing"
	"time"
)

// TestBreaker goes through an outage.
func TestBreaker(t *testing.T) {
	now := time.Unix(1000, 0)
	b := Breaker{Backoff: Backoff{Base: time.Second, Max: time.Minute, Attempts: 12}}
	first, later := errors.New("first"), errors.New("later")
	check := func(what string, failures int, err error, next time.Duration) {
		t.Helper()
		var due time.Time
		if next > 0 {
			due = now.Add(next)
		}
		if b.Failures() != failures || b.Open() != (failures > 0) || b.Err() != err || !b.NextProbe().Equal(due) {
			t.Fatalf("%s: %d failures, %v, next probe %v; want %d, %v, %v", what, b.Failures(), b.Err(), b.NextProbe(), failures, err, due)
		}
	}
	check("at first", 0, nil, 0)
	if b.Probe(now) {
		t.Error("a closed breaker wants a probe")
	}
	if !b.Fail(first, now) || b.Fail(later, now) {
		t.Error("the first failure opens the breaker, and no other")
	}
	check("opened", 1, first, time.Second)
	if b.Probe(now) {
		t.Error("a probe before its time")
	}
	now = now.Add(time.Second)
	if !b.Probe(now) || b.Probe(now) {
		t.Error("one probe is sent, and no other at a time")
	}
	check("probing", 1, first, 0)
	b.ProbeFailed(later, now)
	check("probed", 2, later, 2*time.Second)
	now = now.Add(2 * time.Second)
	b.Probe(now)
	b.ProbeCancelled()
	if !b.Probe(now) {
		t.Error("after a probe that was cancelled there is none")
	}
	if !b.Reset() || b.Reset() {
		t.Error("the first reply closes the breaker")
	}
	check("closed", 0, nil, 0)
	b.ProbeFailed(later, now) // it was under way when another request was answered
	check("closed, and a late probe", 0, nil, 0)
	b.Fail(later, now)
	check("opened again", 1, later, time.Second)
}

// TestBreakerTriesAsOftenAsConsulTemplate: twelve probes take as long as twelve
// retries of consul-template, five minutes and four seconds.
func TestBreakerTriesAsOftenAsConsulTemplate(t *testing.T) {
	start := time.Unix(1000, 0)
	now := start
	b := Breaker{Backoff: Backoff{Base: 250 * time.Millisecond, Max: time.Minute, Attempts: 12}.Probes()}
	b.Fail(errors.New("away"), now)
	for b.Failures() <= 12 {
		now = b.NextProbe()
		if !b.Probe(now) {
			t.Fatal("a probe that is due may not be sent")
		}
		b.ProbeFailed(errors.New("away"), now)
	}
	if got, want := now.Sub(start), 303750*time.Millisecond; got != want {
		t.Errorf("the thirteenth attempt is made after %v, want %v", got, want)
	}
	if b.Probe(now.Add(time.Hour)) || !b.NextProbe().IsZero() {
		t.Error("there is an attempt after the last")
	}
}

func TestBreakerInDoubt(t *testing.T) {
	now := time.Unix(1000, 0)
	b := Breaker{Backoff: Backoff{Base: time.Second, Attempts: 12}, Doubt: true}
	b.Fail(errors.New("away"), now)
	if !b.Probe(now) {
		t.Fatal("there is no probe at once")
	}
	b.ProbeFailed(errors.New("away"), now)
	if next := b.NextProbe(); !next.Equal(now.Add(2 * time.Second)) {
		t.Errorf("the second probe is due after %v", next.Sub(now))
	}
	if b.Reset(); !b.Doubt {
		t.Error("the doubt is gone")
	}
}
