package group

import (
	"crypto/sha256"
	"encoding/hex"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"restencil/renderer"
	"restencil/runner/event"
	"restencil/runner/guard"
	"restencil/runner/journal"
	"restencil/watch/schedule"
)

// A Group is files that go in place all or none.
type Group struct {
	name     string // what people call it
	files    []*File
	debounce *debounce // several groups may have one

	applied  string // the hash of what is in place and was loaded, "": not known
	recheck  bool   // the destinations are to be compared, though all was applied
	held     string // why the newest change is not made, "": it is not held
	failures int    // in a row, of the change to verdict.Rejected

	verdict journal.Verdict // what was decided about changes; it survives a restart
}

// newGroups returns the groups of a bundle.
func newGroups(s Spec) []*Group {
	var groups []*Group
	waits := make(map[Wait]*debounce)
	together := &Group{name: s.Name, debounce: new(debounce)}
	for i, m := range s.Members {
		file := &File{Member: m, Index: i, Stream: renderer.StreamOf(m.Destination)}
		if s.Policy == Together {
			together.files = append(together.files, file)
			continue
		}
		// Files with one command and one wait change as one, so that the command
		// runs once; without a command nothing joins them.
		d := waits[m.Wait]
		if d == nil || s.Reload.None() {
			d = new(debounce)
			waits[m.Wait] = d
		}
		groups = append(groups, &Group{name: m.Destination, files: []*File{file}, debounce: d})
	}
	if s.Policy == Together {
		groups = append(groups, together)
	}
	return groups
}

// complete tells whether every file has an output.
func (g *Group) complete() bool {
	return !slices.ContainsFunc(g.files, func(f *File) bool { return f.newest == nil })
}

// hash tells apart what the files are to hold.
func (g *Group) hash() string {
	var text []byte
	for _, f := range g.files {
		text = append(strconv.AppendQuote(text, f.Destination), ' ')
		text = append(hex.AppendEncode(text, f.newest.Sum.Content[:]), ' ')
		text = append(hex.AppendEncode(text, f.newest.Sum.Files[:]), '\n')
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// inPlace tells whether all is as the newest outputs, of this hash, want it.
func (g *Group) inPlace(hash string) bool {
	return hash == g.applied && !g.recheck && !slices.ContainsFunc(g.files, func(f *File) bool { return !f.hasSize() })
}

// unknown has the destinations compared with the newest outputs: they may hold
// something else than what was put there last.
func (g *Group) unknown() {
	g.recheck = true
	for _, f := range g.files {
		f.known = false
	}
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// objection says why a change to hash is not to be made, "" where it may.
func (g *Group) objection(rules guard.Rules, hash string) string {
	switch hash {
	case g.verdict.Accepted, g.applied:
		return ""
	case g.verdict.Pinned:
		return "somebody rolled back from it"
	}
	guarded := func(f *File) bool { return !f.Guard.None() }
	if rules.None() && !slices.ContainsFunc(g.files, guarded) {
		return ""
	}
	all := guard.Facts{Instances: make(map[string]int)}
	for _, f := range g.files {
		facts := f.facts()
		if why := f.Guard.Check(facts); why != "" {
			return why
		}
		all.Files = append(all.Files, facts.Files...)
		for name, n := range facts.Instances {
			if least, known := all.Instances[name]; !known || n < least {
				all.Instances[name] = n
			}
		}
	}
	return rules.Check(all)
}

// What a check or probe has rejected is tried once more after againAfter, for
// what failed may have been passing. Then it is held, and tried rarely.
const (
	againAfter    = 10 * time.Second
	heldFor       = 5 * time.Minute
	heldAtMost    = time.Hour
	rejectedAfter = 2 // attempts
)

// rejected tells whether the change that failed last is held: a check or probe
// has rejected it often enough.
func (g *Group) rejected() bool { return g.verdict.Attempts >= rejectedAfter }

// failed notes that a change to hash failed, and returns how long to wait before
// it is tried again.
func (g *Group) failed(hash string, o Outcome, retry schedule.Backoff, now time.Time) time.Duration {
	v := &g.verdict
	if v.Rejected != hash {
		v.Rejected, v.Attempts, g.failures = hash, 0, 0
	}
	g.failures++
	wait := Delay(retry, g.failures)
	if o.Rejected() {
		v.Attempts++
		wait = max(wait, againAfter)
		if g.rejected() {
			wait = min(heldFor<<min(v.Attempts-rejectedAfter, 10), heldAtMost)
		}
	}
	v.Reason, v.Retry, v.Accepted = o.Reason(), now.Add(wait), ""
	return wait
}

// Rejected tells whether the change itself was found bad, by a check or probe.
func (o Outcome) Rejected() bool { return o.Step == event.Check || o.Step == event.Verify }

// Delay is how long to wait after so many failures in a row: at least half of
// what the backoff allows, so that it grows visibly.
func Delay(b schedule.Backoff, failures int) time.Duration {
	most := b.Ceiling(failures)
	if most <= 0 {
		return 0
	}
	return most/2 + rand.N(most-most/2+1)
}

// A debounce says when changes that keep coming are acted on: once there has
// been none for Wait.Min, at the latest Wait.Max after the first (COMPAT 4.5).
// The zero value has nothing under way.
type debounce struct {
	due      time.Time // zero: nothing is under way
	deadline time.Time
}

// tick notes a change at now.
func (d *debounce) tick(now time.Time, w Wait) {
	if d.due.IsZero() {
		d.deadline = now.Add(max(w.Min, w.Max))
	}
	d.due = now.Add(w.Min)
	if d.due.After(d.deadline) {
		d.due = d.deadline
	}
}
