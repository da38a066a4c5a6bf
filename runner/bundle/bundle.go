package bundle

import (
	"context"
	"errors"
	"fmt"
	"time"

	"restencil/renderer"
	"restencil/watch/schedule"
)

// A Bundle is a set of files that have one command in common. See the package
// comment.
type Bundle struct {
	spec   Spec
	shared *Shared
	after  []*Bundle // whose place it takes

	offers   chan Offer                 // capacity 1: the newest
	requests chan func(context.Context) // from people
	stop     chan struct{}
	done     chan struct{}

	// Of the goroutine in Run alone.
	groups  []*group
	touched []*group                // to be looked at now
	timers  schedule.Timers[*group] // when to look at a group by itself
	command command
	memory  memory
	offered offered
	driftAt time.Time // when the destinations are looked at, zero: never
	report  Report    // to be sent
}

// offered is what is known of the newest offer.
type offered struct {
	pass        int
	outstanding bool    // as in Offer
	ticket      *Ticket // the place in the lane, nil: none
}

// New returns a bundle whose Run is still to be called. It takes the place of
// others, which have been stopped: it begins when they have ended, and takes
// over what they knew.
func New(s Spec, shared *Shared, after ...*Bundle) *Bundle {
	return &Bundle{
		spec:     s,
		shared:   shared,
		after:    after,
		offers:   make(chan Offer, 1),
		requests: make(chan func(context.Context)),
		stop:     make(chan struct{}),
		done:     make(chan struct{}),
		groups:   newGroups(s),
		command:  command{spec: s, shared: shared, done: make(chan *commandRun, 1)},
		memory:   memory{journal: shared.Journal, key: s.Key(), events: shared.Events},
	}
}

// Spec returns what b was made of.
func (b *Bundle) Spec() Spec { return b.spec }

// Offer gives b the newest outputs of its templates: what was offered before and
// not taken yet is replaced. It never waits. order is that of the first template
// among those of all bundles. Only one goroutine may call Offer.
func (b *Bundle) Offer(o Offer, order int) {
	if b.spec.Policy == Each && !b.spec.Reload.None() {
		o.ticket = b.shared.Lane.Reserve(o.Pass, order)
	}
	select {
	case older := <-b.offers:
		o = older.merge(o)
	default:
	}
	b.offers <- o
}

// Stop has b end as soon as what it is doing is done: a command that is running
// may end. Whatever is owed then, the bundle that takes its place knows.
func (b *Bundle) Stop() { close(b.stop) }

// Done is closed when Run has returned.
func (b *Bundle) Done() <-chan struct{} { return b.done }

// Run does what there is to do until Stop or the end of ctx, which ends the
// command that is running, too.
func (b *Bundle) Run(ctx context.Context) {
	defer close(b.done)
	defer b.end(ctx)
	if !b.begin(ctx) {
		return
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		b.advance(ctx)
		timer.Stop()
		if at := b.next(); !at.IsZero() {
			timer.Reset(time.Until(at))
		}
		select {
		case <-b.stop: // before anything else that may be there
			return
		default:
		}
		select {
		case <-ctx.Done():
			return
		case <-b.stop:
			return
		case o := <-b.offers:
			b.take(o, time.Now())
		case request := <-b.requests:
			request(ctx)
		case <-b.offered.ticket.Turn():
		case run := <-b.command.done:
			b.commandEnded(ctx, run)
		case <-timer.C:
		}
	}
}

// end waits for the command that is running, and gives back the places in the
// lane, also that of an offer that was not taken.
func (b *Bundle) end(ctx context.Context) {
	if b.command.running {
		b.commandEnded(ctx, <-b.command.done)
		if ctx.Err() == nil {
			b.send()
		}
	}
	b.offered.ticket.Release()
	select {
	case o := <-b.offers:
		o.ticket.Release()
	default:
	}
}

// begin waits for the bundles whose place b takes, and recalls what is known.
func (b *Bundle) begin(ctx context.Context) bool {
	renewed := len(b.after) > 0
	for _, old := range b.after {
		select {
		case <-old.done:
			b.inherit(old)
		case <-ctx.Done():
			return false
		}
	}
	b.after = nil
	for _, g := range b.groups {
		for _, m := range g.members {
			m.stream = renderer.StreamOf(m.Destination)
		}
	}
	b.sweep()
	b.recall(renewed)
	return true
}

// advance does all that can be done now.
func (b *Bundle) advance(ctx context.Context) {
	now := time.Now()
	b.lookForDrift(now)
	for _, g := range b.timers.PopAll(now) {
		b.touch(g)
	}
	if due := b.due(now); len(due) > 0 {
		b.change(ctx, due)
	}
	if b.spec.Policy == Each {
		b.startCommand(ctx)
	}
	if ctx.Err() == nil {
		b.send()
	}
}

// send reports what is new.
func (b *Bundle) send() {
	r := b.report
	r.Bundle = b
	if b.settled() {
		r.Pass = b.offered.pass
	}
	b.report = Report{}
	if r.Pass > 0 || len(r.Placed)+len(r.Changed)+len(r.Again) > 0 || r.Command != nil || r.Fatal != nil {
		b.shared.Report(r)
	}
}

// settled tells whether all is done that can be done without waiting for a
// time that somebody has set, for data, or for a person.
func (b *Bundle) settled() bool {
	if len(b.touched) > 0 {
		return false
	}
	for _, g := range b.groups {
		if g.gathering {
			return false
		}
	}
	c := &b.command
	return !c.running && (!c.owed || b.spec.Policy != Each || c.failures > 0 || c.resting)
}

// next is when there is something to do by itself, zero: never.
func (b *Bundle) next() time.Time {
	now := time.Now()
	if len(b.touched) > 0 {
		return now
	}
	at := earliest(b.timers.Next(), b.driftAt)
	if b.spec.Policy == Each && b.command.owed && b.allPlaced() && b.offered.ticket == nil {
		at = earliest(at, b.command.at(now, b.offered.outstanding))
	}
	return at
}

// earliest returns the sooner of two times, where zero is never.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// ask has the goroutine of b do something, and returns its error. The error may
// also be that b has ended.
func (b *Bundle) ask(ctx context.Context, do func(context.Context) error) error {
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

// fail has the runner end with err.
func (b *Bundle) fail(err error) {
	b.report.Fatal = errors.Join(b.report.Fatal, err)
}
