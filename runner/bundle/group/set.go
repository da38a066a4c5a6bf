package group

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"time"

	"restencil/renderer"
	"restencil/renderer/atomicfile"
	"restencil/runner/event"
	"restencil/runner/journal"
	"restencil/runner/journal/history"
	"restencil/runner/process"
	"restencil/runner/templates"
	"restencil/template"
	"restencil/watch/schedule"
)

// The least Wait of a change of several files: a store answers several queries
// because of one write.
const (
	togetherMin = 10 * time.Millisecond
	togetherMax = 50 * time.Millisecond
)

// A Set is the groups of a bundle. It is not safe for concurrent use.
type Set struct {
	spec   Spec
	once   bool // what fails or is held ends the runner
	events func(event.Event)
	groups []*Group
	files  []*File                 // of all groups
	timers schedule.Timers[*Group] // when to decide about a group
	news   News
}

// News is what has happened since the last call of Set.News.
type News struct {
	Placed  []int    // the members whose destination has been right for the first time
	Changed []string // destinations that have new bytes
	Fatal   error    // why the runner ends
}

// NewSet returns the groups of a bundle. With once, what fails or is held ends
// the runner.
func NewSet(s Spec, once bool, events func(event.Event)) *Set {
	set := &Set{spec: s, once: once, events: events}
	waits := make(map[Wait]*debounce)
	for i, m := range s.Members {
		f := &File{Member: m, Index: i, Stream: renderer.StreamOf(m.Destination)}
		set.files = append(set.files, f)
		// Files with one command and one wait change as one, so that the command
		// runs once; without a command nothing joins them.
		d := waits[m.Wait]
		if d == nil || s.Reload.None() {
			d = new(debounce)
			waits[m.Wait] = d
		}
		set.groups = append(set.groups, &Group{name: m.Destination, files: []*File{f}, debounce: d})
	}
	if s.Policy == Together {
		set.groups = []*Group{{name: s.Name, files: set.files, debounce: new(debounce)}}
	}
	return set
}

// News returns what has happened, and forgets it.
func (s *Set) News() News {
	n := s.news
	s.news = News{}
	return n
}

// Verdict returns what was decided about changes, for the journal.
func (s *Set) Verdict() (v journal.Verdict) {
	if s.spec.Policy != Together {
		return v
	}
	g := s.groups[0]
	if v = g.verdict; v.Attempts == 0 {
		v = journal.Verdict{Pinned: v.Pinned, Accepted: v.Accepted}
	}
	v.Held = g.held
	return v
}

// Next returns when Due has something to do, zero: never.
func (s *Set) Next() time.Time { return s.timers.Next() }

// Settled reports whether nothing is left to do but what waits for a time that a
// wait or a failure has set, for data, or for a person.
func (s *Set) Settled(now time.Time) bool {
	next := s.timers.Next()
	return next.IsZero() || next.After(now.Add(togetherMax))
}

// Reconsider has Due decide again about the newest outputs.
func (s *Set) Reconsider(now time.Time) {
	for _, g := range s.groups {
		s.timers.Set(g, now)
	}
}

// AllPlaced reports whether every destination has been right at some time.
func (s *Set) AllPlaced() bool {
	return !slices.ContainsFunc(s.files, func(f *File) bool { return !f.placed })
}

// Drifted returns the members whose destination somebody has changed.
func (s *Set) Drifted() []int {
	var all []int
	for _, f := range s.files {
		if f.drifted() {
			all = append(all, f.Index)
		}
	}
	return all
}

// Take takes the newest result of a member's template, and returns the member's
// file.
func (s *Set) Take(index int, r templates.Result, now time.Time) *File {
	g, f := s.groups[0], s.files[index]
	if s.spec.Policy != Together {
		g = s.groups[index]
	}
	if r.Output == nil {
		f.newest = nil // an older output does not go in place behind a newer state
		return f
	}
	if f.Absent {
		r.Output = &template.Result{Sum: absent}
	}
	if s.unstable(f, r) {
		return f
	}
	isNew := f.newest != nil && f.newest.Sum != r.Output.Sum ||
		f.newest == nil && !(f.there && f.sum == r.Output.Sum)
	f.newest, f.offered = r.Output, r.Output.Sum
	f.unplaced = f.unplaced || r.Unplaced
	if !f.there || f.sum != r.Output.Sum {
		f.causes = f.causes.With(r.Causes)
	}
	g.recheck = g.recheck || r.Recheck
	s.timers.Set(g, now)
	switch wait := s.spec.Wait; {
	case !isNew:
	case s.spec.Policy == Together && g.applied != "":
		g.debounce.tick(now, Wait{Min: max(wait.Min, togetherMin), Max: max(wait.Max, togetherMax)}, s.spec.Splay)
	case s.spec.Policy != Together && f.placed && f.Wait != Wait{}:
		g.debounce.tick(now, f.Wait, 0)
	}
	return f
}

