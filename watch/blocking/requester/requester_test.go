package requester

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"restencil/test/agent"
	"restencil/test/watchtest"
	"restencil/watch"
	"restencil/watch/blocking"
)

// Values as they stand in replies.
const one, two = "b25l", "dHdv" // "one", "two"

// script answers the first requests in order and holds the rest.
func script(replies ...func() (*http.Response, error)) func(*http.Request) (*http.Response, error) {
	var n atomic.Int32
	return func(r *http.Request) (*http.Response, error) {
		i := int(n.Add(1)) - 1
		if i >= len(replies) {
			return agent.Hold(r)
		}
		return replies[i]()
	}
}

func pair(value, i string) func() (*http.Response, error) {
	return func() (*http.Response, error) { return agent.Respond(200, agent.PairJSON(value), agent.Index(i)...) }
}

func refuse(status int, body string, headers ...string) func() (*http.Response, error) {
	return func() (*http.Response, error) { return agent.Respond(status, body, headers...) }
}

// params returns the query parameters of the i'th request.
func params(t *testing.T, st *agent.Stub, i int) url.Values {
	t.Helper()
	all := st.Requests()
	if i >= len(all) {
		t.Fatalf("%d requests, want more than %d", len(all), i)
	}
	u, err := url.Parse(all[i].URL)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query()
}

func TestIndex(t *testing.T) {
	for _, test := range []struct {
		name     string
		maxStale time.Duration
		replies  []func() (*http.Response, error)
		want     []string // what the sink hears
		asks     []string // the index of each request
	}{
		{"kept", 0,
			[]func() (*http.Response, error){pair(one, "5"), pair(two, "8")},
			[]string{"one", "two"}, []string{"", "5", "8"}},
		{"kept for a key that is not there", 0,
			[]func() (*http.Response, error){refuse(404, "", agent.Index("5")...), pair(two, "8")},
			[]string{"nothing", "two"}, []string{"", "5", "8"}},
		{"nothing new", 0,
			[]func() (*http.Response, error){pair(one, "5"), pair(one, "5"), pair(one, "6"), pair(two, "7")},
			[]string{"one", "two"}, []string{"", "5", "5", "6", "7"}},
		{"backwards", 0,
			[]func() (*http.Response, error){pair(one, "5"), pair(two, "3"), pair(two, "3")},
			[]string{"one", "two"}, []string{"", "5", "", "3"}},
		{"backwards from a follower", time.Second,
			[]func() (*http.Response, error){pair(one, "5"), refuse(404, "", agent.Index("3")...), pair(two, "6")},
			[]string{"one", "two"}, []string{"", "5", "", "6"}},
		{"lost", 0,
			[]func() (*http.Response, error){pair(one, "5"), refuse(200, agent.PairJSON(two)), pair(two, "6")},
			[]string{"one", "two"}, []string{"", "5", "", "6"}},
		{"reset by a failure", 0,
			[]func() (*http.Response, error){pair(one, "5"), refuse(500, "oops"), pair(one, "5"), pair(two, "6")},
			[]string{"one", "kv.get(k): Unexpected response code: 500 (oops)", "one", "two"}, []string{"", "5", "", "5", "6"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := DefaultOptions()
				o.MaxStale = test.maxStale
				s, st := runStub(t, o, script(test.replies...))
				r := watchKey(t, s)
				time.Sleep(10 * time.Second)
				synctest.Wait()
				if got := agent.Said(r); !slices.Equal(got, test.want) {
					t.Errorf("the sink heard %q, want %q", got, test.want)
				}
				var asks []string
				for i := range st.Requests() {
					asks = append(asks, params(t, st, i).Get("index"))
				}
				if !slices.Equal(asks, test.asks) {
					t.Errorf("asked for index %q, want %q", asks, test.asks)
				}
			})
		})
	}
}

