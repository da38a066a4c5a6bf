// Package model makes the status of a runner of its events alone.
//
// A [Model] takes in each event ([Model.Apply]), which costs little, and returns a
// copy of the whole for whoever looks ([Model.Snapshot]). What a source alone knows,
// such as how it keeps a query current, is added when somebody looks (watch.Inspection).
package model

import (
	"sync"
	"time"

	"restencil/runner/event"
	"restencil/runner/status"
	"restencil/watch"
)

// A Model is the state of a runner. Make one with New. Its methods may be called
// from any goroutine.
type Model struct {
	recentMu sync.Mutex
	recent   []happened // events that are not yet in what follows, in order

	mu        sync.Mutex // guards what follows
	taken     []happened // its array is that of the next recent
	listener  Listener   // nil: none
	templates map[event.Output]*templateState
	byName    map[string]*bundleState
	byFile    map[string]*bundleState
	facts
}

// Facts are what a Status is made of.
type facts struct {
	began   time.Time
	ready   bool
	local   string // as in event.Planned
	bundles []*bundleState
	queries map[watch.ID]event.Update  // those that are watched, with the newest of each
	ended   map[watch.ID]watch.Failure // the last failure of queries that have failed and are answered again
	outages map[place]outage
	journal error  // why it cannot be written, nil: it can
	config  outage // why it cannot be used as it is on disk, and since when; err nil: it can
	child   childState
	changes []*change // those that have ended, the newest last
}

// A happened is an event and when it happened.
type happened struct {
	at    time.Time
	event event.Event
}

// mostRecent is how many events wait until somebody looks: so few that they hold next
// to nothing, and so many that to take them in costs little.
const mostRecent = 64

// A Listener hears what a Model forgets, perhaps long after it happened, but before
// Snapshot returns. It must not call methods of the Model.
type Listener interface {
	Executed(event.Executed)
	Changed(status.Change) // a change has ended
}

// New returns the model of a runner that begins at now.
func New(now time.Time) *Model {
	return &Model{
		templates: make(map[event.Output]*templateState),
		byName:    make(map[string]*bundleState),
		facts: facts{
			began:   now,
			queries: make(map[watch.ID]event.Update),
			ended:   make(map[watch.ID]watch.Failure),
			outages: make(map[place]outage),
		},
	}
}

// Listen has l hear of the events that are applied from now on, nil: nobody.
func (m *Model) Listen(l Listener) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.takeIn()
	m.listener = l
}

// A place is a store, or a part of it, as in event.StoreAway.
type place struct {
	store watch.Store
	part  string
}

// An outage is that a place is away, or the configuration cannot be used.
type outage struct {
	since time.Time
	err   error
}

// A templateState is what is known of a template.
type templateState struct {
	event.Output
	bundle *bundleState
	loaded time.Time // when it came

	executed event.Executed // the last
	at       time.Time      // when
	rendered event.Rendered // the last
	right    time.Time      // when; zero: never
	failed   event.Failed   // the last, while it counts; Err nil: it does not
	failedAt time.Time      // when
	failing  time.Time      // since when it fails
	waiting  event.Waiting  // the last
	slow     time.Time      // since when it is being executed, where that takes long; else zero
	exposed  bool
	unstable bool
	added    bool // it is an element that a list got after the first ones
}

// A delay is what a change of a bundle waits for before it begins.
type delay struct {
	settles  time.Time          // until when it is settling; zero: it is not
	settling time.Time          // since when that, or the turn, is waited for
	turn     event.WaitsForTurn // zero: it does not wait for its turn
	hasTurn  bool
}

// most is how many things of a kind are named: missing queries, say.
const most = 5

// firstOf returns the first of queries, which are named.
func firstOf(queries []watch.ID) []watch.ID { return queries[:min(len(queries), most)] }

// A bundleState is what is known of a bundle.
type bundleState struct {
	event.Bundle
	templates []*templateState

	applied time.Time // when it was last; zero: it was not
	delay
	failure   event.BundleFailed // the last, while it counts; Err nil: it does not
	failing   time.Time          // since when
	retry     time.Time          // the next attempt; zero: there is none
	held      event.BundleHeld   // Reason "": it is not
	heldSince time.Time
	staged    time.Time // when its newest change came to its first step
	change    *change   // that is under way; nil: none
	last      *change   // the newest that has ended and changed something; nil: none
}