// unstable reports whether an output differs from the last one though there is no
// new data. It would differ each time, so that what is in place stays.
func (s *Set) unstable(f *File, r templates.Result) bool {
	if !r.SameData || !f.placed || !f.there || r.Output.Sum == f.offered {
		f.unstable = f.unstable && r.SameData
		return false
	}
	old, err := atomicfile.ReadFile(f.Destination)
	if err != nil || sha256.Sum256(old) != f.sum.Content {
		return false // it is to be put right anyway
	}
	f.offered = r.Output.Sum
	if f.unstable {
		return true
	}
	f.unstable = true
	was, is := bytes.Split(old, []byte("\n")), bytes.Split(r.Output.Content, []byte("\n"))
	line := 0
	for line < min(len(was), len(is)) && bytes.Equal(was[line], is[line]) {
		line++
	}
	difference := fmt.Sprintf("line %d", line+1)
	switch {
	case r.Output.Secret:
	case line >= len(was) || line >= len(is):
		difference += " is there or not"
	default:
		difference += fmt.Sprintf(" is %q and %q", was[line], is[line])
	}
	s.events(event.Unstable{Template: f.Template, Destination: f.Destination, Difference: difference})
	return true
}

// Due returns the changes that are to be made now, in the order of the members.
// With the policy Together the command is run within a change: with owed even if all
// files are in place, but not before notBefore.
func (s *Set) Due(now time.Time, owed bool, notBefore time.Time) []Target {
	if at := s.timers.Next(); at.IsZero() || at.After(now) {
		return nil
	}
	if s.spec.Policy == Each {
		for _, g := range s.groups { // a wait that has ended takes all along that share it
			if d := g.debounce.due; !d.IsZero() && !d.After(now) {
				s.timers.Set(g, now)
			}
		}
	}
	groups := s.timers.PopAll(now)
	due := make([]Target, 0, len(groups))
	slices.SortFunc(groups, func(a, b *Group) int { return a.files[0].Index - b.files[0].Index })
	for _, g := range groups {
		if !g.complete() {
			continue
		}
		hash := g.hash()
		change, again := s.decide(g, hash, now, owed && s.spec.Policy == Together, notBefore)
		s.timers.Set(g, again)
		if change {
			due = append(due, g.target(hash))
		}
	}
	for _, t := range due {
		*t.group.debounce, t.group.settles = debounce{}, time.Time{}
	}
	return due
}

// decide returns whether the change of a group to its newest outputs, of this hash,
// is to be made now, and else when to decide again, zero: when there is other data.
func (s *Set) decide(g *Group, hash string, now time.Time, owed bool, notBefore time.Time) (change bool, again time.Time) {
	v := &g.verdict
	if v.Pinned != hash { // when it comes back it is new
		v.Pinned = ""
	}
	if hash == g.applied && !owed && !g.recheck && !slices.ContainsFunc(g.files, (*File).resized) {
		if s.spec.Policy == Together { // the change that was waited for has been taken back
			*g.debounce = debounce{}
		}
		g.settling(time.Time{}, s.events)
		s.release(g)
		s.recovered(g)
		for _, f := range g.files {
			s.setPlaced(f)
			if s.spec.Policy != Together { // nothing needs the content any more
				f.newest = nil
			}
		}
		return false, time.Time{}
	}
	at, failed := g.debounce.due, v.Rejected == hash
	if notBefore.After(at) {
		at = notBefore
	}
	if failed && v.Accepted != hash && v.Retry.After(at) { // other data is a new chance
		at = v.Retry
	}
	if at.After(now) {
		switch {
		case failed && g.files[0].failures == 0 && v.Attempts > 0: // the last process reported it
			s.failedBefore(g, at.Sub(now))
		case failed && g.rejected():
			s.hold(g, v.Reason, false)
		case !failed:
			g.settling(at, s.events)
		}
		return false, at
	}
	if why := g.objection(s.spec.Guard, hash); why != "" {
		s.hold(g, why, false)
		return false, time.Time{}
	}
	if !failed {
		s.release(g)
	}
	return true, time.Time{}
}