// TestStale: an answer that is too old is asked of the leader once, and then
// anyone may answer again.
func TestStale(t *testing.T) {
	old := []string{"X-Consul-Index", "5", "X-Consul-LastContact", "3000", "X-Consul-KnownLeader", "true"}
	synctest.Test(t, func(t *testing.T) {
		s, st := runStub(t, DefaultOptions(), script(
			refuse(200, agent.PairJSON(one), old...), pair(two, "6")))
		r := watchKey(t, s)
		time.Sleep(afterNews)
		synctest.Wait()
		if got := agent.Said(r); !slices.Equal(got, []string{"two"}) {
			t.Errorf("the sink heard %q, want only what the leader said", got)
		}
		for i, want := range []bool{true, false, true} {
			if p := params(t, st, i); p.Has("stale") != want {
				t.Errorf("request %d: %v, want stale: %v", i, p, want)
			}
		}
		if at := st.Requests()[1].At; at != 0 {
			t.Errorf("the leader was asked after %v", at)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		o := DefaultOptions()
		o.MaxStale = 0
		s, st := runStub(t, o, agent.Hold)
		watchKey(t, s)
		synctest.Wait()
		if p := params(t, st, 0); p.Has("stale") {
			t.Errorf("with a MaxStale of zero: %v", p)
		}
	})
}

// TestWait: the wait is what was asked for less some jitter.
func TestWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, st := runStub(t, DefaultOptions(), func(*http.Request) (*http.Response, error) {
			time.Sleep(time.Second)
			return agent.Respond(200, agent.PairJSON(one), agent.Index("5")...)
		})
		watchKey(t, s)
		time.Sleep(time.Minute)
		waits := make(map[string]bool)
		for i := range st.Requests() {
			wait := params(t, st, i).Get("wait")
			waits[wait] = true
			d, err := time.ParseDuration(wait)
			if err != nil || d > 60*time.Second || d < 56*time.Second {
				t.Errorf("wait=%q", wait)
			}
		}
		if len(waits) < 10 {
			t.Errorf("%d requests have only %d different waits", len(st.Requests()), len(waits))
		}
	})
}

// TestRateLimit: an agent that does not block is not asked as fast as it
// answers, unless it has news.
func TestRateLimit(t *testing.T) {
	const span = 10 * time.Second
	for _, test := range []struct {
		name        string
		answer      func(n int) (*http.Response, error)
		least, most int // requests within span
	}{
		{"same index", func(int) (*http.Response, error) { return agent.Respond(200, agent.PairJSON(one), agent.Index("5")...) }, 80, 101},
		{"same data", func(n int) (*http.Response, error) {
			return agent.Respond(200, agent.PairJSON(one), agent.Index(fmt.Sprint(n))...)
		}, 80, 101},
		{"no index", func(int) (*http.Response, error) { return agent.Respond(200, agent.PairJSON(one)) }, 9, 11},
		{"no index, new data", func(n int) (*http.Response, error) {
			return agent.Respond(200, agent.PairJSON([]string{one, two}[n%2]))
		}, 9, 11},
		{"news", func(n int) (*http.Response, error) {
			time.Sleep(2 * afterNews)
			return agent.Respond(200, agent.PairJSON([]string{one, two}[n%2]), agent.Index(fmt.Sprint(n))...)
		}, 1666, 1668}, // one each afterNews and the time to answer
		{"a burst", func(n int) (*http.Response, error) {
			time.Sleep(afterNews / 2)
			return agent.Respond(200, agent.PairJSON([]string{one, two}[n%2]), agent.Index(fmt.Sprint(n))...)
		}, 9998, 10_000}, // one each time to answer
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var n atomic.Int32
				s, st := runStub(t, DefaultOptions(), func(*http.Request) (*http.Response, error) {
					return test.answer(int(n.Add(1)))
				})
				watchKey(t, s)
				time.Sleep(span)
				if got := len(st.Requests()); got < test.least || got > test.most {
					t.Errorf("%d requests in %v, want %d to %d", got, span, test.least, test.most)
				}
			})
		})
	}
}

