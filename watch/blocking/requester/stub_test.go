package requester

import (
	"context"
	"net/http"
	"reflect"
	"sync"
	"testing"

	"restencil/test/agent"
	"restencil/test/watchtest"
	"restencil/watch"
	"restencil/watch/blocking"
	"restencil/watch/consul/fetch"
)

// A source has a requester for each query.
type source struct {
	requests fetch.Requests
	agent    *Agent
	ctx      context.Context
	group    sync.WaitGroup
	stop     map[watch.Query]context.CancelFunc
}

// runStub returns a source whose requesters ask a stub until the test ends.
func runStub(t *testing.T, o Options, answer func(*http.Request) (*http.Response, error)) (*source, *agent.Stub) {
	t.Helper()
	o, err := o.Filled()
	if err != nil {
		t.Fatal(err)
	}
	st := agent.New(answer)
	c := st.Client(t, o.Token)
	ctx, cancel := context.WithCancel(context.Background())
	s := &source{requests: fetch.Requests{Client: c}, agent: NewAgent(c, o, func(Limit) {}), ctx: ctx, stop: make(map[watch.Query]context.CancelFunc)}
	t.Cleanup(func() {
		cancel()
		s.group.Wait()
	})
	return s, st
}

func (s *source) Watch(q watch.Query, sink watch.Sink) {
	to := &queryReceiver{sink: sink}
	k := &Requester{Agent: s.agent, Query: q, Kind: s.requests.ForKind(q.Kind, false), To: to}
	ctx, cancel := context.WithCancel(s.ctx)
	s.stop[q] = cancel
	s.group.Go(func() { k.Keep(ctx) })
}

func (s *source) Unwatch(q watch.Query) { s.stop[q]() }

// A queryReceiver publishes what differs from what it took last.
type queryReceiver struct {
	sink    watch.Sink
	known   bool
	failing bool
	data    any
}

func (s *queryReceiver) Take(r blocking.Reply) bool {
	same := s.known && reflect.DeepEqual(s.data, r.Data)
	failing := s.failing
	s.known, s.data, s.failing = true, r.Data, false
	if !same || failing {
		s.sink.Publish(watch.Answer{Data: r.Data, Index: r.Index})
	}
	return !same
}

func (s *queryReceiver) Failed(err *watch.Error) {
	s.failing = true
	s.sink.Fail(err)
}

var key = watch.Query{Kind: watch.KVGet, Name: "k"}

func watchKey(t *testing.T, s *source) *watchtest.Recorder {
	r := watchtest.NewRecorder(t)
	s.Watch(key, r)
	return r
}
