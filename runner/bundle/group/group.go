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
	name     string // what people call it
	files    []*File
	debounce *debounce // several groups may have one

	applied  string    // the hash of what is in place and was loaded, "": not known
	settles  time.Time // until when the newest change waits, as it was told; zero: it does not
	recheck  bool      // the destinations are to be compared, though all was applied
	held     string    // why the newest change is not made, "": it is not held
	failed   bool      // it is held since it failed, which was told
	failures int       // in a row, of the change to verdict.Rejected

	verdict journal.Verdict // what was decided about changes; it survives a restart
}

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

func (d *debounce) tick(now time.Time, w Wait) {
	if d.due.IsZero() {
		d.deadline = now.Add(max(w.Min, w.Max))
	}
	d.due = schedule.Earliest(now.Add(w.Min), d.deadline)
}

// A Target is what the files of a group are to hold. It is a value: what is
// offered later does not change it.
type Target struct {
	Name   string // what people call the group
	Hash   string
	Wants  []Want         // one for each file, in order
	Reason process.Reason // why the command is run for it

	// Back: somebody rolls back to it. It is tried once, and the newest change is
	// not made.
	Back bool

	group  *Group
	before journal.Verdict // with Back
}

// A Want is what a file is to hold.
type Want struct {
	File   *File
	Output *template.Result
	Place  renderer.File // what the destination is to be
}

// Shown notes that the content has been written to the stream that the
// destination leads to, which nobody can take back.
func (w Want) Shown() { w.File.shown = w.Output.Sum.Content }

// An Outcome is what became of a change.
type Outcome struct {
	Results []Result // one for each file, in order

	Step   event.Step // the one that failed
	Err    error      // why; nil: none did
	Output string     // the end of what the command printed that failed
	Kept   string     // the directory where the rejected files are kept, "": nowhere

	RolledBack  bool  // the old files are back
	RollbackErr error // what went wrong on the way back
}

// A Result is what became of a file.
type Result struct {
	renderer.Result
	Replaced bool // it, or one that its template writes besides, has new bytes
}

// Rejected tells whether the change itself was found bad, by a check or probe.
func (o Outcome) Rejected() bool { return o.Step == event.Check || o.Step == event.Verify }

// Reason says why the change failed.
func (o Outcome) Reason() string { return string(o.Step) + " failed: " + o.Err.Error() }

// placed tells whether the new files are in place, whether all went well or not.
func (o Outcome) placed() bool {
	return o.Err == nil || (o.Step == event.Reload || o.Step == event.Verify) && !o.RolledBack
}

// Generation returns the files of t as the journal keeps them: of those with
// secrets the content only where keepSecrets says so.
func (t Target) Generation(keepSecrets bool) []history.File {
	var files []history.File
	for _, w := range t.Wants {
		if w.File.Shadowed {
			continue
		}
		files = append(files, history.File{
			Path: Path(w.Place.Path), Content: w.Place.Content,
			Perm: w.Place.Perm, User: w.Place.User, Group: w.Place.Group,
			Secret: w.Output.Secret && !keepSecrets,
		})
	}
	return files
}

// A File is the file of a member: what it is to hold, and what is in place.
type File struct {
	Member
	Index  int             // of the member in the bundle
	Stream renderer.Stream // where the destination leads

	newest *template.Result // nil: it is not complete, or in place and not needed any more
	known
}

// known is what is known of a destination. A bundle takes it over from the one
// whose place it takes.
type known struct {
	placed  bool                // it has been right at some time
	sum     template.Sum        // of what was put there last
	there   bool                // that is there still, as far as is known
	secret  bool                // a secret was used for it
	secrets [2]template.Secrets // that may be in it, and in what was there before
	shown   [sha256.Size]byte   // of the content that was written to Stream last

	offered  template.Sum     // of the newest output
	announce bool             // people were told of a failure: that it is right is news
	failure  string           // why it could not be written, as it was told last
	row      int              // failures since it was right; of a group, in its first file
	causes   templates.Causes // of the newest output
	unstable bool             // it was told that its output differs each time
	exposed  bool             // it was told that everybody can read it
}

// Key tells f apart from other files. Several may be written to one stream.
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

func (f *File) want(out *template.Result) Want {
	file := renderer.File{
		Path:      f.Destination,
		Content:   out.Content,
		Perm:      f.Perm,
		User:      f.User,
		Group:     f.Group,
		DirPerm:   f.DirPerm,
		NoParents: f.NoParents,
		Backup:    f.Backup,
		Differs:   f.there && f.sum.Content != out.Sum.Content,
		Shown:     f.isStream() && f.shown == out.Sum.Content,
	}
	if file.Perm == 0 && out.Secret {
		file.Perm = f.SecretPerm
	}
	return Want{File: f, Output: out, Place: file}
}

// resized tells whether the destination is not a file of the size that the newest
// output has. One that was deleted or edited by hand is restored, as by
// consul-template.
func (f *File) resized() bool {
	if f.Destination == "" || f.Shadowed || f.isStream() {
		return false
	}
	info, err := os.Stat(f.Destination)
	return err != nil || info.Size() != int64(len(f.newest.Content))
}

// Placed tells whether f has been right at some time.
func (f *File) Placed() bool { return f.placed }

func (f *File) drifted() bool {
	if !f.placed || f.Shadowed || f.isStream() {
		return false
	}
	content, err := atomicfile.ReadFile(f.Destination)
	if err != nil || sha256.Sum256(content) != f.sum.Content {
		return true
	}
	want := f.want(&template.Result{Content: content, Secret: f.secret}).Place
	want.Differs = false
	change, err := renderer.Compare(want)
	return err != nil || change != renderer.Unchanged
}
