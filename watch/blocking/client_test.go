package blocking

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestProgress: a request that makes no progress ends, and says what was missing.
func TestProgress(t *testing.T) {
	refused := errors.New("connection refused")
	const connect, answer = 5 * time.Second, 90 * time.Second
	connected := func(r *http.Request) {
		httptrace.ContextClientTrace(r.Context()).GotConn(httptrace.GotConnInfo{})
	}
	for _, test := range []struct {
		name  string
		base  func(*http.Request) (*http.Response, error)
		want  error
		after time.Duration
	}{
		{"refused", func(*http.Request) (*http.Response, error) { return nil, refused }, refused, 0},
		{"no connection", hold, errNoConnection, connect},
		{"no answer", func(r *http.Request) (*http.Response, error) {
			time.Sleep(connect - 1)
			connected(r)
			return hold(r)
		}, ErrNoAnswer, connect - 1 + answer},
		{"no more", func(r *http.Request) (*http.Response, error) {
			connected(r)
			time.Sleep(answer - 1)
			body := io.MultiReader(&slowReader{r: r, size: piece, pieces: 3}, &slowReader{r: r})
			return &http.Response{StatusCode: 200, Body: io.NopCloser(body)}, nil
		}, errNoMore, answer - 1 + 3*(Silence-1) + Silence},
		{"slow but steady", func(r *http.Request) (*http.Response, error) {
			connected(r)
			time.Sleep(answer - 1)
			return &http.Response{StatusCode: 200, Body: io.NopCloser(io.LimitReader(&slowReader{r: r, size: piece, pieces: 9}, 9*piece))}, nil
		}, nil, answer - 1 + 9*(Silence-1)},
		{"byte by byte", func(r *http.Request) (*http.Response, error) {
			connected(r)
			body := io.MultiReader(&slowReader{r: r, size: 1, pieces: 1}, &slowReader{r: r})
			return &http.Response{StatusCode: 200, Body: io.NopCloser(body)}, nil
		}, errNoMore, Silence},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := &Attempt{Connect: connect, Answer: answer}
				start := time.Now()
				var sent *http.Request
				c := Client{HTTP: &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
					sent = r
					return test.base(r)
				})}, Base: url.URL{Scheme: "http", Host: "consul.test"}}
				resp, err := c.Do(t.Context(), "GET", "/v1/kv/k", nil, nil, a)
				if err == nil {
					_, err = io.Copy(io.Discard, resp.Body)
					resp.Body.Close()
				}
				if !errors.Is(err, test.want) || time.Since(start) != test.after {
					t.Errorf("%v after %v; want %v after %v", err, time.Since(start), test.want, test.after)
				}
				if sent.Context().Err() == nil {
					t.Error("the request's context was not let go")
				}
			})
		})
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// A slowReader gives some pieces, each just in time, and then nothing.
type slowReader struct {
	r      *http.Request
	size   int // of a piece
	pieces int
}

func (s *slowReader) Read(p []byte) (int, error) {
	if s.pieces == 0 {
		_, err := hold(s.r)
		return 0, err
	}
	time.Sleep(Silence - 1)
	s.pieces--
	return copy(p, strings.Repeat("x", s.size)), nil
}

// hold answers as an agent does that has no news until the caller gives up.
func hold(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, context.Cause(r.Context())
}
