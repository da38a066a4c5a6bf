// Package group decides what the files of a bundle are to hold and when they change.
// It starts no goroutine, reads no clock and writes nothing to disk, but it reads
// the files that it decides about.
//
// A [Set] has the groups of a bundle. A [Group] is files that go in place all or
// none: all files of a bundle with the policy [Together], one file otherwise. The
// bundle calls
//
//	Take   with the newest output of a template
//	Due    for the changes that are to be made now
//	Next   for when to call Due again
//	Done   with the outcome of a change
//	News   for what the runner is to know
//
// A change is identified by a hash of its destinations and contents. A change that
// fails is tried again after a delay that grows. One that a check or probe has
// rejected twice is held: it is tried rarely, and at once when there is other data or
// somebody accepts it.
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

	"restencil/renderer"
	"restencil/renderer/atomicfile"
	"restencil/runner/event"
	"restencil/runner/guard"
	"restencil/runner/journal"
	"restencil/runner/journal/history"
	"restencil/runner/process"
	"restencil/runner/templates"
	"restencil/template"
	"restencil/watch/schedule"
)

// A Group is files that go in place all or none.
type Group struct {
	name     string // as events have it
	files    []*File
	debounce *debounce // several groups may have one

	applied  string    // the hash of what is in place and was loaded, "": not known
	settles  time.Time // until when the newest change waits, as it was reported; zero: it does not
	recheck  bool      // the destinations are to be compared, though all was applied
	held     string    // why the newest change is not made, "": it is not held
	failed   bool      // it is held since it failed, which was reported
	failures int       // in a row, of the change to verdict.Rejected

	verdict journal.Verdict // on changes; it survives a restart
}

func (g *Group) complete() bool {
	return !slices.ContainsFunc(g.files, func(f *File) bool { return f.newest == nil })
}

