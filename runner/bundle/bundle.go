// Package bundle puts the files of templates in place and has a program load them:
// each change is a transaction.
//
// A [Bundle] is one goroutine, in Run, with its files (package group), its command
// and its entry in the journal. The loop of the runner gives it the newest outputs
// ([Bundle.Offer], which never waits) and receives a [Report]. A change has these
// steps, in Bundle.change:
//
//	settled   the data has been quiet (Wait), and no guard objects (package group)
//	staged    new content beside the destinations, on stable storage
//	checked   formats, the checks of files, the bundle's check
//	swapped   renamed into place; journaled before
//	reloaded  the command has read the new files
//	verified  the probes hold
//	applied
//
// A step before the swap that fails leaves the destinations untouched. A reload
// or verify that fails puts the old files back, where Rollback says so, and
// reloads again. What failed is tried again.
//
// With the policy Each the steps end with the swap: the command runs beside the
// goroutine, and the commands of all such bundles run one after another, in the
// order of their templates, through a [turn.Queue] (COMPAT 4.6.3). With Print the files
// are printed, and only those of writeToFile are written.
package bundle

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"restencil/renderer"
	"restencil/runner/bundle/group"
	"restencil/runner/bundle/turn"
	"restencil/runner/journal"
	"restencil/watch/schedule"
)

// A Bundle is a set of files that have one command in common.
type Bundle struct {
	spec   group.Spec
	shared *Shared
	checks bool      // something checks its files before they go in place
	after  []*Bundle // those that it replaces

	offers   chan Offer                 // capacity 1: the newest
	requests chan func(context.Context) // from people
	stop     chan struct{}
	done     chan struct{}

	// Owned by the goroutine in Run.
	groups       *group.Set
	command      command
	turn         *turn.Turn // nil: no other host has to wait
	entry        *entry
	began        time.Time
	reconciledAt time.Time // when the destinations were compared last, or Run began
	report       Report    // to be sent
}

// New returns a bundle whose Run is still to be called. It replaces others, which
// have been stopped: it waits for their end, and takes over their state.
func New(s group.Spec, shared *Shared, after ...*Bundle) *Bundle {
	e := &entry{journal: shared.State.Load().Journal, key: s.Key(), events: shared.Events}
	b := &Bundle{
		spec:     s,
		shared:   shared,
		after:    after,
		offers:   make(chan Offer, 1),
		requests: make(chan func(context.Context)),
		stop:     make(chan struct{}),
		done:     make(chan struct{}),
		command:  command{spec: s, shared: shared, entry: e, done: make(chan *commandRun, 1)},
		entry:    e,
		turn:     turn.New(s, shared.Attempts, shared.fleets, shared.Events),
	}
	b.checks = !s.Check.None() || slices.ContainsFunc(s.Members, func(m group.Member) bool { return m.Format != "" || !m.Check.None() })
	shared.Registry.set(b, true)
	return b
}

// Offer gives b the newest outputs of its templates, which replace those that it
// has not taken. It never waits. order is that of the first template among those of
// all bundles. Only one goroutine may call Offer.
func (b *Bundle) Offer(o Offer, order int) {
	if b.spec.Policy == group.Each && !b.spec.Reload.None() {
		o.ticket = b.shared.Queue.Reserve(o.Pass, order)
	}
	select {
	case older := <-b.offers:
		o = older.merge(o)
	default:
	}
	b.offers <- o
}

// Stop has b end after the change and the command that are under way. The bundle
// that replaces it takes over what is owed then.
func (b *Bundle) Stop() { close(b.stop) }

// Ended reports whether Run has returned.
func (b *Bundle) Ended() bool { return closed(b.done) }

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// Run puts outputs in place until Stop is called or ctx ends, which also ends a
// command that is running.
func (b *Bundle) Run(ctx context.Context) {
	defer close(b.done)
	defer b.end(ctx)
	if !b.begin(ctx) {
		return
	}
	for !closed(b.stop) { // before anything else
		b.advance(ctx)
		select {
		case <-ctx.Done():
			return
		case <-b.stop:
			return
		case o := <-b.offers:
			now := time.Now()
			for _, i := range slices.Sorted(maps.Keys(o.Outputs)) {
				f := b.groups.Take(i, o.Outputs[i], now)
				b.shared.Registry.SetSecrets(f.Key(), f.Secrets())
			}
			o.Outputs = nil
			if o.NotBefore != b.command.offered.NotBefore {
				b.groups.Reconsider(now)
			}
			if older := b.command.offered.ticket; older != nil { // the command keeps its place
				o.ticket.Release()
				o.ticket = older
			}
			b.command.offered = o
		case request := <-b.requests:
			request(ctx)
		case <-b.command.offered.ticket.Turn():
		case begin := <-b.turn.Granted():
			b.report.Fatal = begin()
			b.groups.Reconsider(time.Now())
		case run := <-b.command.done:
			b.command.finish(ctx, run, &b.report, false)
		case <-schedule.At(b.groups.Next(), b.nextReconcile(), b.command.again):
		}
	}
}

