package consul

import (
	"reflect"
	"sync"
	"time"

	"restencil/watch"
	"restencil/watch/consul/plan"
)

// A job is a watched query. How it is kept may change; what it was kept by
// before has no say any more.
type job struct {
	id     watch.ID
	number int         // jobs are planned for in this order
	place  *plan.Place // the source's lock guards it; nil: none yet

	mu    sync.Mutex
	sink  watch.Sink
	owner receiver // what it is kept by; nil: nothing yet
}

func (j *job) query() watch.Query { return j.id.Value() }

func (j *job) give(to receiver) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.owner = to
}

// publish gives the sink an answer, if it comes from whoever keeps j.
func (j *job) publish(from receiver, data any, index uint64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.owner == from {
		j.sink.Publish(watch.Answer{Data: data, Index: index, Time: time.Now()})
	}
}

// failed tells the sink of a failure, of this query or of one that stands for
// it.
func (j *job) failed(from receiver, err *watch.Error) {
	if q := j.query(); err.Query != q {
		own := *err
		own.Query = q
		err = &own
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.owner == from {
		j.sink.Fail(err)
	}
}

// A single receiver is for one query, which is asked as it stands.
type single struct {
	job   *job
	known bool
	data  any // what was published last
}

// take implements receiver.
func (s *single) take(r reply, recovered bool) bool {
	same := s.known && reflect.DeepEqual(s.data, r.data)
	if same && !recovered {
		return false
	}
	if !same {
		s.known, s.data = true, r.data
	}
	s.job.publish(s, s.data, r.index)
	return !same
}

// failed implements receiver.
func (s *single) failed(err *watch.Error) { s.job.failed(s, err) }

// awaits implements receiver: a key that is not there and, with safeLs, one
// below a prefix that has none.
func (s *single) awaits() bool {
	switch s.job.query().Kind {
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