// hash returns a hash of what the files are to hold.
func (g *Group) hash() string {
	const each = 256 // bytes; most files need fewer
	text := make([]byte, 0, each*len(g.files))
	for _, f := range g.files {
		text = append(strconv.AppendQuote(text, f.Destination), ' ')
		text = append(hex.AppendEncode(text, f.newest.Sum.Content[:]), ' ')
		text = append(hex.AppendEncode(text, f.newest.Sum.Files[:]), '\n')
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// Pin has the newest change not made. It is called before anything changes for a
// target that rolls back.
func (t Target) Pin() { t.group.verdict.Pinned, t.group.verdict.Accepted = t.group.hash(), "" }

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

// objection returns why a change to hash is not to be made, "" where it may.
func (g *Group) objection(rules guard.Rules, hash string) string {
	switch hash {
	case g.verdict.Accepted, g.applied:
		return ""
	case g.verdict.Pinned:
		return "it was rolled back"
	}
	guarded := func(f *File) bool { return !f.Guard.None() }
	if rules.None() && !slices.ContainsFunc(g.files, guarded) {
		return ""
	}
	all := guard.Facts{Instances: make(map[string]int)}
	for _, f := range g.files {
		file := guard.File{
			Path: f.Destination, Old: -1, New: len(f.newest.Content),
			Blank: len(bytes.TrimSpace(f.newest.Content)) == 0, Removed: f.Absent,
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

// A change that a check or probe has rejected is tried once more after retryDelay:
// the cause may have gone. Then it is held, and tried rarely.
const (
	retryDelay   = 10 * time.Second
	minHeld      = 5 * time.Minute
	maxHeld      = time.Hour
	heldAttempts = 2
)

// rejected reports whether a check or probe has rejected the change that failed
// last so often that it is held.
func (g *Group) rejected() bool { return g.verdict.Attempts >= heldAttempts }

// Delay returns how long to wait after so many failures in a row: at least half of
// the longest delay, so that it visibly grows.
func Delay(b schedule.Backoff, failures int) time.Duration {
	return (b.Ceiling(failures) + b.Delay(failures)) / 2
}

// A debounce says when changes that keep coming are made: when there has been none
// for Wait.Min, at the latest Wait.Max after the first (COMPAT 4.5), each a random delay
// later, which is the same for all of them. The zero value has no change.
type debounce struct {
	due      time.Time // zero: there is no change
	deadline time.Time // without the delay
	delay    time.Duration
}

func (d *debounce) tick(now time.Time, w Wait, splay time.Duration) {
	if d.due.IsZero() {
		d.deadline, d.delay = now.Add(max(w.Min, w.Max)), rand.N(splay+1)
	}
	d.due = schedule.Earliest(now.Add(w.Min), d.deadline).Add(d.delay)
}

// A Target is what the files of a group are to hold. Later outputs do not change
// it.
type Target struct {
	Name   string // of the group, as events have it
	Hash   string
	Wants  []Want         // one for each file, in order
	Reason process.Reason // why the command is run for it

	// Rollback reports that somebody rolls back to it. It is tried once, and the
	// newest change is not made.
	Rollback bool

	group  *Group
	before journal.Verdict // with Rollback
}

// A Want is what a file is to hold.
type Want struct {
	File   *File
	Output *template.Result
	Place  renderer.File // what the destination is to be
}

// Written records that the content has been written to the stream that the
// destination leads to, which nobody can undo.
func (w Want) Written() { w.File.written = w.Output.Sum.Content }

// An Outcome is the result of a change. A nil Err means that it succeeded. Done sets
// the Bundle and the next attempt.
type Outcome struct {
	Results []Result // one for each file, in order
	Last    bool     // it is not tried again after a failure
	event.BundleFailed
}

// A Result is the result of a change of a file.
type Result struct {
	renderer.Result
	Replaced bool // it, or a file of its writeToFile, has new bytes
}

// Rejected reports whether a check or probe has rejected the change.
func (o Outcome) Rejected() bool { return o.Step == event.Check || o.Step == event.Verify }

// failedText is between a step and why it failed.
const failedText = " failed: "

// Reason returns why the change failed.
func (o Outcome) Reason() string { return string(o.Step) + failedText + o.Err.Error() }

// placed reports whether the new files are in place, be they loaded or not.
func (o Outcome) placed() bool {
	return o.Err == nil || (o.Step == event.Reload || o.Step == event.Verify) && !o.RolledBack
}

// Generation returns the files of t for the journal. The content of those with
// secrets is kept only with keepSecrets.
func (t Target) Generation(keepSecrets bool) []history.File {
	var files []history.File
	for _, w := range t.Wants {
		if w.File.Shadowed || w.Place.Remove {
			continue
		}
		files = append(files, history.File{
			Path: Path(w.Place.Path), Content: w.Place.Content,
			Perm: w.Place.Perm, User: w.Place.User, Group: w.Place.Group,
			Secret: w.Output.Secret && !keepSecrets, Tainted: w.Output.Secret,
		})
	}
	return files
}

// Elements returns the absolute paths of the files of elements that targets put in place,
// or have removed, by the template of the elements.
func Elements(targets []Target, removed bool) map[string][]string {
	files := make(map[string][]string)
	for _, t := range targets {
		for _, w := range t.Wants {
			if list := w.File.ElementOf; list != "" && w.Place.Remove == removed && (!removed || w.File.Removed()) {
				files[list] = append(files[list], Path(w.File.Destination))
			}
		}
	}
	return files
}

// A File is the file of a member: what it is to hold, and what is in place.
type File struct {
	Member
	Index  int             // of the member in the bundle
	Stream renderer.Stream // where the destination leads

	newest *template.Result // nil: it is not complete, or in place and not needed any more
	fileState
}

// A fileState is what is known of a destination. A new bundle inherits it from the
// one that it replaces.
type fileState struct {
	placed   bool                // it has been right at some time
	sum      template.Sum        // of what was put there last
	unplaced bool                // its template does not know that
	there    bool                // that is there still, as far as is known
	secret   bool                // a secret was used for it
	secrets  [2]template.Secrets // that may be in it, and in what was there before
	written  [sha256.Size]byte   // of the content that was written to Stream last

	offered  template.Sum     // of the newest output
	failure  string           // why it could not be written, as it was reported last
	failures int              // since it was right; of a group, in its first file
	causes   templates.Causes // of the newest output
	unstable bool             // that its output differs each time was reported
	exposed  bool             // that everybody can read it was reported
}

// Key identifies f. Several files may be written to one stream.
func (f *File) Key() string {
	if f.isStream() {
		return f.Template + " => " + f.Destination
	}
	return f.Destination
}

func (f *File) isStream() bool { return f.Stream != renderer.NoStream }

// Secrets returns those that may be in the file now, or soon.
func (f *File) Secrets() template.Secrets {
	all := f.secrets[0].With(f.secrets[1])
	if f.newest != nil {
		all = all.With(f.newest.Secrets)
	}
	return all
}

// absent is the Sum of an output that says that there is to be no file.
var absent = template.Sum{Files: sha256.Sum256([]byte("absent"))}

// Removed reports whether the destination was removed. What is there now is not of this
// bundle.
func (f *File) Removed() bool { return f.Absent && f.placed && f.sum == absent }

func (f *File) want(out *template.Result) Want {
	file := renderer.File{
		Remove:    out.Sum == absent,
		Path:      f.Destination,
		Content:   out.Content,
		Perm:      f.Perm,
		User:      f.User,
		Group:     f.Group,
		DirPerm:   f.DirPerm,
		NoParents: f.NoParents,
		Backup:    f.Backup,
		Differs:   f.there && f.sum.Content != out.Sum.Content,
		Shown:     f.isStream() && f.written == out.Sum.Content,
	}
	if file.Perm == 0 && out.Secret {
		file.Perm = f.SecretPerm
	}
	return Want{File: f, Output: out, Place: file}
}

// resized reports whether the destination is no file of the newest output's size: as
// by consul-template, one that was deleted or edited by hand is restored.
func (f *File) resized() bool {
	if f.Destination == "" || f.Shadowed || f.Absent || f.isStream() {
		return false
	}
	info, err := os.Stat(f.Destination)
	return err != nil || info.Size() != int64(len(f.newest.Content))
}

// Placed reports whether f has been right at some time.
func (f *File) Placed() bool { return f.placed }

// drifted reports whether somebody has changed the destination.
func (f *File) drifted() bool {
	if !f.placed || f.Shadowed || f.Absent || f.isStream() {
		return false
	}
	content, err := atomicfile.ReadFile(f.Destination)
	if err != nil || sha256.Sum256(content) != f.sum.Content {
		return true
	}
	want := f.want(&template.Result{Content: content, Secret: f.secret}).Place
	want.Differs = false
	now, err := renderer.Compare(want)
	return err != nil || now.Change() != renderer.Unchanged
}
