package logging

import (
	"bytes"
	"io"
	"os"
	"sync"
	"time"
)

const (
	// stuckAfter is how long a Write waits until what it wrote has been passed
	// on. Then the reader counts as stuck, until it takes something.
	stuckAfter = 100 * time.Millisecond

	// maxBacklog is how much is kept for a reader that is stuck, in bytes.
	maxBacklog = 1 << 20

	// flushLimit is how long Close waits for a reader that is stuck.
	flushLimit = time.Second
)

// A Writer writes to standard error or output, which may be a pipe that nobody
// reads, without being held up by that. As long as somebody reads, a Write
// returns when all is written, so that nothing is lost or out of order, whatever
// comes next. Where nobody does, it returns soon, what it wrote is kept for later,
// and what becomes too much is dropped, in whole Writes.
//
// It may be used concurrently.
type Writer struct {
	to      io.Writer
	wake    chan struct{} // capacity 1: there is something to do
	freed   chan struct{} // closed by Free
	drained chan struct{} // closed when all is written after Close

	mu      sync.Mutex
	next    *batch
	stuck   bool
	waits   bool // for the reader, until Free
	closed  bool
	dropped int // lines, which lost has not been told of
	lost    func(lines int) []byte
	free    sync.Once
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
		wake:    make(chan struct{}, 1),
		freed:   make(chan struct{}),
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

// OnLost has what lost returns written in the place of lines that were dropped.
// It must not write to w.
func (w *Writer) OnLost(lost func(lines int) []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lost = lost
}

// Wait has each Write wait for the reader, and Close as well, so that nothing is
// dropped, until Free is called.
func (w *Writer) Wait() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waits = true
}

// Free undoes Wait, for good.
func (w *Writer) Free() {
	w.free.Do(func() { close(w.freed) })
}

// Write implements io.Writer. It fails as the file did, where that was known in
// time.
func (w *Writer) Write(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	b, limit := w.add(p)
	if b == nil {
		return len(p), nil
	}
	select {
	case w.wake <- struct{}{}:
	default:
	}
	if limit == 0 {
		return len(p), nil
	}
	var late <-chan time.Time
	freed := w.freed
	if limit > 0 {
		timer := time.NewTimer(limit)
		defer timer.Stop()
		late, freed = timer.C, nil
	}
	select {
	case <-b.done:
		if b.err != nil {
			return 0, b.err
		}
	case <-late:
		w.setStuck(true)
	case <-freed:
	}
	return len(p), nil
}

// add adds p to what is to be written, and returns with what, nil if it was
// dropped, and how long to wait for that: below 0 until Free.
func (w *Writer) add(p []byte) (b *batch, limit time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	waits := w.waits
	select {
	case <-w.freed:
		waits = false
	default:
	}
	if w.closed || !waits && len(w.next.data) > 0 && len(w.next.data)+len(p) > maxBacklog {
		w.dropped += max(1, bytes.Count(p, []byte("\n")))
		return nil, 0
	}
	w.writeLost()
	w.next.data = append(w.next.data, p...)
	switch {
	case waits:
		limit = -1
	case !w.stuck:
		limit = stuckAfter
	}
	return w.next, limit
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

// take returns what is to be written next, nil for nothing, and whether that was
// all for ever.
func (w *Writer) take() (b *batch, last bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.next.data) == 0 {
		w.writeLost()
	}
	if len(w.next.data) == 0 {
		return nil, w.closed
	}
	b, w.next = w.next, newBatch()
	return b, false
}

// run writes until all is written after Close.
func (w *Writer) run() {
	defer close(w.drained)
	for range w.wake {
		for {
			b, last := w.take()
			if last {
				return
			}
			if b == nil {
				break
			}
			_, b.err = w.to.Write(b.data)
			w.setStuck(false)
			close(b.done)
		}
	}
}

// Close waits until all is written: after Wait without a limit, until Free is
// called; else, or then, not for long where nobody reads. What is written later
// is dropped. The file stays open.
func (w *Writer) Close() {
	w.mu.Lock()
	w.closed = true
	waits := w.waits
	w.mu.Unlock()
	select {
	case w.wake <- struct{}{}:
	default:
	}
	if waits {
		select {
		case <-w.drained:
			return
		case <-w.freed:
		}
	}
	timer := time.NewTimer(flushLimit)
	defer timer.Stop()
	select {
	case <-w.drained:
	case <-timer.C:
	}
}
