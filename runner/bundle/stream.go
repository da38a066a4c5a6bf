package bundle

import (
	"context"
	"io"

	"restencil/runner/bundle/group"
)

// A Stream is an output of the process that bundles share: what one writes is in
// one piece. It may be used from any goroutine.
type Stream struct {
	w    io.Writer
	free chan struct{} // capacity 1: full while somebody writes
}

// NewStream returns a stream that writes to w.
func NewStream(w io.Writer) *Stream {
	return &Stream{w: w, free: make(chan struct{}, 1)}
}

// write writes b, and waits until that is done or ctx ends: who reads the stream may
// never go on. What was not taken by then is lost with the process, and so is the
// goroutine, which nothing can end.
func (s *Stream) write(ctx context.Context, b []byte) (n int, err error) {
	select {
	case s.free <- struct{}{}:
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
	type result struct {
		n   int
		err error
	}
	done := make(chan result, 1)
	go func() {
		n, err := s.w.Write(b)
		<-s.free
		done <- result{n, err}
	}()
	select {
	case r := <-done:
		return r.n, r.err
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
}

// A show writes the content of a file to a stream, and notes it.
type show struct {
	ctx  context.Context
	to   *Stream
	want group.Want
}

func (s *show) Write(b []byte) (int, error) {
	n, err := s.to.write(s.ctx, b)
	if err == nil {
		s.want.Shown()
	}
	return n, err
}
