package consul

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync"
	"sync/atomic"
	"time"

	"restencil/watch/consul/fetch"
	"restencil/watch/schedule"
)

// silence is the longest time without a sign of life, where the agent has no
// reason to be silent: for a piece of a reply, or before the reply to a query
// that does not block.
const silence = 30 * time.Second

// What a request is cancelled for.
var (
	errNoConnection = errors.New("no connection")
	errNoMore       = errors.New("no more of the reply")
)

// An attempt is what the transport and the loop tell each other about one
// attempt to answer a query, which may take several requests.
type attempt struct {
	// connect limits the time until there is a connection; zero: no limit
	// but the transport's own.
	connect time.Duration

	// answer limits the time from then until a reply begins.
	answer time.Duration

	// most limits the size of a reply, in bytes; zero: no limit.
	most int64

	http1      atomic.Bool  // the reply came over HTTP/1
	sent       atomic.Bool  // a request has been sent, or it was tried
	reached    atomic.Bool  // a reply has begun
	leader     atomic.Int32 // what replies say of the leader, a leadership
	retryAfter atomic.Int64 // what a 429 or 503 asks for, a time.Duration
	size       atomic.Int64 // how much of replies was read, in bytes
}

type attemptKey struct{}

func (a *attempt) context(ctx context.Context) context.Context {
	return context.WithValue(ctx, attemptKey{}, a)
}

// A progressTransport is the transport of all requests. It ends those that make
// no progress, which a blocking query would otherwise wait for as long as the
// other end seems to be there, and fills in the attempt that a request belongs
// to.
type progressTransport struct {
	base http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (t progressTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	a, ok := r.Context().Value(attemptKey{}).(*attempt)
	if !ok {
		return t.base.RoundTrip(r)
	}
	a.sent.Store(true)
	d := newWatchdog(r.Context())
	ctx := httptrace.WithClientTrace(d.ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { d.allow(a.answer, fetch.ErrNoAnswer) },
	})
	d.allow(a.connect, errNoConnection)
	resp, err := t.base.RoundTrip(r.WithContext(ctx))
	if err != nil {
		err = d.explain(err)
		d.end()
		return nil, err
	}
	a.note(resp)
	resp.Body = &watchedBody{ReadCloser: resp.Body, d: d, a: a}
	return resp, nil
}

func (a *attempt) note(resp *http.Response) {
	a.reached.Store(true)
	a.http1.Store(resp.ProtoMajor == 1)
	if resp.Header.Get("X-Consul-KnownLeader") == "false" {
		a.leader.Store(int32(unled))
		if resp.Header.Get("X-Consul-Query-Backend") == "streaming" {
			a.leader.Store(int32(streamed))
		}
	}
	if resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode == http.StatusServiceUnavailable {
		a.retryAfter.Store(int64(schedule.RetryAfter(resp.Header, time.Now())))
	}
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
	a    *attempt
	left int // of the piece
}

func (b *watchedBody) Read(p []byte) (int, error) {
	if b.left <= 0 {
		b.d.allow(silence, errNoMore)
		b.left = piece
	}
	n, err := b.ReadCloser.Read(p)
	b.left -= n
	if size := b.a.size.Add(int64(n)); b.a.most > 0 && size > b.a.most {
		return n, errTooMuch
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
	timer *time.Timer // nil before the first limit
	limit time.Duration
	what  error
}

func newWatchdog(parent context.Context) *watchdog {
	d := &watchdog{}
	d.ctx, d.cancel = context.WithCancelCause(parent)
	return d
}

// allow gives the request a new limit; zero gives it none. What did not come
// in time is the error.
func (d *watchdog) allow(limit time.Duration, what error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.limit, d.what = limit, what
	switch {
	case limit == 0:
		if d.timer != nil {
			d.timer.Stop()
		}
	case d.timer == nil:
		d.timer = time.AfterFunc(limit, func() {
			d.mu.Lock()
			defer d.mu.Unlock()
			d.cancel(fmt.Errorf("%w within %v", d.what, d.limit))
		})
	default:
		d.timer.Reset(limit)
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
