package requester

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"restencil/test/agent"
	"restencil/test/watchtest"
	"restencil/watch"
	"restencil/watch/blocking"
)

// A span is a time since the beginning of a test.
type span struct{ from, to time.Duration }

// troubled returns an agent that has one value for every key, and whose
// replies, during the span, come from trouble.
func troubled(s span, trouble func(*http.Request) (*http.Response, error)) func(*http.Request) (*http.Response, error) {
	start := time.Now()
	return func(r *http.Request) (*http.Response, error) {
		now := time.Since(start)
		if now >= s.from && now < s.to {
			return trouble(r)
		}
		if !r.URL.Query().Has("index") {
			return agent.Respond(200, agent.PairJSON(one), agent.Index("5")...)
		}
		if now >= s.to {
			return agent.Hold(r)
		}
		select {
		case <-r.Context().Done():
			return agent.Hold(r)
		case <-time.After(s.from - now):
			return trouble(r)
		}
	}
}

func broken(text string) func(*http.Request) (*http.Response, error) {
	return func(*http.Request) (*http.Response, error) { return nil, errors.New(text) }
}

func leaderless(*http.Request) (*http.Response, error) {
	return agent.Respond(500, "No cluster leader")
}

// TestQueriesInOutage: while what many queries share is away, one of them at a time
// tries; all are told, nothing is blanked, and all are current again soon
// after its return.
func TestQueriesInOutage(t *testing.T) {
	for _, test := range []struct {
		name    string
		trouble func(*http.Request) (*http.Response, error)
		late    time.Duration // the longest until a query is current again
	}{
		{"refused", broken("dial tcp 127.0.0.1:8500: connect: connection refused"), 3 * time.Second},
		{"cut off", broken("EOF"), 3 * time.Second},
		{"no leader", leaderless, 3 * time.Second},
		{"silent", agent.Hold, blocking.Silence + 3*time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const queries = 100
				outage := span{time.Minute, 11 * time.Minute}
				s, st := runStub(t, DefaultOptions(), troubled(outage, test.trouble))
				sinks := watchMany(t, s, queries)
				time.Sleep(outage.to - 1)
				synctest.Wait()
				// Each query asks twice before the outage, and is caught by it
				// once or twice. Then there is about one try a second, and
				// where the agent answers, each query's own, every 45 s.
				if n, most := len(st.Requests()), 5*queries+1000+15*queries; n > most {
					t.Errorf("%d requests by the end of the outage, want at most %d", n, most)
				}
				for i, r := range sinks {
					if events := r.Events(); events[len(events)-1].Err == nil {
						t.Errorf("query %d has not been told", i)
					}
				}
				time.Sleep(test.late)
				synctest.Wait()
				for i, r := range sinks {
					checkRecovered(t, i, r.Events())
				}
			})
		})
	}
}

func watchMany(t *testing.T, s *source, n int) []*watchtest.Recorder {
	var sinks []*watchtest.Recorder
	for i := range n {
		r := watchtest.NewRecorder(t)
		s.Watch(watch.Query{Kind: watch.KVGet, Name: fmt.Sprint("k", i)}, r)
		sinks = append(sinks, r)
	}
	return sinks
}

func checkRecovered(t *testing.T, i int, events []watchtest.Event) {
	t.Helper()
	if err := events[len(events)-1].Err; err != nil {
		t.Errorf("query %d is still told of %v", i, err)
	}
	for _, e := range events {
		if e.Err == nil && e.Answer.Data == nil {
			t.Errorf("query %d was told that its key is gone", i)
		}
	}
}

// TestNewQueryInOutage: a query that is new while the agent is away learns
// why it has no answer, though it is not the one that tries.
func TestNewQueryInOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := runStub(t, DefaultOptions(), troubled(span{0, time.Hour}, broken("connection refused")))
		watchMany(t, s, 1)
		time.Sleep(time.Minute)
		r := watchKey(t, s)
		synctest.Wait()
		if got := agent.Said(r); len(got) != 1 || got[0] != "kv.get(k): connection refused" {
			t.Errorf("the new query was told %q", got)
		}
	})
}

