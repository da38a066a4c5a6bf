package consul

import (
	"reflect"
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

	mu      sync.Mutex
	sink    watch.Sink
	owner   requester.Receiver // nil: none yet
	failing bool               // the sink got a failure last
	partial string             // as the sink got it last
}

func (sub *subscription) query() watch.Query { return sub.id.Value() }

func (sub *subscription) setOwner(owner requester.Receiver) {
	sub.mu.Lock()
	defer sub.mu.Unlock()
	sub.owner = owner
}

// take gives the sink data of its owner, of a reply to q, that is news or ends a row of
// failures.
func (sub *subscription) take(from requester.Receiver, news bool, data func() any, q watch.Query, r blocking.Reply) {
	partial := requester.Partial(q, r)
	sub.mu.Lock()
	defer sub.mu.Unlock()
	if sub.owner == from && (news || sub.failing || partial != sub.partial) {
		sub.failing, sub.partial = false, partial
		sub.sink.Publish(watch.Answer{Data: data(), Index: r.Index, Time: time.Now(), Partial: partial})
	}
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
		sub.failing = true
		sub.sink.Fail(err)
	}
}

// A queryReceiver is the receiver of one query's own requester.
type queryReceiver struct {
	sub   *subscription
	known bool
	data  any // of the last reply
}

// Take implements requester.Receiver.
func (s *queryReceiver) Take(r blocking.Reply) (news bool) {
	if news = !s.known || !reflect.DeepEqual(s.data, r.Data); news {
		s.known, s.data = true, r.Data
	}
	data := s.data
	if s.sub.query().Kind.Secret() {
		data = watch.Taint(data)
	}
	s.sub.take(s, news, func() any { return data }, s.sub.query(), r)
	return news
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
