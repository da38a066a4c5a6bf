package requester

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"restencil/test/agent"
	"restencil/test/watchtest"
	"restencil/watch"
)

// streamed is what the header of a reply from the stream says.
var streamed = []string{"X-Consul-KnownLeader", "false", "X-Consul-Query-Backend", "streaming"}

// TestStreamed: an agent that answers from its stream of changes always says
// that there is no leader. Its word is good enough but for fewer instances.
func TestStreamed(t *testing.T) {
	web := func(node, id string) string {
		return fmt.Sprintf(`{"Node":{"Node":%q},"Service":{"ID":%q,"Service":"web"},"Checks":[]}`, node, id)
	}
	one, two := "["+web("n1", "web-1")+"]", "["+web("n1", "web-1")+","+web("n2", "web-2")+"]"
	for _, test := range []struct {
		name     string
		then     string // what the stream says
		sure     string // what the leader says
		confirms int
		want     []int // how many instances the sink was told of
	}{
		{"more", two, two, 0, []int{1, 2}},
		{"fewer", "[]", "[]", 1, []int{1, 0}},
		{"fewer, wrongly", "[]", one, 1, []int{1}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				confirms := 0
				s, _ := runStub(t, DefaultOptions(), func(r *http.Request) (*http.Response, error) {
					switch q := r.URL.Query(); {
					case q.Has("consistent"):
						confirms++
						return agent.Respond(200, test.sure, agent.Index("9")...)
					case q.Get("index") == "5":
						time.Sleep(time.Second)
						return agent.Respond(200, test.then, append(agent.Index("7"), streamed...)...)
					case q.Has("index"):
						return agent.Hold(r)
					}
					return agent.Respond(200, one, agent.Index("5")...)
				})
				r := watchtest.NewRecorder(t)
				s.Watch(watch.Query{Kind: watch.ServiceHealth, Name: "web", Filter: "any"}, r)
				time.Sleep(10 * time.Second)
				synctest.Wait()
				var got []int
				for _, e := range r.Events() {
					got = append(got, len(e.Answer.Data.([]*watch.HealthService)))
				}
				if !slices.Equal(got, test.want) || confirms != test.confirms {
					t.Errorf("told of %v instances after %d consistent reads, want %v after %d", got, confirms, test.want, test.confirms)
				}
			})
		})
	}
}

// TestStreamedDepartures: instances that leave one after the other are each known to
// have left at once, though fewer instances of a stream are confirmed.
func TestStreamedDepartures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const most = 20
		start := time.Now()
		left := func() int { return int(time.Since(start) / time.Second) }
		s, _ := runStub(t, DefaultOptions(), func(r *http.Request) (*http.Response, error) {
			if r.FormValue("index") == fmt.Sprint(100+left()) {
				time.Sleep(time.Second - time.Since(start)%time.Second)
			}
			header := agent.Index(fmt.Sprint(100 + left()))
			if !r.URL.Query().Has("consistent") {
				header = append(header, streamed...)
			}
			var body []string
			for i := range most - left() {
				body = append(body, fmt.Sprintf(`{"Node":{"Node":"n"},"Service":{"ID":"web-%d","Service":"web"},"Checks":[]}`, i))
			}
			return agent.Respond(200, "["+strings.Join(body, ",")+"]", header...)
		})
		r := watchtest.NewRecorder(t)
		s.Watch(watch.Query{Kind: watch.ServiceHealth, Name: "web", Filter: "any"}, r)
		for range most - 1 {
			time.Sleep(time.Second + 10*time.Millisecond)
			synctest.Wait()
			events := r.Events()
			if got := len(events[len(events)-1].Answer.Data.([]*watch.HealthService)); got != most-left() {
				t.Errorf("after %v: told of %d instances, there are %d", time.Since(start), got, most-left())
			}
		}
	})
}

// TestStreamedRights: an agent may go on to answer from a stream with the rights that
// the token had when the stream began. Rights that went or came are noticed all the
// same, within about five waits, whether the stream has news or not.
func TestStreamedRights(t *testing.T) {
	instance := func(id string) string {
		return fmt.Sprintf(`{"Node":{"Node":%q},"Service":{"ID":"web","Service":"web"},"Checks":[]}`, id)
	}
	one, two, three := instance("n1"), instance("n2"), instance("n3")
	list := func(of ...string) string { return "[" + strings.Join(of, ",") + "]" }
	type reply struct {
		body     string
		filtered bool
	}
	for _, test := range []struct {
		name        string
		first, then reply // of the servers, until and after two minutes
		stuck       bool  // the stream goes on to say what it said first
		noise       bool  // it says so every 5 s, with a new index
		want        []string
	}{
		{"lost", reply{list(one), false}, reply{list(), true}, true, false, []string{"1", "refused"}},
		{"lost, with noise", reply{list(one), false}, reply{list(), true}, true, true, []string{"1", "refused"}},
		{"gained", reply{list(), true}, reply{list(one), false}, true, false, []string{"0", "1"}},
		{"fewer, never seen as a whole", reply{list(one, two, three), true}, reply{list(one), true}, false, false, []string{"3", "1"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start, index := time.Now(), 7
				s, st := runStub(t, DefaultOptions(), func(r *http.Request) (*http.Response, error) {
					now := test.first
					wait, _ := time.ParseDuration(r.FormValue("wait"))
					if r.FormValue("index") == "" {
						wait = 0
					} else if test.noise {
						wait = 5 * time.Second
						index++
					}
					time.Sleep(wait)
					if time.Since(start) > 2*time.Minute && (wait == 0 || !test.stuck) {
						now = test.then
					}
					header := agent.Index(fmt.Sprint(index))
					if wait > 0 {
						header = append(header, streamed...)
					} else {
						header = append(header, "X-Consul-Results-Filtered-By-ACLs", fmt.Sprint(now.filtered))
					}
					return agent.Respond(200, now.body, header...)
				})
				r := watchtest.NewRecorder(t)
				s.Watch(watch.Query{Kind: watch.ServiceHealth, Name: "web", Filter: "any"}, r)
				time.Sleep(8 * time.Minute)
				synctest.Wait()
				var got []string
				for _, e := range r.Events() {
					text := "refused"
					if e.Err == nil {
						text = fmt.Sprint(len(e.Answer.Data.([]*watch.HealthService)))
					}
					if len(got) == 0 || text != got[len(got)-1] {
						got = append(got, text)
					}
				}
				if !slices.Equal(got, test.want) {
					t.Errorf("told of %v, want %v", got, test.want)
				}
				if n := len(st.Requests()); n > 150 {
					t.Errorf("%d requests in eight minutes", n)
				}
			})
		})
	}
}