// A childState is what is known of the child.
type childState struct {
	command []string // nil: there is none
	state   string
	since   time.Time
	process int
	ended   event.ChildEnded
	last    bool // there is none after it
}

// Apply takes in an event that happens at now. Most events are only kept until somebody
// looks: what a change has to wait for is short.
func (m *Model) Apply(now time.Time, e event.Event) {
	m.recentMu.Lock()
	m.recent = append(m.recent, happened{now, e})
	full := len(m.recent) >= mostRecent
	m.recentMu.Unlock()
	if full && m.mu.TryLock() { // else somebody looks, for whom nobody waits here
		m.takeIn()
		m.mu.Unlock()
	}
}

// takeIn takes in the recent events.
func (m *Model) takeIn() {
	m.recentMu.Lock()
	m.recent, m.taken = m.taken[:0], m.recent
	m.recentMu.Unlock()
	for _, h := range m.taken {
		m.apply(h.at, h.event)
	}
	clear(m.taken)
}

// apply takes in what becomes of the whole, of queries and of templates.
func (m *Model) apply(now time.Time, e event.Event) {
	switch e := e.(type) {
	case event.Loaded:
		m.load(now, e)
	case event.Planned:
		m.plan(e)
	case event.Ready:
		m.ready = true
	case event.Reloaded:
		if m.config.err == nil {
			m.config.since = now
		}
		m.config.err = e.Err
	case event.JournalFailed:
		m.journal = e.Err
	case event.JournalRecovered:
		m.journal = nil
	case event.StoreAway:
		m.outages[place{e.Store, e.Part}] = outage{now, e.Err}
	case event.StoreBack:
		delete(m.outages, place{e.Store, e.Part})
	case event.Watched:
		for _, id := range e.Dropped {
			delete(m.queries, id)
			delete(m.ended, id)
		}
		for _, id := range e.Added {
			m.queries[id] = event.Update{Query: id}
		}
	case event.Updated:
		for _, up := range e.Updates {
			old, watched := m.queries[up.Query]
			if !watched {
				continue
			}
			if up.Failure == nil && old.Failure != nil {
				m.ended[up.Query] = *old.Failure
			}
			m.queries[up.Query] = up
		}
	case event.Executed:
		if m.listener != nil {
			m.listener.Executed(e)
		}
		t := m.template(e.Template, e.Destination)
		t.executed, t.at, t.slow = e, now, time.Time{}
	case event.Slow:
		m.template(e.Template, e.Destination).slow = e.Since
	case event.Waiting:
		m.template(e.Template, e.Destination).waiting = e
	case event.Failed:
		t := m.template(e.Template, e.Destination)
		if t.failed.Err == nil {
			t.failing = now
		}
		t.failed, t.failedAt = e, now
		if b := t.bundle; b != nil && b.change != nil && !b.Named && last(b.change) < reload { // its file could not be written
			m.end(now, b, "failed", e.Err)
		}
	case event.Recovered:
		m.template(e.Template, e.Destination).failed = event.Failed{}
		m.bundle(e.Bundle).failure = event.BundleFailed{}
	case event.Rendered:
		t := m.template(e.Template, e.Destination)
		t.rendered, t.right, t.failed, t.unstable = e, now, event.Failed{}, false
		m.render(t)
	case event.Exposed:
		m.template(e.Template, e.Destination).exposed = true
	case event.Unstable:
		m.template(e.Template, e.Destination).unstable = true
	default:
		m.applyChange(now, e)
	}
}

// load takes in which templates there are. Those that were there keep their state.
func (m *Model) load(now time.Time, e event.Loaded) {
	old := m.templates
	m.templates = make(map[event.Output]*templateState, len(e.Templates))
	for _, o := range e.Templates {
		t := old[o]
		if t == nil {
			t = &templateState{Output: o, loaded: now}
		}
		m.templates[o] = t
	}
}

// plan takes in which bundles there are.
func (m *Model) plan(e event.Planned) {
	old := m.byName
	m.local, m.bundles = e.Local, nil
	m.child.last = e.Childless
	m.byName, m.byFile = make(map[string]*bundleState, len(e.Bundles)), make(map[string]*bundleState, len(m.templates))
	for _, spec := range e.Bundles {
		b := m.byName[spec.Name]
		if b == nil {
			b = &bundleState{}
			if was := old[spec.Name]; was != nil && spec.Kept {
				b = was
			} else if was != nil {
				b.last, b.applied, b.staged, b.change = was.last, was.applied, was.staged, was.change
			}
			b.Bundle, b.templates = spec, nil
			m.byName[spec.Name] = b
			m.bundles = append(m.bundles, b)
		}
		for _, o := range spec.Members {
			if t := m.templates[o]; t != nil {
				if list := old[e.Elements[o]]; t.bundle == nil && list != nil {
					t.added = list.List
				}
				t.bundle, m.byFile[o.Destination] = b, b
				b.templates = append(b.templates, t)
			}
		}
	}
}

