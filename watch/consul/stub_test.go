package consul

import (
	"context"
	"net/http"
	"testing"

	"restencil/test/agent"
	"restencil/test/watchtest"
	"restencil/watch"
)

// runStub runs a source on a stub until the test ends.
func runStub(t *testing.T, o Options, answer func(*http.Request) (*http.Response, error)) (*Source, *agent.Stub) {
	t.Helper()
	o, err := o.Filled()
	if err != nil {
		t.Fatal(err)
	}
	st := agent.New(answer)
	s := newSource(o, st.Client(t, o.Token))
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	return s, st
}

var key = watch.Query{Kind: watch.KVGet, Name: "k"}

func watchKey(t *testing.T, s *Source) *watchtest.Recorder {
	r := watchtest.NewRecorder(t)
	s.Watch(watch.Subscription{ID: key.ID(), Sink: r})
	return r
}
