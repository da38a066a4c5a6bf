package logging

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"sync"
	"syscall"
	"time"

	"restencil/watch/schedule"
)

const (
	// stuckAfter is how long a Write waits for the reader. After that the reader
	// counts as stuck until it reads something.
	stuckAfter = 100 * time.Millisecond

	// maxBacklog is how many bytes are kept for a reader that is stuck.
	maxBacklog = 1 << 20

	// flushLimit is how long Close waits for a reader that is stuck.
	flushLimit = time.Second
)

// A Writer writes to standard error or output, which may be a pipe that nobody
// reads, without being blocked by that. As long as somebody reads, a Write returns
// when everything is written, so that nothing is lost or out of order. Where nobody
// does, it returns soon, and what it wrote is kept for later; beyond 1 MiB, whole
// Writes are dropped.
//
// It may be used concurrently.
type Writer struct {
	to      io.Writer
	wake    schedule.Wakeup // there is something to do
	drained chan struct{}   // closed when everything is written after Close

	mu      sync.Mutex
	next    *batch
	until   <-chan struct{} // see Wait; nil before that
	stuck   bool
	closed  bool
	dropped int // lines, since the last call of lost
	lost    func(lines int) []byte
}

// A batch is what is written at once.
type batch struct {
	data []byte
	done chan struct{} // closed when it has been written
	err  error         // valid from then on
}

// NewWriter returns a Writer to w. The caller closes it.
func NewWriter(w io.Writer) *Writer {
	s := &Writer{
		to:      w,
		wake:    schedule.NewWakeup(),
		drained: make(chan struct{}),
		next:    newBatch(),
		lost:    func(int) []byte { return nil },
	}
	go s.run() // Close joins it, unless it is stuck: then it ends with the process
	return s
}

func newBatch() *batch { return &batch{done: make(chan struct{})} }

// File returns the file that w writes to, nil where that is something else.
func (w *Writer) File() *os.File {
	f, _ := w.to.(*os.File)
	return f
}

// OnLost has what lost returns written in place of lines that were dropped. It
// must not write to w.
func (w *Writer) OnLost(lost func(lines int) []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lost = lost
}

// Wait has Write and Close wait for the reader, and drop nothing, until ctx ends.
func (w *Writer) Wait(ctx context.Context) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.until = ctx.Done()
}

// waits returns until, nil where that has come. Called with mu held.
func (w *Writer) waits() <-chan struct{} {
	select {
	case <-w.until:
		return nil
	default:
		return w.until
	}
}

// Write implements io.Writer. It fails as the file did, where that is known when it
// returns; but after Wait a reader that has gone, as head does, has read enough.
func (w *Writer) Write(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	w.mu.Lock()
	until, stuck, b := w.waits(), w.stuck, w.next
	if w.closed || until == nil && len(b.data) > 0 && len(b.data)+len(p) > maxBacklog {
		w.dropped += max(1, bytes.Count(p, []byte("\n")))
		w.mu.Unlock()
		return len(p), nil
	}
	w.writeLost()
	b.data = append(b.data, p...)
	w.mu.Unlock()

	w.wake.Wake()
	if stuck && until == nil {
		return len(p), nil
	}
	var late <-chan time.Time
	if until == nil {
		timer := time.NewTimer(stuckAfter)
		defer timer.Stop()
		late = timer.C
	}
	select {
	case <-b.done:
		if b.err != nil && (w.until == nil || !errors.Is(b.err, syscall.EPIPE)) {
			return 0, b.err
		}
	case <-late:
		w.setStuck(true)
	case <-until:
	}
	return len(p), nil
}

// writeLost writes that lines were dropped. Called with mu held.
func (w *Writer) writeLost() {
	if w.dropped > 0 {
		w.next.data = append(w.next.data, w.lost(w.dropped)...)
		w.dropped = 0
	}
}

func (w *Writer) setStuck(stuck bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stuck = stuck
}

// run writes batches until everything is written after Close.
func (w *Writer) run() {
	defer close(w.drained)
	for range w.wake {
		for {
			w.mu.Lock()
			if len(w.next.data) == 0 {
				w.writeLost()
			}
			b, closed := w.next, w.closed
			w.next = newBatch()
			w.mu.Unlock()
			if len(b.data) == 0 && closed {
				return
			}
			if len(b.data) == 0 {
				break
			}
			_, b.err = w.to.Write(b.data)
			w.setStuck(false)
			close(b.done)
		}
	}
}

// Close waits until everything is written, but at most a second where nobody reads
// and Wait does not say otherwise. What is written later is dropped. The file stays
// open.
func (w *Writer) Close() {
	w.mu.Lock()
	w.closed = true
	until := w.waits()
	w.mu.Unlock()
	w.wake.Wake()
	if until != nil {
		select {
		case <-w.drained:
			return
		case <-until:
		}
	}
	select {
	case <-w.drained:
	case <-time.After(flushLimit):
	}
}
