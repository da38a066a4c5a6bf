package runner

import (
	"slices"
	"time"
)

// settle bounds how long the first run of a command waits for templates that
// share it and are about to have their first output, so that a start runs the
// command once.
const settle = time.Second

// A bundle is an implicit one: the templates that share a command and a wait.
// They share one debounce and one run of the command; each file goes in place
// by itself. The loop owns it.
type bundle struct {
	command  Command
	wait     Wait
	members  []*unit
	debounce debounce

	wanted   bool      // the command is to be run
	first    int       // the first template that wants it, for the order of commands
	since    int       // the first pass that wants it, as Runner.pass; 0: none, it is another attempt
	files    []string  // the destinations that changed since it ran
	began    time.Time // when it was wanted for the first time since the start
	ran      bool      // it has been run since the start
	failures int       // in a row
	retryAt  time.Time // not before this, after a failure
}

// join puts units into bundles, in the order of their first template. Those
// of old that are still of use go on with what they have under way.
func join(units []*unit, old []*bundle) []*bundle {
	for _, b := range old {
		b.members = nil
	}
	var bundles []*bundle
	for _, u := range units {
		b := find(bundles, u.spec)
		if b == nil {
			if b = find(old, u.spec); b == nil {
				b = &bundle{wait: u.spec.Wait}
			}
			b.command = u.spec.Command
			bundles = append(bundles, b)
		}
		b.members = append(b.members, u)
		u.bundle = b
	}
	return bundles
}

func find(bundles []*bundle, t Template) *bundle {
	if len(t.Command.Args) == 0 {
		return nil
	}
	for _, b := range bundles {
		if b.wait == t.Wait && slices.Equal(b.command.Args, t.Command.Args) {
			return b
		}
	}
	return nil
}

// want notes that u's file changed and the command is to be run.
func (b *bundle) want(u *unit, now time.Time) {
	if len(b.command.Args) == 0 {
		return
	}
	if b.began.IsZero() {
		b.began = now
	}
	if !b.wanted || u.index < b.first {
		b.first = u.index
	}
	b.wanted = true
	b.retryAt = time.Time{} // new data is a new chance
	if !slices.Contains(b.files, u.spec.Destination) {
		b.files = append(b.files, u.spec.Destination)
	}
}

// runnableAt is when the command may be run, zero: it is not wanted.
// unsettled tells whether a member is about to have its first output.
func (b *bundle) runnableAt(now time.Time, unsettled func(*unit) bool) time.Time {
	if !b.wanted {
		return time.Time{}
	}
	at := now
	if b.retryAt.After(at) {
		at = b.retryAt
	}
	limit := b.began.Add(settle)
	if !b.ran && limit.After(at) && slices.ContainsFunc(b.members, unsettled) {
		at = limit
	}
	return at
}