// TestKnownQueryInOutage: so does one that was well until then, though its own
// request did not fail; and it asks for an answer at once, not for news.
func TestKnownQueryInOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		away := false
		s, st := runStub(t, DefaultOptions(), func(r *http.Request) (*http.Response, error) {
			if away {
				return nil, errors.New("connection refused")
			}
			return agent.Respond(200, agent.PairJSON(one), agent.Index("5")...) // news or not
		})
		r := watchKey(t, s)
		synctest.Wait() // it pauses, as there was nothing new
		away = true
		other := watchMany(t, s, 1)[0]
		synctest.Wait()
		s.Unwatch(watch.Query{Kind: watch.KVGet, Name: "k0"})
		before := len(st.Requests())
		time.Sleep(time.Second)
		synctest.Wait()
		if got := agent.Said(r); len(got) < 2 || got[1] != "kv.get(k): connection refused" || len(other.Events()) != 1 {
			t.Errorf("the query was told %q", got)
		}
		if p := params(t, st, before); p.Has("index") {
			t.Errorf("the first try asks for %v", p)
		}
	})
}

// TestDatacenterAway: queries to a datacenter that is away do not hold up
// those to others, nor the other way round.
func TestDatacenterAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, st := runStub(t, DefaultOptions(), func(r *http.Request) (*http.Response, error) {
			if r.URL.Query().Get("dc") == "far" {
				return agent.Respond(500, "No path to datacenter")
			}
			if r.URL.Query().Has("index") {
				return agent.Hold(r)
			}
			return agent.Respond(200, agent.PairJSON(one), agent.Index("5")...)
		})
		for i := range 50 {
			s.Watch(watch.Query{Kind: watch.KVGet, Name: fmt.Sprint("far", i), Datacenter: "far"}, watchtest.NewRecorder(t))
		}
		time.Sleep(10 * time.Minute)
		r := watchKey(t, s)
		synctest.Wait()
		if got := agent.Said(r); len(got) != 1 || got[0] != "one" {
			t.Errorf("the query to the own datacenter was told %q", got)
		}
		// One try a second by all, and each query's own, every 45 s.
		if n := len(st.Requests()); n > 1000+50*16 {
			t.Errorf("%d requests in ten minutes", n)
		}
	})
}

// TestUnwatchOfTheProbe: a query that is let go while it probes leaves the
// turn to another.
func TestUnwatchOfTheProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, st := runStub(t, DefaultOptions(), troubled(span{0, 10 * time.Minute}, func(r *http.Request) (*http.Response, error) {
			if r.URL.Path == "/v1/kv/k" {
				return agent.Hold(r)
			}
			return nil, errors.New("connection refused")
		}))
		watchKey(t, s)
		time.Sleep(10 * time.Second) // it waits for an answer
		other := watchMany(t, s, 1)[0]
		time.Sleep(50 * time.Second)
		s.Unwatch(key)
		before := len(st.Requests())
		time.Sleep(10*time.Minute - time.Minute - 1)
		if n := len(st.Requests()) - before; n < 100 {
			t.Errorf("%d tries in nine minutes after the probe was let go", n)
		}
		time.Sleep(3 * time.Second)
		synctest.Wait()
		checkRecovered(t, 0, other.Events())
	})
}

// TestSilentDatacenter: one that does not answer is not available, and does
// not keep the others from being listed.
func TestSilentDatacenter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := runStub(t, DefaultOptions(), func(r *http.Request) (*http.Response, error) {
			switch r.URL.Query().Get("dc") {
			case "":
				return agent.Respond(200, `["far","near"]`)
			case "far":
				return agent.Hold(r)
			default:
				return agent.Respond(200, "{}")
			}
		})
		r := watchtest.NewRecorder(t)
		s.Watch(watch.Query{Kind: watch.DatacenterList, Filter: "available"}, r)
		time.Sleep(blocking.Silence + time.Second)
		events := r.Events()
		if len(events) != 1 || !slices.Equal(events[0].Answer.Data.([]string), []string{"near"}) {
			t.Errorf("events %+v", events)
		}
	})
}