// TestNobodyIsSure: a consistent read that is answered without a leader is no
// answer, and is not repeated without a pause.
func TestNobodyIsSure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const span = time.Minute
		s, st := runStub(t, DefaultOptions(), func(r *http.Request) (*http.Response, error) {
			return agent.Respond(404, "", "X-Consul-Index", "5", "X-Consul-KnownLeader", "false")
		})
		r := watchKey(t, s)
		time.Sleep(span)
		for _, text := range agent.Said(r) {
			if text != "kv.get(k): the Consul servers have no leader" {
				t.Fatalf("the sink heard %q", text)
			}
		}
		if got := len(st.Requests()); got < 20 || got > 150 {
			t.Errorf("%d requests in %v", got, span)
		}
		for i := range st.Requests() {
			if p := params(t, st, i); i > 0 && (!p.Has("consistent") || p.Has("stale") || p.Has("index")) {
				t.Errorf("request %d: %v", i, p)
			}
		}
	})
}

// TestNotConsul: that there is nothing is not believed of what does not answer
// as Consul does, however often it says so; what Consul says afterwards is known
// soon.
func TestNotConsul(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var back atomic.Bool
		var n atomic.Int32
		s, _ := runStub(t, DefaultOptions(), func(r *http.Request) (*http.Response, error) {
			switch {
			case n.Add(1) == 1:
				return agent.Respond(200, agent.PairJSON(one), agent.Index("5")...)
			case !back.Load():
				return agent.Respond(404, "404 page not found")
			case r.FormValue("index") != "":
				return agent.Hold(r)
			default:
				return agent.Respond(200, agent.PairJSON(two), agent.Index("6")...)
			}
		})
		r := watchKey(t, s)
		time.Sleep(10 * time.Minute)
		if heard := agent.Said(r); heard[0] != "one" || slices.Contains(heard, "nothing") {
			t.Errorf("the sink heard %q", heard)
		}
		back.Store(true)
		time.Sleep(5 * time.Second)
		if heard := agent.Said(r); heard[len(heard)-1] != "two" {
			t.Errorf("the sink heard %q at last", heard[len(heard)-1])
		}
	})
}

// TestFallingIndex: a server whose index falls with each reply is not asked as
// fast as it answers.
func TestFallingIndex(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n atomic.Int32
		s, st := runStub(t, DefaultOptions(), func(*http.Request) (*http.Response, error) {
			return agent.Respond(200, agent.PairJSON([]string{one, two}[n.Add(1)%2]), agent.Index(fmt.Sprint(1_000_000-n.Load()))...)
		})
		watchKey(t, s)
		time.Sleep(time.Minute)
		if got := len(st.Requests()); got > 100 {
			t.Errorf("%d requests in a minute", got)
		}
	})
}

// TestRefusedByOne: a server that starts does not know the tokens yet. The leader is asked
// before a refusal is believed, and what it says is said again: it may not be there.
func TestRefusedByOne(t *testing.T) {
	for _, test := range []struct {
		name   string
		leader func() (*http.Response, error)
		want   string // what the sink hears, at most once in a row
		most   int    // requests in a minute
	}{
		{"known to the leader", func() (*http.Response, error) { return agent.Respond(200, agent.PairJSON(one), agent.Index("5")...) }, "one", 40},
		{"unknown to the leader", func() (*http.Response, error) { return agent.Respond(403, "ACL not found") }, "kv.get(k): Unexpected response code: 403 (ACL not found) " +
			"(Consul does not know the token: set consul { token = … } to one that it knows)", 40},
		{"no leader", func() (*http.Response, error) { return agent.Respond(500, "No cluster leader") }, "kv.get(k): Unexpected response code: 500 (No cluster leader)", 100},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, st := runStub(t, DefaultOptions(), func(r *http.Request) (*http.Response, error) {
					if r.URL.Query().Has("stale") {
						return agent.Respond(403, "ACL not found")
					}
					return test.leader()
				})
				r := watchKey(t, s)
				synctest.Wait()
				if got := agent.Said(r); !slices.Equal(got, []string{test.want}) {
					t.Errorf("the sink heard %q, want %q", got, test.want)
				}
				time.Sleep(time.Minute)
				synctest.Wait()
				if got := slices.Compact(agent.Said(r)); !slices.Equal(got, []string{test.want}) {
					t.Errorf("the sink heard %q, want %q", got, test.want)
				}
				if got := len(st.Requests()); got < 3 || got > test.most {
					t.Errorf("%d requests in a minute", got)
				}
			})
		})
	}
}
