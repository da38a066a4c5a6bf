package vault

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"restencil/watch"
	"restencil/watch/schedule"
	"restencil/watch/vault/lease"
)

// A loop keeps all queries of a source. It belongs to the goroutine of Run; its
// visits, each in a goroutine of its own, report to it when they end.
type loop struct {
	options   Options
	desk      *desk
	holder    holder
	ledger    *ledger
	namespace string // of the client

	ctx     context.Context
	grace   context.Context // of visits that may issue something: ends a little later
	reports chan report
	busy    int // visits under way, and the probe

	entries map[watch.ID]*entry
	timers  schedule.Timers[*entry] // when an entry comes up
	shelved int                     // how many entries nobody watches

	mounts  mounts
	outage  outage
	lacking entries // they wait for a token
	speaker *entry  // of all that wait, the one that is not silent; nil: see speak

	cred    credential
	credErr error // why there is none
	silence int   // counts the times that there was none
	tenures map[int]*tenure
}

// A report is what a visit brings back to the loop.
type report struct {
	entry *entry // nil: it was the probe
	cred  credential
	begun time.Time
	apply func(*loop, report) // what to make of it
	err   error
}

func newLoop(o Options, d *desk, h holder, l *ledger, namespace string) *loop {
	return &loop{
		options: o, desk: d, holder: h, ledger: l, namespace: namespace,
		reports: make(chan report),
		entries: make(map[watch.ID]*entry),
		lacking: make(entries),
		mounts:  newMounts(),
		tenures: make(map[int]*tenure),
	}
}

// run serves the queries that come in until ctx ends and every visit has.
func (l *loop) run(ctx context.Context, in *inbox) {
	var abandon context.CancelFunc
	l.ctx = ctx
	l.grace, abandon = context.WithCancel(context.WithoutCancel(ctx))
	defer abandon()
	timer := time.NewTimer(0)
	defer timer.Stop()
	l.takeCredential(time.Now())
	for ctx.Err() == nil {
		l.takeOrders(in.take())
		timer.Reset(l.proceed())
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-in.wake:
		case <-l.holder.changed():
			l.takeCredential(time.Now())
		case r := <-l.reports:
			l.settle(r)
		}
	}
	last := time.AfterFunc(farewell, abandon)
	defer last.Stop()
	for ; l.busy > 0; l.busy-- {
		<-l.reports
	}
}

// farewell is how long a request that may issue something may still take when
// all ends: what it issues can be given back only if it is known.
const farewell = time.Second

// aWhile is the wait where nothing is due.
const aWhile = time.Hour

// proceed begins what is due, as far as there is room for it, and returns how
// long there is nothing more to do.
func (l *loop) proceed() time.Duration {
	now := time.Now()
	l.probe(now)
	for l.busy < l.room() {
		e, ok := l.timers.Pop(now)
		if !ok {
			if next := l.timers.Next(); !next.IsZero() {
				return l.pause(next.Sub(now), now)
			}
			break
		}
		l.begin(e, now)
	}
	return l.pause(aWhile, now)
}

// pause returns d, or the time until the next probe where that is less.
func (l *loop) pause(d time.Duration, now time.Time) time.Duration {
	if l.outage.since.IsZero() || l.outage.probing || l.busy >= l.options.MaxRequests {
		return min(d, aWhile)
	}
	return max(0, min(d, aWhile, l.outage.next.Sub(now)))
}

// room is how many visits may be under way: all but one of the requests, which
// is left for the probe.
func (l *loop) room() int { return max(1, l.options.MaxRequests-1) }

// begin does what is due of an entry.
func (l *loop) begin(e *entry, now time.Time) {
	switch {
	case e.sink == nil:
		l.forget(e)
	case e.subject.alone():
		l.visit(e)
	case !l.outage.since.IsZero():
		l.await(e, now)
	case l.credErr != nil:
		l.lack(e, now)
	case !l.mounted(e, now):
	default:
		l.step(e, now)
	}
}

// step renews what e holds, or asks anew.
func (l *loop) step(e *entry, now time.Time) {
	if e.renews(now) {
		e.again = false
		l.renew(e)
		return
	}
	l.visit(e)
}

// visit has the subject of e ask, in a goroutine.
func (l *loop) visit(e *entry) {
	m, blind := l.mounts.find(e.subject.at())
	v := visit{desk: l.desk, id: e.id, cred: l.cred, mount: m, blind: blind}
	l.dispatch(e, l.mayMake(e, m), func(ctx context.Context, r *report) {
		o, err := e.subject.ask(ctx, v)
		r.err = err
		r.apply = func(l *loop, r report) { l.answered(r, o) }
	})
}

