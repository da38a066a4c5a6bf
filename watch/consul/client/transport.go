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

// Silence is how long the agent may take for a piece of a reply, or until the reply
// to a query that does not block.
const Silence = 30 * time.Second

// Causes of cancelled requests.
var (
	errNoConnection = errors.New("no connection")
	errNoMore       = errors.New("no more of the reply")
)

// A ProgressTransport ends requests that make no progress, and records them in the
// [Attempt] of their context.
type ProgressTransport struct{ Base http.RoundTripper }

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

// piece is how many bytes must arrive within Silence. A connection that brings less
// has something wrong with it, and a new one may do better.
const piece = 1 << 10

// A watchedBody is the body of a reply, with limits of time and size.
type watchedBody struct {
	io.ReadCloser
	d    *watchdog
	a    *Attempt
	left int // bytes of the current piece that are still to come
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

// A watchdog cancels a request that exceeds its latest limit.
type watchdog struct {
	ctx    context.Context
	cancel context.CancelCauseFunc

	mu    sync.Mutex
	timer *time.Timer // of the last limit; nil: there was none
}

// allow replaces the limit; zero is no limit. what is the cause of the cancellation.
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

// explain returns why the request was cancelled, else err.
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