// template returns a template, which an event is about. Where there is none, it is one
// that nobody sees.
func (m *Model) template(name, destination string) *templateState {
	if t := m.templates[event.Output{Template: name, Destination: destination}]; t != nil {
		return t
	}
	return &templateState{}
}

// bundle returns a bundle, which an event is about. Where there is none, it is one that
// nobody sees.
func (m *Model) bundle(name string) *bundleState {
	if b := m.byName[name]; b != nil {
		return b
	}
	return &bundleState{}
}

// applyChange takes in what becomes of the changes of bundles, of the child, or of a command
// that several bundles may share: those of its files.
func (m *Model) applyChange(now time.Time, e event.Event) {
	switch e := e.(type) {
	case event.Settling:
		b := m.bundle(e.Bundle)
		if b.settles.IsZero() {
			b.settling = now
		}
		b.settles = e.Until
	case event.WaitsForTurn:
		b := m.bundle(e.Bundle)
		if e.Err != nil && e.RetryIn == 0 {
			break // others could not be stopped
		}
		b.hasTurn = e.Has
		if b.turn == (event.WaitsForTurn{}) {
			b.settling = now
		}
		if e.Holders != "" {
			b.turn.Rolling, b.turn.Holders = e.Rolling, e.Holders
			break
		}
		e.Holders = b.turn.Holders
		if b.turn = e; e.Over || e.Proceeds {
			b.turn = event.WaitsForTurn{}
		}
	case event.Stepping:
		for _, name := range e.Bundles {
			m.step(now, m.bundle(name), e)
		}
	case event.BundleApplied:
		b := m.bundle(e.Bundle)
		b.failure, b.held, b.applied = event.BundleFailed{}, event.BundleHeld{}, now
		if b.change != nil {
			b.change.generation = e.Generation
		}
		m.end(now, b, "applied", nil)
	case event.BundleFailed:
		b := m.bundle(e.Bundle)
		b.fail(now, e)
		outcome := "failed"
		if e.RolledBack {
			outcome = "rolled back"
		}
		m.end(now, b, outcome, e.Err)
	case event.BundleHeld:
		b := m.bundle(e.Bundle)
		b.held, b.heldSince, b.settles = e, now, time.Time{}
	case event.BundleReleased:
		b := m.bundle(e.Bundle)
		b.held, b.failure = event.BundleHeld{}, event.BundleFailed{}
	case event.CommandStarted:
		m.ofFiles(e.Files, func(b *bundleState) {
			m.step(now, b, event.Stepping{Step: event.Reload})
		})
	case event.CommandDone:
		m.ofFiles(e.Files, func(b *bundleState) {
			if b.failure.Step == event.Reload {
				b.failure = event.BundleFailed{}
			}
			b.applied = now
			m.end(now, b, "applied", nil)
		})
	case event.CommandFailed:
		m.ofFiles(e.Files, func(b *bundleState) {
			b.fail(now, event.BundleFailed{Step: event.Reload, Err: e.Err, Output: e.Output, Attempt: e.Attempt, RetryIn: e.RetryIn})
			m.end(now, b, "failed", e.Err)
		})
	case event.ChildStarted:
		m.child = childState{command: e.Args, state: "running", since: now, process: e.Process, last: m.child.last}
	case event.ChildEnding:
		m.child.state, m.child.since = "ending", now
	case event.ChildEnded:
		m.child = childState{command: e.Args, state: "ended", since: now, ended: e, last: m.child.last}
	}
}

// ofFiles calls do for the bundles that have these destinations.
func (m *Model) ofFiles(files []string, do func(*bundleState)) {
	for _, file := range files {
		if b := m.byFile[file]; b != nil {
			do(b)
		}
	}
}

func (b *bundleState) fail(now time.Time, e event.BundleFailed) {
	if b.failure.Err == nil {
		b.failing = now
	}
	b.failure, b.retry = e, time.Time{}
	if e.RetryIn > 0 {
		b.retry = now.Add(e.RetryIn)
	}
}
