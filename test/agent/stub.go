// Package agent is a Consul agent without a network, for tests in a synctest
// bubble.
package agent

import (
	"context"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"restencil/test/watchtest"
	"restencil/watch"
	"restencil/watch/blocking"
	"restencil/watch/transport"
)

// A Stub is a transport that answers with a function. It keeps the requests and when
// they came.
type Stub struct {
	answer func(*http.Request) (*http.Response, error)
	start  time.Time

	mu  sync.Mutex
	log []Request
}

// A Request is one that came.
type Request struct {
	At  time.Duration // since the stub was made
	URL string
}

// New returns a stub that answers.
func New(answer func(*http.Request) (*http.Response, error)) *Stub {
	return &Stub{answer: answer, start: time.Now()}
}

// RoundTrip implements http.RoundTripper.
func (s *Stub) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	s.log = append(s.log, Request{time.Since(s.start), r.URL.RequestURI()})
	s.mu.Unlock()
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	if trace := httptrace.ContextClientTrace(r.Context()); trace != nil {
		trace.GotConn(httptrace.GotConnInfo{})
	}
	return s.answer(r)
}

// Requests returns those that came so far.
func (s *Stub) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Request(nil), s.log...)
}

// Client returns a client whose requests go to the stub, with that token.
func (s *Stub) Client(t *testing.T, token string) *blocking.Client {
	t.Helper()
	c := &blocking.Client{
		HTTP:      &http.Client{Transport: s},
		Transport: &http.Transport{},
		Counter:   transport.Count(&http.Transport{}),
		Base:      url.URL{Scheme: "http", Host: "consul.test:8500"},
		Header:    make(http.Header),
		Token:     token, Datacenter: "dc", Namespace: "ns",
	}
	if token != "" {
		c.Header.Set("X-Consul-Token", token)
	}
	return c
}

// Respond makes a response. Headers are name, value, name, value, …
func Respond(status int, body string, headers ...string) (*http.Response, error) {
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

// Index returns the headers of an answer with that index.
func Index(n string) []string {
	return []string{"X-Consul-Index", n, "X-Consul-LastContact", "0", "X-Consul-KnownLeader", "true"}
}

// PairJSON is the reply for a key with that value, which stands in base64.
func PairJSON(value string) string { return `[{"Key":"k","Value":"` + value + `"}]` }

// Hold answers as an agent does that has no news until the caller gives up.
func Hold(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, context.Cause(r.Context())
}

// Said returns what a recorder has heard in a short form: values, "nothing",
// or an error's text.
func Said(r *watchtest.Recorder) []string {
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
