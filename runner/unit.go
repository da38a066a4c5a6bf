package runner

import (
	"os"
	"time"

	"restencil/template"
	"restencil/watch"
)

// A unit is one template with its state. The loop owns it.
type unit struct {
	id     int // in the graph; no other unit ever has it
	index  int // among the templates
	spec   Template
	tmpl   *template.Template
	bundle *bundle

	dirty    bool // to be executed
	recheck  bool // the destination is to be looked at, though the output is the same
	rendered bool // its destination has been right at some time

	pending *template.Result // a complete output that is not in place yet
	written fingerprint      // of the output in place, where rendered

	failure  string    // why it failed last, "" where it did not
	failures int       // in a row
	retryAt  time.Time // when to try again after a failure, zero: not by itself

	missing map[watch.Query]time.Time // what it waits for, and since when
	since   time.Time                 // when it began to wait, zero: it does not
	reports int                       // how often that was told
}

// wait notes what an execution missed.
func (u *unit) wait(missing []watch.Query, now time.Time) {
	if len(missing) == 0 {
		u.missing, u.since, u.reports = nil, time.Time{}, 0
		return
	}
	before := u.missing
	u.missing = make(map[watch.Query]time.Time, len(missing))
	for _, q := range missing {
		since, ok := before[q]
		if !ok {
			since = now
		}
		u.missing[q] = since
	}
	if u.since.IsZero() {
		u.since = now
	}
}

// nextReport is when the next Waiting event is due, zero: never.
func (u *unit) nextReport() time.Time {
	if u.since.IsZero() {
		return time.Time{}
	}
	return u.since.Add(reportAfter(u.reports))
}

// inPlace tells whether what r puts on disk was put there last.
func (u *unit) inPlace(r template.Result) bool {
	return u.rendered && u.failure == "" && fingerprintOf(r) == u.written
}

// stillThere tells whether the destination is a file of that size. One that
// was deleted or edited by hand is restored, as by consul-template.
func (u *unit) stillThere(size int) bool {
	if u.spec.Destination == "" {
		return true
	}
	info, err := os.Stat(u.spec.Destination)
	return err == nil && info.Size() == int64(size)
}

// fail notes why u failed and when it is to be tried again.
func (u *unit) fail(err error, retryAt time.Time) {
	u.failure = err.Error()
	u.failures++
	u.retryAt = retryAt
}

// recover forgets the failure and tells whether there was one.
func (u *unit) recover() bool {
	was := u.failure != ""
	u.failure, u.failures, u.retryAt = "", 0, time.Time{}
	return was
}
