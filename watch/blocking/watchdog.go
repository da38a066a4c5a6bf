package blocking

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// Silence is how long the agent may take for a piece of a reply, or until the reply
// to a query that does not block.
const Silence = 30 * time.Second

// ErrNoAnswer ends a request whose reply does not begin in time.
var ErrNoAnswer = errors.New("no answer")

// Other causes of cancelled requests.
var (
	errNoConnection = errors.New("no connection")
	errNoMore       = errors.New("no more of the reply")
)

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
	timer *time.Timer // of the latest limit; nil: there was none yet
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