// TestNoPauseAfterWaiting: an agent that has kept a query waiting is asked
// again at once.
func TestNoPauseAfterWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, st := runStub(t, DefaultOptions(), func(*http.Request) (*http.Response, error) {
			time.Sleep(minRound)
			return agent.Respond(200, agent.PairJSON(one), agent.Index("5")...)
		})
		watchKey(t, s)
		time.Sleep(10 * minRound)
		for i, r := range st.Requests() {
			want := time.Duration(i) * minRound
			if i > 0 {
				want += afterNews // the first reply brought some
			}
			if r.At != want {
				t.Errorf("request %d came after %v, want %v", i, r.At, want)
			}
		}
	})
}

// TestFirstPause: the request that waits for news may come some time after the first
// answer.
func TestFirstPause(t *testing.T) {
	for _, test := range []struct {
		name   string
		answer func() (*http.Response, error)
		want   time.Duration // from the first request to the second
	}{
		{"a key", pair(one, "5"), time.Second},
		{"no key", refuse(404, "", agent.Index("5")...), time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := DefaultOptions()
				o.FirstPause = time.Second
				s, st := runStub(t, o, script(test.answer, pair(two, "6")))
				watchKey(t, s)
				time.Sleep(time.Minute)
				asked := st.Requests()
				if len(asked) != 3 || asked[1].At != test.want || asked[2].At > test.want+afterNews {
					t.Errorf("requests %v, want the second after %v, and the third soon after that", asked, test.want)
				}
			})
		})
	}
}

// TestPolled: what cannot block is asked now and then, without the parameters
// of blocking.
func TestPolled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, st := runStub(t, DefaultOptions(), func(r *http.Request) (*http.Response, error) {
			return agent.Respond(200, `["b","a"]`)
		})
		r := watchtest.NewRecorder(t)
		s.Watch(watch.Query{Kind: watch.DatacenterList}, r)
		time.Sleep(61 * time.Second)
		want := []agent.Request{}
		for i := range 5 {
			want = append(want, agent.Request{At: time.Duration(i) * 15 * time.Second, URL: "/v1/catalog/datacenters"})
		}
		if got := st.Requests(); !slices.Equal(got, want) {
			t.Errorf("requests %v, want %v", got, want)
		}
		if n := len(r.Events()); n != 1 {
			t.Errorf("%d events, want 1", n)
		}
	})
}

func TestRefusals(t *testing.T) {
	for _, test := range []struct {
		name   string
		answer func() (*http.Response, error)
		class  watch.Class
		after  time.Duration // RetryAfter
		text   string
		least  int // requests within ten minutes
		most   int
	}{
		{"denied", refuse(403, "Permission denied"), watch.Denied, 0,
			"kv.get(k): Unexpected response code: 403 (Permission denied)", 13, 60},
		{"bad request", refuse(400, "Bad request"), watch.Denied, 0,
			"kv.get(k): Unexpected response code: 400 (Bad request)", 13, 60},
		{"too many", refuse(429, "Your IP is issuing too many concurrent connections"), watch.Retry, 0,
			"kv.get(k): Unexpected response code: 429 (Your IP is issuing too many concurrent connections)", 300, 600},
		{"too many, later", refuse(429, "", "Retry-After", "100"), watch.Retry, 100 * time.Second,
			"kv.get(k): Unexpected response code: 429 ()", 6, 6},
		{"unavailable, later", refuse(503, "", "Retry-After", "100"), watch.Retry, 100 * time.Second,
			"kv.get(k): Unexpected response code: 503 ()", 6, 6},
		{"null", refuse(200, "null", agent.Index("5")...), watch.Retry, 0,
			"kv.get(k): the reply is incomplete", 300, 1200},
		{"an empty list", refuse(200, "[]", agent.Index("5")...), watch.Retry, 0,
			"kv.get(k): the reply is incomplete", 300, 1200},
		{"malformed", refuse(200, `[{"Key":`, agent.Index("5")...), watch.Retry, 0,
			"kv.get(k): the connection was closed before the whole answer came (unexpected EOF)", 300, 1200},
		{"empty", refuse(200, "", agent.Index("5")...), watch.Retry, 0,
			"kv.get(k): the connection was closed before the whole answer came (EOF)", 300, 1200},
		{"a web page", refuse(404+100, "<html>\n\t<body>"+strings.Repeat("z", 1000)), watch.Retry, 0,
			"kv.get(k): Unexpected response code: 504 (<html> <body>" + strings.Repeat("z", 500-len("Unexpected response code: 504 (<html> <body>")) + "…", 300, 1200},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := DefaultOptions()
				o.MaxStale = 0 // the leader refuses
				s, st := runStub(t, o, func(*http.Request) (*http.Response, error) { return test.answer() })
				r := watchKey(t, s)
				time.Sleep(10 * time.Minute)
				synctest.Wait()
				var e *watch.Error
				if err := r.Events()[0].Err; !errors.As(err, &e) {
					t.Fatalf("the failure is %v", err)
				}
				if e.Error() != test.text || e.Class != test.class || e.RetryAfter != test.after || e.Query != key {
					t.Errorf("failure %q, class %d, retry after %v; want %q, %d, %v", e, e.Class, e.RetryAfter, test.text, test.class, test.after)
				}
				if n := len(st.Requests()); n < test.least || n > test.most || len(r.Events()) != n {
					t.Errorf("%d requests and %d failures in 10 min, want %d to %d", n, len(r.Events()), test.least, test.most)
				}
			})
		})
	}
}

