package consul

import (
	"context"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/consul/api"

	"restencil/watch"
	"restencil/watch/consul/client"
	"restencil/watch/consul/fetch"
	"restencil/watch/watchtest"
)

// A stub is a transport without a network, for tests in a synctest bubble. It
// keeps the requests and when they came.
type stub struct {
	answer func(*http.Request) (*http.Response, error)
	start  time.Time

	mu  sync.Mutex
	log []request
}

type request struct {
	at  time.Duration // since the stub was made
	url string
}

// RoundTrip implements http.RoundTripper.
func (s *stub) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	s.log = append(s.log, request{time.Since(s.start), r.URL.RequestURI()})
	s.mu.Unlock()
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	if trace := httptrace.ContextClientTrace(r.Context()); trace != nil {
		trace.GotConn(httptrace.GotConnInfo{})
	}
	return s.answer(r)
}

func (s *stub) requests() []request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]request(nil), s.log...)
}

// runStub runs a source on a stub until the test ends.
func runStub(t *testing.T, o Options, answer func(*http.Request) (*http.Response, error)) (*Source, *stub) {
	t.Helper()
	st := &stub{answer: answer, start: time.Now()}
	s := newSource(o.filled(), stubClient(t, o, st))
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

func stubClient(t *testing.T, o Options, rt http.RoundTripper) *client.Client {
	t.Helper()
	c, err := api.NewClient(&api.Config{
		Address:    "consul.test:8500",
		Token:      o.Token,
		HttpClient: &http.Client{Transport: fetch.Transport{Base: client.ProgressTransport{Base: rt}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return &client.Client{Client: c, Transport: &http.Transport{}, Token: o.Token}
}

// respond makes a response. Headers are name, value, name, value, …
func respond(status int, body string, headers ...string) (*http.Response, error) {
	resp := &http.Response{
		StatusCode: status,
		Header:     make(http.Header),
		Body:       io.NopCloser(strings.NewReader(body)),
	}
	for i := 0; i < len(headers); i += 2 {
		resp.Header.Set(headers[i], headers[i+1])
	}
	return resp, nil
}

// index returns the headers of an answer with that index.
func index(n string) []string {
	return []string{"X-Consul-Index", n, "X-Consul-LastContact", "0", "X-Consul-KnownLeader", "true"}
}

// pairJSON is the reply for a key with that value, which stands in base64.
func pairJSON(value string) string { return `[{"Key":"k","Value":"` + value + `"}]` }

// hold answers as an agent does that has no news until the caller gives up.
func hold(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, context.Cause(r.Context())
}

var key = watch.Query{Kind: watch.KVGet, Name: "k"}

func watchKey(t *testing.T, s *Source) *watchtest.Recorder {
	r := watchtest.NewRecorder(t)
	s.Watch(key, r)
	return r
}

// said returns what a recorder has heard in a short form: values, "nothing",
// or an error's text.
func said(r *watchtest.Recorder) []string {
	var all []string
	for _, e := range r.Events() {
		pair, ok := e.Answer.Data.(*watch.KeyPair)
		switch {
		case e.Err != nil:
			all = append(all, e.Err.Error())
		case ok:
			all = append(all, pair.Value)
		default:
			all = append(all, "nothing")
		}
	}
	return all
}
