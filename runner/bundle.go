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
	key      bundleKey
	name     string // how people call it: its first file. It stays when it has no members any more
	command  Command
	wait     Wait
	members  []*unit
	debounce debounce

	wanted   bool      // the command is to be run
	first    int       // the first template that wants it, for the order of commands
	since    int       // the first pass that wants it, as Runner.pass; 0: none, it is another attempt
	files    fileSet   // the destinations that changed since it ran
	began    time.Time // when it was wanted for the first time since the start
	ran      bool      // it has been run since the start
	failures int       // in a row
	retryAt  time.Time // not before this, after a failure
	debt     string    // what the journal knows its being owed by, "": it is not
	recalled bool      // the journal was asked whether it was owed before
}

// A bundleKey is what the members of a bundle share.
type bundleKey struct {
	command string
	wait    Wait
}

// bundleKey returns the key of t's bundle, the zero key where it has its own.
func (t Template) bundleKey() bundleKey {
	if len(t.Command.Args) == 0 {
		return bundleKey{}
	}
	return bundleKey{quoteArgs(t.Command.Args), t.Wait}
}

// join puts units into bundles, in the order of their first template. Those
// of old that are still of use go on with what they have under way; the others
// have no members any more.
func join(units []*unit, old []*bundle) []*bundle {
	known := make(map[bundleKey]*bundle)
	for _, b := range old {
		b.members = nil
		known[b.key] = b
	}
	var bundles []*bundle
	for _, u := range units {
		key := u.spec.bundleKey()
		b := known[key]
		if b == nil || key == (bundleKey{}) {
			b = &bundle{key: key, wait: u.spec.Wait}
			known[key] = b
		}
		if b.members == nil {
			b.command, b.name = u.spec.Command, u.spec.Destination
			bundles = append(bundles, b)
		}
		b.members = append(b.members, u)
		u.bundle = b
	}
	return bundles
}

// changed notes that u's file changed, which the command is to be run for.
func (b *bundle) changed(u *unit, now time.Time) {
	if b.began.IsZero() {
		b.began = now
	}
	if !b.wanted || u.index < b.first {
		b.first = u.index
	}
	b.retryAt = time.Time{} // new data is a new chance
	b.files.add(u.spec.Destination)
}

// runnableAt is when the command may be run, zero: it is not wanted.
func (b *bundle) runnableAt(now time.Time) time.Time {
	if !b.wanted {
		return time.Time{}
	}
	at := now
	if b.retryAt.After(at) {
		at = b.retryAt
	}
	limit := b.began.Add(settle)
	if !b.ran && limit.After(at) && slices.ContainsFunc(b.members, (*unit).unsettled) {
		at = limit
	}
	return at
}