// What is to be set stands in the block of the cluster.
func TestAdviceOfAClusterNamesItsBlock(t *testing.T) {
	for cluster, want := range map[string]string{"": "set consul { token = … }", "eu": `set consul "eu" { token = … }`} {
		synctest.Test(t, func(t *testing.T) {
			s, _ := runStub(t, DefaultOptions(), func(*http.Request) (*http.Response, error) { return agent.Respond(403, "ACL not found") })
			q := key
			q.Cluster = cluster
			r := watchtest.NewRecorder(t)
			s.Watch(q, r)
			synctest.Wait()
			if err := r.Events()[0].Err; !strings.Contains(err.Error(), want) {
				t.Errorf("the failure is %v, want %s in it", err, want)
			}
		})
	}
}

// TestTokenIsNotTold: not even if the other end writes it.
func TestTokenIsNotTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := DefaultOptions()
		o.Token, o.MaxStale = "s3cr3t", 0
		s, _ := runStub(t, o, script(
			refuse(403, "the token s3cr3t is bad"),
			func() (*http.Response, error) { return nil, errors.New("proxy did not like s3cr3t") },
			pair(one, "5"),
		))
		r := watchKey(t, s)
		time.Sleep(time.Minute)
		heard := agent.Said(r)
		if len(heard) != 3 || heard[2] != "one" {
			t.Fatalf("the sink heard %q, want two failures and a value", heard)
		}
		for _, text := range heard[:2] {
			if strings.Contains(text, o.Token) || !strings.Contains(text, "***") {
				t.Errorf("the sink heard %q", text)
			}
		}
	})
}

// endless is a body without end.
type endless struct{ read *atomic.Int64 }

func (e endless) Read(p []byte) (int, error) {
	e.read.Add(int64(len(p)))
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

func (endless) Close() error { return nil }

// TestEndlessReply: of a reply that does not end, not more is read than is
// allowed.
func TestEndlessReply(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := DefaultOptions()
		o.MaxReply = 1 << 20
		var read atomic.Int64
		s, st := runStub(t, o, func(*http.Request) (*http.Response, error) {
			resp, err := agent.Respond(200, "", agent.Index("5")...)
			resp.Body = endless{&read}
			return resp, err
		})
		s.Watch(watch.Query{Kind: watch.NodeServices, Name: "n"}, watchtest.NewRecorder(t))
		s.Watch(watch.Query{Kind: watch.ServiceHealth, Name: "s1"}, watchtest.NewRecorder(t))
		r := watchKey(t, s)
		time.Sleep(10 * time.Second)
		if most := int64(len(st.Requests())) * (2 << 20); read.Load() > most {
			t.Errorf("%d bytes were read in %d requests", read.Load(), len(st.Requests()))
		}
		if err := r.Events()[0].Err; !errors.Is(err, blocking.ErrTooMuch) && !strings.Contains(fmt.Sprint(err), "invalid character") {
			t.Errorf("the failure is %v", err)
		}
	})
}
