package consul

import (
	"context"
	"reflect"
	"slices"
	"sync"
	"time"

	"restencil/watch"
	"restencil/watch/consul/discovery"
	"restencil/watch/consul/fetch"
	"restencil/watch/consul/plan"
	"restencil/watch/schedule"
)

// A serviceWatch keeps the services and nodes of one scope current that share
// requests. It does what a discovery asks for.
type serviceWatch struct {
	s     *Source
	scope plan.Scope
	wake  schedule.Wakeup // of the poller
	users int             // the source's lock guards it

	mu      sync.Mutex
	d       *discovery.Discovery
	ctx     context.Context // of run; nil: it is not under way
	group   sync.WaitGroup
	held    map[discovery.Source]*holder
	members map[watch.ID]*serviceMember
}

// A holder takes the replies to a blocking query, or to a read of a node.
type holder struct {
	w      *serviceWatch
	source discovery.Source
	plain  bool
	ended  bool
	cancel context.CancelFunc
}

// A serviceMember is a query of a serviceWatch.
type serviceMember struct {
	w   *serviceWatch
	sub *subscription

	known bool
	last  reply // what was taken last

	reader *memberReceiver
}

// A memberReceiver takes the replies to a member's query from one requester: that
// which holds it, or reads it, at the time.
type memberReceiver struct {
	reading
	member *serviceMember
	ended  bool
	answer *discovery.Answer // that the discovery has not been told of: a read is not done yet
}

func newServiceWatch(s *Source, scope plan.Scope, room int) *serviceWatch {
	return &serviceWatch{
		s: s, scope: scope, wake: s.watches.poller.wake,
		d:    discovery.New(room, time.Now()),
		held: make(map[discovery.Source]*holder), members: make(map[watch.ID]*serviceMember),
	}
}

// run holds requests until ctx ends.
func (w *serviceWatch) run(ctx context.Context) {
	w.change(func(time.Time) { w.ctx = ctx })
	<-ctx.Done()
	w.change(func(time.Time) { w.ctx = nil })
	w.group.Wait()
}

// change changes the discovery, and does what follows.
func (w *serviceWatch) change(do func(now time.Time)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	do(time.Now())
	w.move()
	w.wake.Wake()
}

func (w *serviceWatch) add(sub *subscription) {
	w.change(func(now time.Time) {
		w.members[sub.id] = &serviceMember{w: w, sub: sub}
		w.d.Add(sub.id, now)
	})
}

func (w *serviceWatch) remove(sub *subscription) {
	w.change(func(now time.Time) {
		w.d.Remove(sub.id, now)
		w.move()
		w.members[sub.id].end()
		delete(w.members, sub.id)
	})
}

func (w *serviceWatch) setRoom(room int) {
	w.change(func(now time.Time) { w.d.SetRoom(room, now) })
}

// move begins and ends blocking queries. The caller holds the lock.
func (w *serviceWatch) move() {
	if w.ctx == nil {
		return
	}
	for _, m := range w.d.Moves() {
		if h := w.held[m.Source]; h != nil {
			h.ended = true
			h.cancel()
			delete(w.held, m.Source)
		}
		member := w.members[m.Source.Query]
		if member != nil {
			member.end()
		}
		if m.Hold {
			w.hold(m.Source, member)
		}
	}
}

// hold begins a blocking query.
func (w *serviceWatch) hold(source discovery.Source, member *serviceMember) {
	h := &holder{w: w, source: source}
	w.held[source] = h
	var k *requester
	var ctx context.Context
	if source.Kind == discovery.Query {
		k = member.begin(false)
		ctx, h.cancel = member.reader.ctx, member.reader.cancel
	} else {
		k = w.requester(source, h)
		ctx, h.cancel = context.WithCancel(w.ctx)
		if source.Kind == discovery.Node {
			k.pause = w.s.options.Unhurried // the answers do not wait for it
		}
	}
	k.pace = func(size int64) time.Duration {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.d.Pause(source, size, time.Now())
	}
	w.group.Go(func() { k.keep(ctx) })
}

// requester returns one for what the discovery compares.
func (w *serviceWatch) requester(source discovery.Source, to receiver) *requester {
	kind := watch.NodeList // what an error is about
	switch source.Kind {
	case discovery.Node:
		kind = watch.NodeServices
	case discovery.Services:
		kind = watch.ServiceList
	}
	return &requester{
		s: w.s, query: scoped(kind, source.Name, w.scope),
		kind: fetch.Kind{Fetch: fetch.ForSource(source)}, to: to, shared: true,
	}
}

