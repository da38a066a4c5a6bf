package consul

import (
	"context"
	"slices"
	"sync"
	"time"

	"restencil/watch"
	"restencil/watch/blocking"
	"restencil/watch/blocking/requester"
	"restencil/watch/consul/discovery"
	"restencil/watch/consul/fetch"
	"restencil/watch/consul/plan"
	"restencil/watch/schedule"
)

// A serviceWatch keeps the services and nodes of one scope current that share
// requests. It makes the requests that a discovery asks for.
type serviceWatch struct {
	agent    *requester.Agent
	requests fetch.Requests
	scope    plan.Scope
	wake     schedule.Wakeup // of the poller
	group    *sync.WaitGroup // of the source
	ctx      context.Context // ends with the watch
	stop     context.CancelFunc

	mu      sync.Mutex
	d       *discovery.Discovery
	asking  map[discovery.Source]*serviceRequest
	members map[watch.ID]*serviceMember
}

// A serviceMember is a query of a serviceWatch.
type serviceMember struct {
	sub   *subscription
	known bool
	last  blocking.Reply
}

// A serviceRequest asks for a source: by a blocking query or, with Once set, by reads.
type serviceRequest struct {
	requester.Requester
	w      *serviceWatch
	source discovery.Source
	member *serviceMember  // whose query it is; nil: members share the source
	ctx    context.Context // ends with the request; later replies are dropped
	cancel context.CancelFunc
	answer *discovery.Answer // of a member's read that is not done yet
}

// newServiceWatch returns a watch that runs until it, or the source, is stopped. The
// source runs.
func newServiceWatch(s *Source, scope plan.Scope) *serviceWatch {
	w := &serviceWatch{
		agent: s.agent, requests: fetch.Requests{Client: s.agent.Client}, scope: scope, wake: s.poller.wake, group: &s.running,
		d:       discovery.New(s.plan.Rooms[scope], time.Now()),
		asking:  make(map[discovery.Source]*serviceRequest),
		members: make(map[watch.ID]*serviceMember),
	}
	w.ctx, w.stop = context.WithCancel(s.run)
	return w
}

// change changes the discovery, and begins and ends requests as it then asks for.
func (w *serviceWatch) change(do func(now time.Time)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	do(time.Now())
	w.move()
	w.wake.Wake()
}

func (w *serviceWatch) add(sub *subscription) {
	w.change(func(now time.Time) {
		w.members[sub.id] = &serviceMember{sub: sub}
		w.d.Add(sub.id, now)
	})
}

// remove returns how many members are left.
func (w *serviceWatch) remove(sub *subscription) (left int) {
	w.change(func(now time.Time) {
		w.d.Remove(sub.id, now)
		w.end(discovery.Source{Kind: discovery.Query, Query: sub.id})
		delete(w.members, sub.id)
		left = len(w.members)
	})
	return left
}

// move begins and ends blocking queries. The caller holds the lock.
func (w *serviceWatch) move() {
	if w.ctx.Err() != nil {
		return
	}
	for _, m := range w.d.Moves() {
		if !m.Hold {
			w.end(m.Source)
			continue
		}
		r := w.begin(m.Source, false)
		if m.Source.Kind == discovery.Node {
			r.Pause = w.agent.Options.FirstPause // no answer waits for it
		}
		r.Pace = func(size int64) time.Duration {
			w.mu.Lock()
			defer w.mu.Unlock()
			return w.d.Pause(r.source, size, time.Now())
		}
		w.group.Go(func() { r.Keep(r.ctx) })
	}
}

// begin returns a new request for a source in place of the old one. The next reply to
// a member's query is compared with its last one.
func (w *serviceWatch) begin(source discovery.Source, once bool) *serviceRequest {
	w.end(source)
	r := &serviceRequest{w: w, source: source, member: w.members[source.Query]}
	r.ctx, r.cancel = context.WithCancel(w.ctx)
	r.Requester = requester.Requester{Agent: w.agent, To: r, Once: once}
	if m := r.member; m != nil {
		r.Query = m.sub.query()
		r.Kind = w.requests.ForKind(r.Query.Kind, true)
		if m.known {
			r.Resume(m.last)
		}
		m.sub.setOwner(r)
	} else {
		r.Query = scoped(watch.NodeList, "", w.scope) // only the scope counts
		r.Kind, r.Shared = blocking.Kind{Fetch: w.requests.ForSource(source)}, true
	}
	w.asking[source] = r
	return r
}