// settling reports until when the newest change of g waits for its data to be quiet,
// zero: there is no change any more.
func (g *Group) settling(until time.Time, events func(event.Event)) {
	if g.settles != until {
		g.settles = until
		events(event.Settling{Bundle: g.name, Until: until})
	}
}

// hold holds the newest change of g. With reported, the reason has been reported.
// The last good files, where they are all there, count as placed.
func (s *Set) hold(g *Group, why string, reported bool) {
	if g.held != why {
		g.held, g.failed = why, reported
		if !s.once {
			s.events(event.BundleHeld{Bundle: g.name, Reason: why, Rejected: why == g.verdict.Reason, Reported: reported})
		} else { // nobody can accept it
			s.news.Fatal = errors.Join(s.news.Fatal, fmt.Errorf("%s: change held: %s (the files stay as they are)", g.name, why))
		}
	}
	for _, f := range g.files {
		if _, err := os.Stat(f.Destination); err != nil && !f.Absent {
			return
		}
	}
	for _, f := range g.files {
		s.setPlaced(f)
	}
}

func (s *Set) setPlaced(f *File) {
	if !f.placed || f.unplaced {
		f.placed, f.unplaced = true, false
		s.news.Placed = append(s.news.Placed, f.Index)
	}
}

func (s *Set) release(g *Group) {
	if g.held != "" {
		g.held = ""
		s.events(event.BundleReleased{Bundle: g.name, Failed: g.failed})
	}
}

// Done records the outcome of a change, and returns the destinations that have new
// bytes.
func (s *Set) Done(t Target, o Outcome, now time.Time) (changed []string) {
	g := t.group
	if o.placed() {
		for i, w := range t.Wants {
			if s.replaced(w, o.Results[i]) {
				changed = append(changed, w.File.Destination)
			}
		}
		s.news.Changed = append(s.news.Changed, changed...)
	}
	if o.Err == nil {
		g.applied, g.recheck = t.Hash, false
		s.release(g)
		s.recovered(g)
		if v := &g.verdict; v.Rejected != "" || v.Accepted != "" {
			*v = journal.Verdict{Pinned: v.Pinned}
		}
	} else {
		s.failed(t, o, now)
	}
	if o.RolledBack || t.Rollback { // the newest outputs are to be compared with what is there now
		g.recheck = true
		for _, f := range g.files {
			f.there = false
		}
	}
	if t.Rollback {
		g.applied = ""
		s.timers.Set(g, now)
	}
	return changed
}

const readableByAll = 0o004 // the mode bits that a file with secrets should not have

// replaced records that a file is as it is wanted. It reports whether it, or a file
// of its writeToFile, has changed.
func (s *Set) replaced(w Want, res Result) (changed bool) {
	f, out := w.File, w.Output
	other := f.sum != out.Sum
	wasThere := f.there
	isNews := !f.placed || !f.there || other || res.Change != renderer.Unchanged
	if other {
		f.secrets[1] = f.secrets[0] // the program that read it still knows them
	}
	f.secrets[0], f.secret = out.Secrets, out.Secret
	f.sum, f.there = out.Sum, true
	// The mode stays as it is: the program that reads the file relies on it.
	if out.Private && !f.exposed && !f.isStream() && s.spec.Policy != Print && runtime.GOOS != "windows" {
		if info, err := os.Stat(f.Destination); err == nil && info.Mode()&readableByAll != 0 {
			f.exposed = true
			s.events(event.Exposed{Template: f.Template, Destination: f.Destination, Mode: info.Mode() & fs.ModePerm})
		}
	}
	if s.spec.Policy != Together { // nothing needs the content any more
		f.newest = nil
	}
	e := event.Rendered{
		Template: f.Template, Destination: f.Destination, Removed: w.Place.Remove,
		Change: res.Change, InPlace: res.InPlace, Warnings: res.Warnings,
		Causes: f.causes.First, More: f.causes.More, First: !f.placed,
		Drifted: f.placed && !other && wasThere && res.Change != renderer.Unchanged,
	}
	f.causes, f.failure = templates.Causes{}, ""
	s.setPlaced(f)
	if isNews {
		if at := bytes.Index(out.Content, []byte(noValue)); at >= 0 {
			e.Warnings = append(slices.Clip(e.Warnings), fmt.Errorf(
				"%s: line %d holds %q: the template reads a key that a map does not have (error_on_missing_key = true makes that an error)",
				f.Destination, 1+bytes.Count(out.Content[:at], []byte("\n")), noValue))
		}
		s.events(e)
	}
	return res.Replaced || f.Shadowed && other
}

