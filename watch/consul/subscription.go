package consul

import (
	"sync"
	"time"

	"restencil/watch"
	"restencil/watch/blocking"
	"restencil/watch/blocking/requester"
	"restencil/watch/consul/plan"
)

// A subscription is a watched query. Its owner, which gives it answers and failures,
// changes with the plan; what an earlier owner gives is dropped.
type subscription struct {
	id     watch.ID
	number int         // the order in which subscriptions are planned
	place  *plan.Place // nil: none yet; guarded by the source's lock
	stop   func()      // ends a requester of this query alone

	mu       sync.Mutex
	sink     watch.Sink
	owner    requester.Receiver // nil: none yet
	answered bool
}

func (sub *subscription) query() watch.Query { return sub.id.Value() }

// setOwner reports whether an earlier owner gave answers.
func (sub *subscription) setOwner(owner requester.Receiver) (answered bool) {
	sub.mu.Lock()
	defer sub.mu.Unlock()
	sub.owner = owner
	return sub.answered
}

// take gives the sink data, of its owner, that is in a reply to q, and reports whether it
// is news.
func (sub *subscription) take(from requester.Receiver, data any, q watch.Query, r blocking.Reply) (news bool) {
	sub.mu.Lock()
	defer sub.mu.Unlock()
	if sub.owner == from {
		sub.answered = true
		news = sub.sink.Publish(watch.Answer{Data: data, Index: r.Index, Time: time.Now(), Partial: requester.Partial(q, r)})
	}
	return news
}

// failed gives the sink a failure, of its owner, of this query or of one that is made
// for it.
func (sub *subscription) failed(from requester.Receiver, err *watch.Error) {
	if q := sub.query(); err.Query != q {
		own := *err
		own.Query = q
		err = &own
	}
	sub.mu.Lock()
	defer sub.mu.Unlock()
	if sub.owner == from {
		sub.sink.Fail(err)
	}
}

// A queryReceiver is the receiver of one query's own requester.
type queryReceiver struct{ sub *subscription }

// Take implements requester.Receiver.
func (s *queryReceiver) Take(r blocking.Reply) (news bool) {
	data := r.Data
	if s.sub.query().Kind.Secret() {
		data = watch.Taint(data)
	}
	return s.sub.take(s, data, s.sub.query(), r)
}

// Failed implements requester.Receiver.
func (s *queryReceiver) Failed(err *watch.Error) { s.sub.failed(s, err) }

// scoped returns a query in a scope.
func scoped(kind watch.Kind, name string, scope plan.Scope) watch.Query {
	return watch.Query{
		Kind: kind, Name: name,
		Datacenter: scope.Datacenter, Namespace: scope.Namespace, Partition: scope.Partition, Peer: scope.Peer,
	}
}