// begin waits for the bundles that b replaces, and takes over their state and that
// of the last process.
func (b *Bundle) begin(ctx context.Context) bool {
	b.groups = group.NewSet(b.spec, b.shared.Once, b.shared.Events)
	replaces := len(b.after) > 0
	for _, old := range b.after {
		select {
		case <-old.done:
			b.takeOver(old)
		case <-ctx.Done():
			return false
		}
	}
	b.after = nil
	b.began = time.Now()
	b.reconciledAt = b.began
	b.sweep(0, b.destinations())

	// With another spec, what was rejected may be good.
	st := b.entry.state()
	if st.Owed() {
		b.command.owed = true
		b.entry.owed = cmp.Or(b.entry.owed, st.Desired, newID()) // "" where the journal was damaged
		b.command.files.Add(st.Files...)
	}
	if b.entry.verdict = st.Verdict; !replaces && b.spec.Policy == group.Together {
		b.groups.Resume(st.Verdict)
	}
	return true
}

func (b *Bundle) destinations() (paths []string) {
	for _, m := range b.spec.Members {
		paths = append(paths, m.Destination)
	}
	return paths
}

// sweep removes what a process that was killed has left beside these paths, unless
// it was written so recently: another process with -once may run. With the policy
// Together, the journal decides when old files are removed.
func (b *Bundle) sweep(untouched time.Duration, paths []string) {
	p := b.spec.Policy
	if len(paths) == 0 || p == group.Print || b.shared.Preview || b.shared.State.Load().Unresolved || p == group.Together && b.entry.journal == nil {
		return
	}
	if b.shared.Once {
		untouched = time.Minute
	}
	renderer.Sweep(untouched, paths...)
}

// takeOver takes over the state of a bundle that has ended.
func (b *Bundle) takeOver(old *Bundle) {
	sameKey := b.entry.key == old.entry.key
	same := b.spec.Policy == old.spec.Policy && (sameKey ||
		b.spec.Policy == group.Each && slices.Equal(b.spec.Reload.Args, old.spec.Reload.Args))
	b.groups.TakeOver(old.groups, old.command.offered.Outputs, same)
	if same {
		others := b.command.files.List() // owed for by those before old
		b.command.runs, b.command.offered.NotBefore = old.command.runs, old.command.offered.NotBefore
		b.command.first = 0
		b.command.want(others, 0)
	}
	if sameKey {
		return
	}
	// What old owes for files of b, b owes now, by its own entry in the journal.
	if old.command.owed {
		owed := old.command.files.List()
		if old.spec.Policy != group.Each || len(owed) == 0 { // not known
			owed = old.destinations()
		}
		files := b.ownFiles(owed)
		if len(files) == 0 {
			return // the journal has what old owes: it may come back
		}
		b.entry.owe(files)
		b.command.want(files, 0)
	}
	if b.shared.Registry.has(old.entry.key, nil) {
		return
	}
	b.entry.do(func(j *journal.Journal) error {
		if old.spec.Policy == group.Together { // the generations stay: it may come back
			_, err := j.Applied(old.entry.key, newID(), nil)
			return err
		}
		return j.Forget(func(key string, _ time.Time) bool { return key == old.entry.key })
	})
}

// ownFiles returns those of some destinations for which b may owe its command.
func (b *Bundle) ownFiles(files []string) []string {
	if b.spec.Reload.None() {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(files), func(file string) bool {
		return !slices.ContainsFunc(b.spec.Members, func(m group.Member) bool { return m.Destination == file })
	})
}

// end waits for the command that is running, and releases the places in the queue,
// also that of an offer that was not taken.
func (b *Bundle) end(ctx context.Context) {
	if b.command.running {
		b.command.finish(ctx, <-b.command.done, &b.report, b.shared.Registry.removed(b))
	}
	if ctx.Err() == nil {
		b.send()
	}
	b.turn.Stop(ctx)
	b.shared.Registry.set(b, false)
	b.command.offered.ticket.Release()
	select {
	case o := <-b.offers:
		o.ticket.Release()
		b.command.offered.Outputs, b.command.offered.NotBefore = o.Outputs, o.NotBefore // not taken
	default:
	}
}