// noValue is what text/template writes for a key that a map does not have.
const noValue = "<no value>"

// recovered reports that g is right after changes had failed.
func (s *Set) recovered(g *Group) {
	f := g.files[0]
	if f.failures == 0 {
		return
	}
	e := event.Recovered{Bundle: g.name, Failures: f.failures}
	if s.spec.Policy != Together {
		e.Template, e.Destination = f.Template, f.Destination
	}
	f.failures = 0
	s.events(e)
}

// failed records that a change was not made, or not to its end.
func (s *Set) failed(t Target, o Outcome, now time.Time) {
	g, f, together := t.group, t.group.files[0], s.spec.Policy == Together
	o.Bundle = g.name
	if t.Rollback { // it is not tried again
		if !o.placed() {
			g.verdict.Pinned, g.verdict.Accepted = t.before.Pinned, t.before.Accepted
		}
		s.events(o.BundleFailed)
		return
	}
	f.there = f.there && together
	v := &g.verdict
	if v.Rejected != t.Hash {
		v.Rejected, v.Attempts, g.failures = t.Hash, 0, 0
	}
	g.failures++
	f.failures++
	wait := Delay(s.spec.Retry, g.failures)
	if o.Rejected() {
		v.Attempts++
		wait = max(wait, retryDelay)
		if g.rejected() {
			wait = min(minHeld<<min(v.Attempts-heldAttempts, 10), maxHeld)
		}
	}
	v.Reason, v.Retry, v.Accepted = o.Reason(), now.Add(wait), ""
	o.Attempt = f.failures
	var fatal error
	switch {
	case together && (s.once || s.spec.ExitOnFailure):
		fatal, wait = fmt.Errorf("%s: %s failed: %w (%s)", g.name, o.Step, o.Err, o.Files()), 0
	case !together && f.Fatal:
		fatal = o.Err
	case o.Last:
		wait = 0
	}
	switch {
	case fatal != nil && (s.once || !together): // fatal says the same
	case together || o.Step == event.Check:
		o.RetryIn, o.Held = wait, fatal == nil && !o.Last && g.rejected()
		s.events(o.BundleFailed)
	default:
		err := o.Err
		if e, ok := errors.AsType[*event.FileError](err); ok {
			err = e.Err // the event names the file
		}
		text := err.Error()
		s.events(event.Failed{Template: f.Template, Destination: f.Destination, Step: o.Step, Err: err, Attempt: f.failures, RetryIn: wait, Again: f.failure == text})
		f.failure = text
	}
	if fatal != nil {
		s.news.Fatal = errors.Join(s.news.Fatal, fatal)
		return
	}
	if g.rejected() {
		s.hold(g, g.verdict.Reason, true)
	}
	s.timers.Set(g, now)
}

// failedBefore reports that a check or probe of the last process has rejected the
// newest change of g, and that it is tried again.
func (s *Set) failedBefore(g *Group, retryIn time.Duration) {
	step, why, _ := strings.Cut(g.verdict.Reason, failedText)
	g.files[0].failures = g.verdict.Attempts
	s.events(event.BundleFailed{
		Bundle: g.name, Step: event.Step(step), Err: errors.New(why), RolledBack: event.Step(step) != event.Check,
		Attempt: g.verdict.Attempts, RetryIn: retryIn, Held: g.rejected(),
	})
	if g.rejected() {
		s.hold(g, g.verdict.Reason, true)
	}
}

