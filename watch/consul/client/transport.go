package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync"
	"time"

	"restencil/watch/consul/fetch"
	"restencil/watch/transport"
)

// Silence is the longest time without a sign of life, where the agent has no
// reason to be silent: for a piece of a reply, or before the reply to a query
// that does not block.
const Silence = 30 * time.Second

// What a request is cancelled for.
var (
	errNoConnection = errors.New("no connection")
	errNoMore       = errors.New("no more of the reply")
)

// A ProgressTransport is the transport of all requests. It ends those that make
// no progress, which a blocking query would otherwise wait for as long as the
// other end seems to be there, and fills in the attempt that a request belongs
// to.
type ProgressTransport struct {
	Base http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (t ProgressTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	a, ok := r.Context().Value(attemptKey{}).(*Attempt)
	if !ok {
		return t.Base.RoundTrip(r)
	}
	a.Sent.Store(true)
	d := &watchdog{}
	d.ctx, d.cancel = context.WithCancelCause(r.Context())
	ctx := httptrace.WithClientTrace(d.ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { d.allow(a.Answer, fetch.ErrNoAnswer) },
	})
	d.allow(a.Connect, errNoConnection)
	resp, err := t.Base.RoundTrip(r.WithContext(ctx))
	if err != nil {
		err = d.explain(err)
		d.end()
		return nil, transport.Explain(r.URL, err)
	}
	a.note(resp)
	resp.Body = &watchedBody{ReadCloser: resp.Body, d: d, a: a}
	return resp, nil
}

// piece is how much of a reply, in bytes, must have come for silence to be
// reckoned anew: a connection that brings less has something wrong with it,
// and a new one may do better.
const piece = 1 << 10

// A watchedBody is a reply whose next piece must not take too long, and which
// must not be too large.
type watchedBody struct {
	io.ReadCloser
	d    *watchdog
	a    *Attempt
	left int // of the piece
}

func (b *watchedBody) Read(p []byte) (int, error) {
	if b.left <= 0 {
		b.d.allow(Silence, errNoMore)
		b.left = piece
	}
	n, err := b.ReadCloser.Read(p)
	b.left -= n
	if size := b.a.Size.Add(int64(n)); b.a.Most > 0 && size > b.a.Most {
		return n, ErrTooMuch
	}
	if err != nil && err != io.EOF {
		err = b.d.explain(err)
	}
	return n, err
}

func (b *watchedBody) Close() error {
	defer b.d.end()
	return b.ReadCloser.Close()
}

// A watchdog cancels a request that takes longer than what was allowed last.
type watchdog struct {
	ctx    context.Context
	cancel context.CancelCauseFunc

	mu    sync.Mutex
	timer *time.Timer // of the last limit; nil: there was none
}

// allow gives the request a new limit; zero gives it none. What did not come
// in time is the error.
func (d *watchdog) allow(limit time.Duration, what error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.timer != nil {
		d.timer.Stop()
	}
	if limit > 0 {
		d.timer = time.AfterFunc(limit, func() { d.cancel(fmt.Errorf("%w within %v", what, limit)) })
	}
}

// explain returns why d has cancelled the request, or where it has not, err.
func (d *watchdog) explain(err error) error {
	if d.ctx.Err() != nil {
		return context.Cause(d.ctx)
	}
	return err
}

func (d *watchdog) end() {
	d.allow(0, nil)
	d.cancel(nil)
}
