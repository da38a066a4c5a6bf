package runner

import (
	"io/fs"
	"os"
	"slices"
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
	named  *named // nil: the bundle is an implicit one

	dirty    bool        // to be executed; it stands in Runner.dirty
	fed      bool        // there is new data since it was executed
	came     fingerprint // of the newest complete output
	restless bool        // it was told that its output changes without
	recheck  bool        // the destination is to be looked at, though the output is the same
	rendered bool        // its destination has been right at some time

	pending *outcome    // a complete one that is not in place yet
	written fingerprint // of the output in place, where rendered
	latest  *outcome    // in a named bundle: the newest complete one, nil: it is not complete now

	held        [2]template.Secrets // of the output in place, and of the one before it
	secretPerms fs.FileMode         // as Options.SecretPerms

	failure  string    // why it failed last, "" where it did not
	failures int       // in a row
	retryAt  time.Time // when to try again after a failure, zero: not by itself

	missing []watch.Query             // what it waits for
	since   time.Time                 // when it began to wait, zero: it does not
	later   map[watch.Query]time.Time // since when it waits for what it misses since later than that
	reports int                       // how often that was told

	patience patience
}

// An outcome is what a template comes to.
type outcome struct {
	template.Result
	print fingerprint
}

// wait notes what an execution missed.
func (u *unit) wait(missing []watch.Query, now time.Time) {
	switch {
	case len(missing) == 0:
		u.since, u.later, u.reports = time.Time{}, nil, 0
	case u.since.IsZero():
		u.since = now
	case !slices.Equal(u.missing, missing):
		u.later = u.missedLater(missing, now)
	}
	u.missing = missing
}

// missedLater returns since when u waits for those of missing that it has not
// missed from the beginning.
func (u *unit) missedLater(missing []watch.Query, now time.Time) map[watch.Query]time.Time {
	before := make(map[watch.Query]bool, len(u.missing))
	for _, q := range u.missing {
		before[q] = true
	}
	later := make(map[watch.Query]time.Time)
	for _, q := range missing {
		if since, ok := u.later[q]; ok {
			later[q] = since
		} else if !before[q] {
			later[q] = now
		}
	}
	return later
}

// missingSince is when u began to wait for q.
func (u *unit) missingSince(q watch.Query) time.Time {
	if since, ok := u.later[q]; ok {
		return since
	}
	return u.since
}

// nextReport is when the next Waiting event is due, zero: never.
func (u *unit) nextReport() time.Time {
	if u.since.IsZero() {
		return time.Time{}
	}
	return u.since.Add(reportAfter(u.reports))
}

// output returns what u is known by.
func (u *unit) output() Output {
	return Output{Template: u.spec.Name, Destination: u.spec.Destination}
}

// inPlace tells whether what o puts on disk was put there last.
func (u *unit) inPlace(o *outcome) bool {
	return u.rendered && u.failure == "" && o.print == u.written
}

// unsettled tells whether u is about to have its first output: it waits for
// answers that are on their way.
func (u *unit) unsettled() bool {
	return !u.rendered && u.tmpl != nil && u.failure == "" && u.patience.outstanding > 0
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