// end ends the request for a source, if there is one.
func (w *serviceWatch) end(source discovery.Source) {
	if r := w.asking[source]; r != nil {
		r.cancel()
		delete(w.asking, source)
	}
}

// next implements schedules.
func (w *serviceWatch) next(now time.Time, may func(datacenter string) bool) (read func(), datacenter string, at time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	datacenter = w.scope.Datacenter
	if w.ctx.Err() != nil || !may(datacenter) {
		return nil, datacenter, time.Time{}
	}
	source, at := w.d.Next(now)
	w.move()
	if source.Kind == "" {
		return nil, datacenter, at
	}
	r := w.asking[source]
	if r == nil || source.Kind == discovery.Node {
		r = w.begin(source, true)
	}
	return r.read, datacenter, at
}

// read reads once. It reports to the discovery when the requester is done, since the
// discovery may ask for another read at once.
func (r *serviceRequest) read() {
	w := r.w
	failures, wait := r.Read(r.ctx)
	w.change(func(now time.Time) {
		answer := r.answer
		r.answer = nil
		switch {
		case r.ctx.Err() != nil:
			return
		case failures > 0: // if others fail too, the blocking queries show when that is over
			w.d.Fail(r.source, max(wait, w.agent.Options.Retry.Delay(failures)), now)
		case answer != nil:
			w.d.TakeAnswer(r.source.Query, *answer, now)
		}
		if r.member == nil {
			w.end(r.source)
		}
	})
}

// Take implements requester.Receiver.
func (r *serviceRequest) Take(reply blocking.Reply) (news bool) {
	r.w.change(func(now time.Time) {
		if r.ctx.Err() != nil {
			return
		}
		d, about := r.w.d, discovery.Reply{Index: reply.Index, Filtered: reply.Filtered}
		news = true
		switch data := reply.Data.(type) {
		case []discovery.Check:
			d.TakeChecks(r.source.Kind, about, data, now)
		case []discovery.CatalogNode:
			d.TakeNodes(about, data, now)
		case []discovery.Instance:
			d.TakeInstances(r.source.Name, about, data, now)
		case map[string][]string:
			d.TakeServices(about, data, now)
		default:
			news = r.takeAnswer(reply, now)
		}
	})
	return news
}

// takeAnswer takes a reply to the query of a member.
func (r *serviceRequest) takeAnswer(reply blocking.Reply, now time.Time) (news bool) {
	m := r.member
	news = m.sub.take(r, reply.Data, m.sub.query(), reply)
	if !news && m.known {
		reply.Data = m.last.Data // which the sink has
	}
	a := discovery.Answer{Reply: discovery.Reply{Index: reply.Index, Filtered: reply.Filtered}, Changed: news}
	if node, ok := reply.Data.(*watch.CatalogNode); ok && node.Node != nil {
		a.Nodes = []string{node.Node.Node}
	}
	for _, i := range reply.Instances {
		a.Nodes = append(a.Nodes, i.Node)
		a.Failing = a.Failing || !watch.Accepts("passing", i.Status)
		if !slices.Contains(a.Services, i.Name) {
			a.Services = append(a.Services, i.Name)
		}
	}
	reply.Instances = nil
	m.known, m.last = true, reply
	if r.Once {
		r.answer = &a
	} else {
		r.w.d.TakeAnswer(m.sub.id, a, now)
	}
	return news
}

// Failed implements requester.Receiver. It leaves a failed read to read, which knows
// when to try again.
func (r *serviceRequest) Failed(err *watch.Error) {
	if r.member != nil {
		r.member.sub.failed(r, err)
	}
	if !r.Once {
		r.w.change(func(now time.Time) {
			if r.ctx.Err() == nil {
				r.w.d.Fail(r.source, 0, now)
			}
		})
	}
}