// TakeOver takes over the state of the files that s has in common with old, which
// it replaces, and what people decided where both are the same bundle. Where elements
// come and go, it also takes over the newest outputs of the other files, and those that
// old has not taken, by their index there.
func (s *Set) TakeOver(old *Set, untaken map[int]templates.Result, same bool) {
	index := make(map[string]int) // in old, by key
	for i, f := range old.files {
		index[f.Key()] = i
	}
	isElement := func(m Member) bool { return m.ElementOf != "" }
	elements := slices.ContainsFunc(s.spec.Members, isElement) || slices.ContainsFunc(old.spec.Members, isElement)
	if same && s.spec.Policy == Together {
		from, to := old.groups[0], s.groups[0]
		to.verdict.Pinned, to.verdict.Accepted, to.recheck = from.verdict.Pinned, from.verdict.Accepted, true
		if elements { // it is a change, not a start
			to.applied, to.held, to.failed = from.applied, from.held, from.failed
			*to.debounce = *from.debounce
		}
	}
	for i, f := range s.files {
		at, ok := index[f.Key()]
		if !ok {
			continue
		}
		f.fileState = old.files[at].fileState
		stays := elements && s.spec.Policy == old.spec.Policy && reflect.DeepEqual(f.Member, old.files[at].Member)
		f.there = f.there && stays
		if f.placed {
			s.news.Placed = append(s.news.Placed, f.Index)
		}
		if !stays {
			continue
		}
		f.newest = old.files[at].newest
		if s.spec.Policy != Together {
			s.groups[i].applied = old.groups[at].applied
			if d := old.groups[at].debounce; !d.due.IsZero() {
				*s.groups[i].debounce = *d
			}
		}
		if r, ok := untaken[at]; ok {
			s.Take(i, r, time.Now())
		}
	}
	if elements {
		s.Reconsider(time.Now())
	}
}

// Resume takes over the verdict of the last process on a bundle with the policy
// Together.
func (s *Set) Resume(v journal.Verdict) {
	if latest := time.Now().Add(maxHeld); v.Retry.After(latest) { // the clock was wrong, or is
		v.Retry = latest
	}
	s.groups[0].verdict, s.groups[0].failures = v, v.Attempts
}

// Accept has the change made that is held: that of the file named, or of the whole
// bundle. It is an error that none is.
func (s *Set) Accept(name string, now time.Time) error {
	for _, g := range s.groups {
		if Path(g.name) != Path(name) || !g.complete() {
			continue
		}
		if hash := g.hash(); g.held != "" || g.verdict.Rejected == hash {
			g.verdict.Accepted, g.verdict.Pinned = hash, ""
			s.timers.Set(g, now)
			return nil
		}
	}
	return fmt.Errorf("no change of bundle %q is held: there is nothing to accept", name)
}

// Rollback returns the target that rolls back to a generation of a bundle with the
// policy Together.
func (s *Set) Rollback(gen history.Generation) (Target, error) {
	g := s.groups[0]
	if !g.complete() {
		return Target{}, fmt.Errorf("cannot roll back bundle %q: some of its templates wait for data", g.name)
	}
	t := Target{Name: g.name, Hash: gen.Hash, Reason: process.ReasonChange, Rollback: true, group: g, before: g.verdict}
	for _, f := range g.files {
		i := slices.IndexFunc(gen.Files, func(old history.File) bool { return old.Path == Path(f.Destination) })
		if i < 0 && f.ElementOf != "" { // the element came later
			t.Wants = append(t.Wants, f.want(&template.Result{Sum: absent}))
			continue
		}
		if i < 0 {
			return Target{}, fmt.Errorf("generation %d has no %s", gen.Number, f.Destination)
		}
		old := gen.Files[i]
		if old.Secret {
			return Target{}, fmt.Errorf("%s holds a secret, and generation %d was kept without secrets (history_secrets)", f.Destination, gen.Number)
		}
		w := f.want(&template.Result{Content: old.Content, Sum: template.NewSum(old.Content, nil)})
		w.Place.Perm, w.Place.User, w.Place.Group, w.Place.Differs = old.Perm, old.User, old.Group, false
		t.Wants = append(t.Wants, w)
	}
	return t, nil
}
