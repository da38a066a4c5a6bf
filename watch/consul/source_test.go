package consul

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"restencil/test/agent"
	"restencil/test/watchtest"
	"restencil/watch"
	"restencil/watch/blocking/requester"
)

func TestNewFails(t *testing.T) {
	for _, test := range []struct {
		name string
		set  func(*Options)
		want string
	}{
		{"scheme", func(o *Options) { o.Address = "ftp://x" }, "consul: Unknown protocol scheme: ftp"},
		{"duration", func(o *Options) { o.Retry.Max = -time.Second }, "consul: retry maximum backoff -1s: must not be negative"},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := DefaultOptions()
			test.set(&o)
			_, err := New(o)
			if err == nil || !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("New: %v, want %s…", err, test.want)
			}
		})
	}
}

// TestHTTP1OverTLS: an agent behind a proxy that has no HTTP/2.
func TestHTTP1OverTLS(t *testing.T) {
	o := DefaultOptions()
	o.Address = "https://127.0.0.1:8501"
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	s.feedback.add(requester.HTTP1)
	s.applyFeedback(time.Now())
	if s.rules.Budget != 128 {
		t.Errorf("the budget is %d", s.rules.Budget)
	}
}

// TestHTTP1: over plain HTTP, that the agent has no HTTP/2 is no reason for a new plan.
func TestHTTP1(t *testing.T) {
	s, err := New(DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	before := s.plan
	s.feedback.add(requester.HTTP1)
	s.applyFeedback(time.Now())
	if s.plan != before {
		t.Error("there is a new plan")
	}
}

// TestUnwatch: nothing is asked, or told, about a query that is not watched any more.
func TestUnwatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, st := runStub(t, DefaultOptions(), func(r *http.Request) (*http.Response, error) {
			if r.URL.Query().Has("index") {
				time.Sleep(time.Second)
			}
			return agent.Respond(200, agent.PairJSON("b25l"), agent.Index("5")...)
		})
		r := watchKey(t, s)
		time.Sleep(10 * time.Second)
		s.Unwatch(key.ID())
		synctest.Wait()
		requests, events := len(st.Requests()), len(r.Events())
		time.Sleep(10 * time.Second)
		if len(st.Requests()) > requests || len(r.Events()) > events || events != 1 {
			t.Errorf("%d requests and %d events; %d and %d before the query was let go", len(st.Requests()), len(r.Events()), requests, events)
		}
	})
}

// TestUnknownKind: what Consul cannot answer fails once and for all.
func TestUnknownKind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, st := runStub(t, DefaultOptions(), agent.Hold)
		r := watchtest.NewRecorder(t)
		s.Watch(watch.Subscription{ID: watch.Query{Kind: watch.VaultRead, Name: "secret/x"}.ID(), Sink: r})
		time.Sleep(time.Hour)
		events := r.Events()
		if len(events) != 1 || watch.Classify(events[0].Err) != watch.Invalid || len(st.Requests()) > 0 {
			t.Errorf("events %v, requests %v", events, st.Requests())
		}
	})
}