// advance does all that can be done now.
func (b *Bundle) advance(ctx context.Context) {
	now := time.Now()
	if at := b.nextReconcile(); !at.IsZero() && !now.Before(at) {
		b.reconciledAt = now
		b.report.Drifted = append(b.report.Drifted, b.groups.Drifted()...)
	}
	notBefore := b.command.offered.NotBefore
	if next := b.command.ended.Add(b.spec.MinInterval); b.spec.MinInterval > 0 && !b.command.ended.IsZero() && next.After(notBefore) {
		notBefore = next
	}
	due := b.groups.Due(now, b.command.owed, notBefore)
	b.saveVerdict()
	if len(due) > 0 && b.turn != nil && !b.entry.made(due[0]) && !b.turn.Taken(ctx) {
		due = nil
	}
	switch again := b.command.again; {
	case len(due) > 0:
		b.change(ctx, due...)
	case b.spec.Policy == group.Together && !again.IsZero() && !now.Before(again):
		b.retryLoadOld(ctx)
	}
	b.turn.Done(ctx)
	if b.spec.Policy == group.Each {
		b.command.start(ctx, b.groups)
	}
	if ctx.Err() == nil {
		b.send()
	}
}

// nextReconcile returns when the destinations are to be compared, zero: never.
func (b *Bundle) nextReconcile() time.Time {
	every := b.shared.State.Load().Reconcile
	if every <= 0 || b.shared.Once || b.spec.Policy == group.Print {
		return time.Time{}
	}
	return b.reconciledAt.Add(every)
}

// saveVerdict writes what was decided about changes to the journal.
func (b *Bundle) saveVerdict() {
	if v := b.groups.Verdict(); v != b.entry.verdict {
		b.entry.verdict = v
		b.entry.do(func(j *journal.Journal) error { return j.Remember(b.entry.key, v) })
	}
}

// send sends the report, unless there is nothing to report.
func (b *Bundle) send() {
	r, news := b.report, b.groups.News()
	b.report = Report{}
	news.Fatal = errors.Join(r.Fatal, news.Fatal)
	r.Bundle, r.News = b, news
	c := &b.command
	ran := b.spec.Policy != group.Each || !c.running && (!c.owed || c.failures > 0)
	if ran && !b.turn.Waits() && b.groups.Settled(time.Now()) { // all is done that can be done without waiting
		r.Pass = c.offered.Pass
	}
	if r.Pass > 0 || len(r.Placed)+len(r.Changed)+len(r.Drifted) > 0 || r.Command != nil || r.Fatal != nil {
		b.shared.Report(r)
	}
}

// Accept has the change made that is held: that of the file named, or of the whole
// bundle. It is an error that none is. Where the fleet is stopped, all hosts go on.
// Accept returns before the change is made, or with the cause of ctx's end.
func (b *Bundle) Accept(ctx context.Context, name string) error {
	return b.request(ctx, func(ctx context.Context) error {
		defer b.saveVerdict()
		if stopped, err := b.turn.Resume(ctx); stopped {
			return err
		}
		return b.groups.Accept(name, time.Now())
	})
}

// Rollback puts a generation of the files back, which the journal keeps, 0: that before the
// newest, runs the command, and returns the number, or the error of that. The newest change is
// held until other data comes, or it is accepted.
func (b *Bundle) Rollback(ctx context.Context, generation int) (number int, err error) {
	err = b.request(ctx, func(ctx context.Context) error {
		switch {
		case b.spec.Policy != group.Together:
			return fmt.Errorf("no generations of %q are kept: its files are replaced one by one (put their templates in a bundle)", b.spec.Name)
		case b.entry.journal == nil:
			return errors.New("there is no history: no state directory is in use")
		}
		gen, err := b.entry.journal.Generation(b.entry.key, generation)
		if err != nil {
			return err
		}
		target, err := b.groups.Rollback(gen)
		if err != nil {
			return err
		}
		if err := b.change(ctx, target); err != nil {
			return fmt.Errorf("rolling bundle %q back to generation %d: %w", b.spec.Name, gen.Number, err)
		}
		number = gen.Number
		return nil
	})
	if err != nil {
		return 0, err // it may go on
	}
	return number, nil
}

// request has the goroutine of b call do, and returns its error, or that b has
// ended.
func (b *Bundle) request(ctx context.Context, do func(context.Context) error) error {
	answer := make(chan error, 1)
	select {
	case b.requests <- func(ctx context.Context) { answer <- do(ctx) }:
	case <-b.done:
		return fmt.Errorf("bundle %q was replaced meanwhile: try again", b.spec.Name)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
