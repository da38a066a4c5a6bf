package consul

import (
	"reflect"
	"sync"
	"time"

	"restencil/watch"
	"restencil/watch/consul/fetch"
	"restencil/watch/consul/plan"
	"restencil/watch/consul/requester"
)

// A subscription is a watched query. How it is kept current may change; what kept
// it before has no say any more.
type subscription struct {
	id     watch.ID
	number int         // subscriptions are planned for in this order
	place  *plan.Place // the source's lock guards it; nil: none yet
	stop   func()      // ends what asks this query alone

	mu      sync.Mutex
	sink    watch.Sink
	owner   requester.Receiver // what it is kept by; nil: nothing yet
	failing bool               // the sink was told of a failure last
}

func (sub *subscription) query() watch.Query { return sub.id.Value() }

func (sub *subscription) give(to requester.Receiver) {
	sub.mu.Lock()
	defer sub.mu.Unlock()
	sub.owner = to
}

// fails reports whether the sink was told of a failure last.
func (sub *subscription) fails() bool {
	sub.mu.Lock()
	defer sub.mu.Unlock()
	return sub.failing
}

// take gives the sink an answer that is news, or ends a row of failures, if it comes
// from whoever keeps sub.
func (sub *subscription) take(from requester.Receiver, news bool, data any, index uint64) {
	sub.mu.Lock()
	defer sub.mu.Unlock()
	if sub.owner == from && (news || sub.failing) {
		sub.failing = false
		sub.sink.Publish(watch.Answer{Data: data, Index: index, Time: time.Now()})
	}
}

// failed tells the sink of a failure, of this query or of one that stands for
// it.
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

// A single receiver is for one query, which is asked as it stands.
type single struct {
	sub   *subscription
	known bool
	data  any // what was taken last
}

// Take implements requester.Receiver.
func (s *single) Take(r fetch.Reply) (news bool) {
	if news = !s.known || !reflect.DeepEqual(s.data, r.Data); news {
		s.known, s.data = true, r.Data
	}
	s.sub.take(s, news, s.data, r.Index)
	return news
}

// Failed implements requester.Receiver.
func (s *single) Failed(err *watch.Error) { s.sub.failed(s, err) }

// awaits tells whether a template waits for something better: a key that is not
// there and, with safeLs, one below a prefix that has none.
func (s *single) awaits() bool {
	switch s.sub.query().Kind {
	case watch.KVGet:
		return s.data == nil
	case watch.KVList:
		return reflect.ValueOf(s.data).Len() == 0
	}
	return false
}

// scoped returns a query of this kind that is put where scope says.
func scoped(kind watch.Kind, name string, scope plan.Scope) watch.Query {
	return watch.Query{
		Kind: kind, Name: name,
		Datacenter: scope.Datacenter, Namespace: scope.Namespace, Partition: scope.Partition, Peer: scope.Peer,
	}
}
