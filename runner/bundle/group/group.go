package group

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"time"

	"restencil/runner/guard"
	"restencil/runner/journal"
	"restencil/runner/process"
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

// target returns what the newest outputs, of this hash, ask for.
func (g *Group) target(hash string) Target {
	t := Target{Name: g.name, Hash: hash, Reason: process.ReasonChange, group: g}
	for _, f := range g.files {
		t.Wants = append(t.Wants, f.want(f.newest))
	}
	switch {
	case g.verdict.Rejected == hash:
		t.Reason = process.ReasonRetry
	case g.applied == "":
		t.Reason = process.ReasonStart
	}
	return t
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
		file := guard.File{
			Path: f.Destination, Old: -1, New: len(f.newest.Content),
			Blank: len(bytes.TrimSpace(f.newest.Content)) == 0,
		}
		if info, err := os.Stat(f.Destination); err == nil && !f.isStream() {
			file.Old = int(info.Size())
		}
		facts := guard.Facts{Files: []guard.File{file}, Instances: f.newest.Instances}
		if why := f.Guard.Check(facts); why != "" {
			return why
		}
		all.Files = append(all.Files, file)
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
	d.due = schedule.Earliest(now.Add(w.Min), d.deadline)
}