// mayMake tells whether a visit may issue or write something, which must not
// be lost.
func (l *loop) mayMake(e *entry, m mount) bool {
	switch e.query.Kind {
	case watch.VaultList:
		return false
	case watch.VaultRead:
		return !m.versioned && (!e.known || e.held.Leased())
	}
	return true
}

// dispatch has do do its work in a goroutine, whose report will be settled. It
// says whether that may issue or write something.
func (l *loop) dispatch(e *entry, makes bool, do func(context.Context, *report)) {
	parent := l.ctx
	if makes {
		parent = l.grace
	}
	ctx, cancel := context.WithCancel(parent)
	r := report{entry: e, cred: l.cred, begun: time.Now()}
	if e != nil {
		e.visiting, e.makes, e.cancel = true, makes, cancel
	}
	l.busy++
	go func() {
		defer cancel()
		do(ctx, &r)
		l.reports <- r
	}()
}

// settle takes a report.
func (l *loop) settle(r report) {
	l.busy--
	if l.ctx.Err() != nil {
		return
	}
	if r.entry != nil {
		r.entry.visiting, r.entry.cancel = false, nil
	}
	r.apply(l, r)
}

// answered takes what a visit brought.
func (l *loop) answered(r report, o outcome) {
	e, now := r.entry, time.Now()
	if e.gone {
		return
	}
	if o.blind {
		l.mounts.blinded(e.subject.at())
	}
	if l.looksAgain(e, o.absent || isMissing(r.err), now) {
		l.retry(e, now)
		return
	}
	for _, w := range o.warnings {
		l.notice(e, w)
	}
	if r.err == nil {
		r.err = l.accept(r, o, now)
	}
	if r.err != nil {
		l.failed(r, now)
	}
}

// accept makes an outcome the answer of its entry.
func (l *loop) accept(r report, o outcome, now time.Time) error {
	e := r.entry
	held, err := l.held(e, o, r.begun, now)
	if err != nil {
		return err
	}
	if o.same {
		if e.failing {
			e.publish(now)
		}
		l.healed(e)
		l.keep(e, held)
		return nil
	}
	e.known, e.data, e.made, e.expires = true, o.data, o.made, o.ends
	e.move, e.again, e.checked, e.tenure = time.Time{}, false, false, nil
	if held.Leased() && hangsOnToken(e.query, held) {
		e.tenure = l.tenureOf(r.cred)
	}
	e.publish(now)
	l.healed(e)
	l.keep(e, held)
	return nil
}

func (l *loop) rules() lease.Rules {
	return lease.Rules{Threshold: l.options.Threshold, Default: l.options.DefaultLease}
}

// held returns how long an outcome is good.
func (l *loop) held(e *entry, o outcome, from, now time.Time) (lease.Lease, error) {
	switch {
	case !o.next.IsZero():
		t := lease.Terms{Life: o.next.Sub(now), Exact: true}
		if o.secret != nil {
			t.ID = o.secret.LeaseID
		}
		return lease.New(t, now, l.rules(), 0), nil
	case e.query.Kind == watch.VaultList && o.refresh == 0:
		o.refresh = l.options.DefaultLease
	}
	o.refresh -= spread(o.refresh / 20)
	t, err := lease.Of(o.secret, from)
	if err != nil {
		return lease.Lease{}, err
	}
	if o.refresh > 0 && !t.Leased() {
		t = lease.Terms{Life: o.refresh, Exact: true}
	}
	return lease.New(t, from, l.rules(), rand.Float64()), nil
}

// keep notes what e holds, and when that is to be seen to.
func (l *loop) keep(e *entry, held lease.Lease) {
	e.held = held
	if t := e.tenure; t != nil && (t.refused || t.generation != l.cred.generation) && l.credErr == nil {
		l.move(e, time.Now())
	}
	if e.sink == nil {
		l.shelve(e)
		return
	}
	_, at := e.step()
	l.timers.Set(e, at)
}

func (l *loop) healed(e *entry) {
	e.failures, e.denied = 0, false
	l.outage.left(e)
}

// notice tells people of a warning, once.
func (l *loop) notice(e *entry, text string) {
	if l.options.Notice != nil && e.warn(text) {
		l.options.Notice(&watch.Error{Query: e.query, Err: errors.New(text)})
	}
}