// next implements schedules.
func (w *serviceWatch) next(now time.Time) (func(), time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ctx == nil {
		return nil, time.Time{}
	}
	source, at := w.d.Next(now)
	w.move()
	switch source.Kind {
	case "":
		return nil, at
	case discovery.Node:
		h := &holder{w: w, source: source, plain: true}
		k := w.requester(source, h)
		k.once = true
		return w.reader(source, &reading{requester: k, ctx: w.ctx}, nil), at
	default:
		member := w.members[source.Query]
		if member.reader == nil {
			member.begin(true)
		}
		return w.reader(source, &member.reader.reading, member.reader), at
	}
}

// reader returns what reads a source once. The discovery is told of what came of
// it when the requester is done: it may have the source read again at once.
func (w *serviceWatch) reader(source discovery.Source, e *reading, t *memberReceiver) func() {
	return func() {
		e.read()
		k, failing := e.requester, e.requester.failing
		delay := max(k.pause, w.s.options.Retry.Delay(k.row)) // when others fail too, the blocking queries tell when that is over
		if k.pause = 0; e.ctx.Err() != nil {
			return
		}
		var a *discovery.Answer
		if t != nil {
			a, t.answer = t.answer, nil
		}
		w.change(func(now time.Time) {
			switch {
			case t != nil && t.ended:
			case failing:
				w.d.Fail(source, delay, now)
			case a != nil:
				w.d.TakeAnswer(source.Query, *a, now)
			}
		})
	}
}

// take implements receiver.
func (h *holder) take(r reply, _ bool) (news bool) {
	h.w.change(func(now time.Time) {
		if h.ended || h.plain && h.w.held[h.source] != nil {
			return
		}
		d, about := h.w.d, discovery.Reply{Index: r.Index, Filtered: r.Filtered}
		switch data := r.Data.(type) {
		case []discovery.Check:
			d.TakeChecks(h.source.Kind, about, data, now)
		case []discovery.CatalogNode:
			d.TakeNodes(about, data, now)
		case []discovery.Instance:
			d.TakeInstances(h.source.Name, about, data, now)
		case map[string][]string:
			d.TakeServices(about, data, now)
		}
	})
	return true
}

// failed implements receiver. That a read of a node has failed is told by reader,
// which knows when to try again.
func (h *holder) failed(*watch.Error) {
	h.w.change(func(now time.Time) {
		if !h.ended && !h.plain {
			h.w.d.Fail(h.source, 0, now)
		}
	})
}

// awaits implements receiver.
func (h *holder) awaits() bool { return true }

// begin has m's query asked by a new requester, to be held or to be read once at
// a time. What a reply is compared with stays.
func (m *serviceMember) begin(once bool) *requester {
	m.end()
	kind, _ := fetch.ForReading(m.sub.query().Kind)
	to := &memberReceiver{member: m}
	to.ctx, to.cancel = context.WithCancel(m.w.ctx)
	to.requester = &requester{
		s: m.w.s, query: m.sub.query(), kind: kind, to: to, once: once, known: m.known,
		cursor: cursor{size: m.last.size, filtered: m.last.Filtered},
	}
	m.reader = to
	m.sub.give(to)
	return to.requester
}

// end ends what asks m's query.
func (m *serviceMember) end() {
	if m.reader != nil {
		m.reader.ended = true
		m.reader.cancel()
		m.reader = nil
	}
}

// take implements receiver.
func (t *memberReceiver) take(r reply, recovered bool) (news bool) {
	m := t.member
	m.w.change(func(now time.Time) {
		if t.ended {
			return
		}
		news = !m.known || !reflect.DeepEqual(m.last.Data, r.Data)
		if !news {
			r.Data = m.last.Data
		}
		m.known, m.last = true, r
		if news || recovered {
			m.sub.publish(t, r.Data, r.Index)
		}
		a := discovery.Answer{Reply: discovery.Reply{Index: r.Index, Filtered: r.Filtered}, Changed: news}
		a.Nodes, a.Services = namesOf(r)
		m.last.Instances = nil
		if t.requester.once {
			t.answer = &a
		} else {
			m.w.d.TakeAnswer(m.sub.id, a, now)
		}
	})
	return news
}

// namesOf returns the nodes and the services that a reply is about.
func namesOf(r reply) (nodes, services []string) {
	if node, ok := r.Data.(*watch.CatalogNode); ok && node.Node != nil {
		return []string{node.Node.Node}, nil
	}
	for _, i := range r.Instances {
		nodes = append(nodes, i.Node)
		if !slices.Contains(services, i.Name) {
			services = append(services, i.Name)
		}
	}
	return nodes, services
}

// failed implements receiver. While a query is read, reader tells the discovery,
// since it knows when to try again.
func (t *memberReceiver) failed(err *watch.Error) {
	t.member.sub.failed(t, err)
	if !t.requester.once {
		t.member.w.change(func(now time.Time) {
			if !t.ended {
				t.member.w.d.Fail(discovery.Source{Kind: discovery.Query, Query: t.member.sub.id}, 0, now)
			}
		})
	}
}

// awaits implements receiver.
func (t *memberReceiver) awaits() bool { return false }
