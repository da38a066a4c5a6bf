package process

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"
)

const (
	// tailSize is how much of a command's output is kept, in bytes.
	tailSize = 4 << 10

	// pipeSize is at least what a pipe holds, in bytes.
	pipeSize = 1 << 20

	// holdLimit bounds how long output is held back.
	holdLimit = time.Second

	// promptDelay is after which time a line that has not ended may be a prompt.
	promptDelay = 100 * time.Millisecond

	// drainLimit bounds the wait for output that a command has printed but that was
	// not copied yet: the writer may be stuck.
	drainLimit = time.Second
)

// An output is what a command prints to pipes.
//
// The failure of a command is reported with the end of its output. So that nobody
// sees this twice, an output is held back until the command has ended, but for at
// most tailSize bytes and holdLimit.
type output struct {
	tail    tail
	streams []*stream

	// Guarded by Executor.writing.
	released bool     // nothing is held back any more
	held     []func() // the writes to do at release
	size     int      // of what is held back, in bytes
}

// write writes what was printed, or holds it back. The caller holds Executor.writing.
func (o *output) write(to *lineWriter, p []byte) {
	if o.released {
		to.add(p)
		return
	}
	p = bytes.Clone(p)
	o.held = append(o.held, func() { to.add(p) })
	if o.size += len(p); o.size > tailSize {
		o.release(true)
	}
}

// release writes what is held back, or drops it. The caller holds Executor.writing.
func (o *output) release(write bool) {
	if write {
		for _, do := range o.held {
			do()
		}
	}
	o.released, o.held = true, nil
}

// A stream is a pipe from a command.
type stream struct {
	r, w    *os.File
	lines   *lineWriter
	prompts bool // lines may be written in pieces, in which no secret is to be masked

	ended   atomic.Bool   // the command has; drain waits
	drained chan struct{} // closed when what the command itself printed was copied
	finish  func()        // closes drained, once
}

// attach gives cmd its standard streams: the Executor's own where these are files
// that c or the child may have, and else pipes to them or to Line.
func (e *Executor) attach(cmd *exec.Cmd, c Command, child bool) (*output, error) {
	own := child || c.Timeout == 0
	out := &output{released: own || e.inherit}
	if e.inherit {
		cmd.Stdin = os.Stdin
	}
	for _, to := range []struct {
		field *io.Writer
		dst   io.Writer
	}{{&cmd.Stdout, e.stdout}, {&cmd.Stderr, e.stderr}} {
		byLine := e.Line != nil && (!own || child && to.field == &cmd.Stderr)
		f, _ := to.dst.(*os.File)
		if w, ok := to.dst.(interface{ File() *os.File }); ok {
			f = w.File()
		}
		if f != nil && c.Mask == nil && !byLine && (own || e.inherit) {
			*to.field = f
			continue
		}
		r, w, err := os.Pipe()
		if err != nil {
			e.follow(out)
			return nil, err
		}
		s := &stream{r: r, w: w, lines: &lineWriter{mask: c.Mask}, prompts: c.Mask == nil && !byLine, drained: make(chan struct{})}
		s.finish = sync.OnceFunc(func() { close(s.drained) })
		s.lines.write = func(text string) { _, _ = io.WriteString(to.dst, text) } // an error says nothing about the command
		if byLine {
			s.lines.write = func(text string) {
				for line := range strings.Lines(text) {
					e.Line(c.Args, strings.TrimRight(line, "\r\n"))
				}
			}
		}
		out.streams = append(out.streams, s)
		*to.field = w
	}
	return out, nil
}

// follow starts to copy the output of a command that was started.
func (e *Executor) follow(o *output) {
	for _, s := range o.streams {
		s.w.Close()
		closed := context.AfterFunc(e.closing, func() { s.r.Close() })
		e.running.Go(func() {
			e.copy(s, o)
			closed()
			s.r.Close()
		})
	}
}

// flush writes the line that has not ended, if nothing follows or it may be a prompt.
func (s *stream) flush(ended bool) {
	if ended || s.prompts {
		s.lines.flush(len(s.lines.rest))
	}
}

// copy copies s until all processes have closed the other end, or s.r is closed.
func (e *Executor) copy(s *stream, o *output) {
	buf := make([]byte, 8<<10)
	write := func(n int) {
		if n == 0 {
			return // even an empty Write could block
		}
		o.tail.write(buf[:n])
		e.writing.Lock()
		defer e.writing.Unlock()
		o.write(s.lines, buf[:n])
		if s.prompts && len(s.lines.rest) > 0 && !s.ended.Load() {
			_ = s.r.SetReadDeadline(time.Now().Add(promptDelay))
		}
	}
	for {
		n, err := s.r.Read(buf)
		write(n)
		if err == nil {
			continue
		}
		interrupted := errors.Is(err, os.ErrDeadlineExceeded)
		if interrupted {
			_ = s.r.SetReadDeadline(time.Time{})
		}
		ended := !interrupted || s.ended.Swap(false)
		if interrupted && ended {
			for rest := pipeSize; rest > 0; rest -= n {
				if n = readReady(s.r, buf); n == 0 {
					break
				}
				write(n)
			}
		}
		e.writing.Lock()
		s.flush(ended)
		e.writing.Unlock()
		if ended {
			s.finish()
		}
		if !interrupted {
			return
		}
	}
}

// release writes or drops what o holds back, and waits for that, unless a writer is
// stuck. It reports whether the output was written, now or before. With ended, so has the
// command.
func (e *Executor) release(o *output, write, ended bool) (written bool) {
	done := make(chan bool, 1)
	e.running.Go(func() {
		e.writing.Lock()
		defer e.writing.Unlock()
		written := write || o.released
		o.release(write)
		for _, s := range o.streams {
			s.flush(ended)
		}
		done <- written
	})
	select {
	case written = <-done:
	case <-time.After(drainLimit):
	}
	return written
}

// drain waits until all is copied that was in the pipes when it was called. It does
// not wait for their end: a daemon that the command started may have them open.
func (o *output) drain() {
	limit := time.After(drainLimit)
	for _, s := range o.streams {
		// Interrupts Read in copy. Where pipes have no deadlines, the limit ends the wait.
		s.ended.Store(true)
		_ = s.r.SetReadDeadline(time.Unix(1, 0))
	}
	for _, s := range o.streams {
		select {
		case <-s.drained:
		case <-limit:
			return
		}
	}
}

// A tail keeps the last tailSize bytes written to it.
type tail struct {
	mu  sync.Mutex
	buf []byte
	cut bool // there was more
}

func (t *tail) write(p []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, p...)
	if over := len(t.buf) - tailSize; over > 0 {
		t.buf = append(t.buf[:0], t.buf[over:]...)
		t.cut = true
	}
}

// String returns what is kept. If there was more, it begins with a line or, within a
// longer line, with a word or at least a character: a part of a secret could not be
// recognized, and masked.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	buf := t.buf
	if t.cut {
		buf = afterFirst('\n', buf)
		if len(buf) == len(t.buf) {
			buf = afterFirst(' ', buf)
		}
	}
	for i := 0; i < utf8.UTFMax-1 && len(buf) > 0 && !utf8.RuneStart(buf[0]); i++ {
		buf = buf[1:]
	}
	return string(buf)
}

// afterFirst returns what follows the first c in buf, or all of buf if that is nothing.
func afterFirst(c byte, buf []byte) []byte {
	if i := bytes.IndexByte(buf, c); i >= 0 && i < len(buf)-1 {
		return buf[i+1:]
	}
	return buf
}

// maxLine is the length in bytes from which a line is written before it ends.
const maxLine = 64 << 10

// A lineWriter writes whole lines, so that those of several commands do not mix, with
// secrets masked in each.
type lineWriter struct {
	write func(text string)
	mask  func(string) string // nil: masks nothing
	rest  []byte              // the line that has not ended
}

func (w *lineWriter) add(p []byte) {
	w.rest = append(w.rest, p...)
	n := bytes.LastIndexByte(w.rest, '\n') + 1
	if n == 0 && len(w.rest) > maxLine {
		n = len(w.rest)
	}
	w.flush(n)
}

// flush writes the first n bytes of the rest.
func (w *lineWriter) flush(n int) {
	if n == 0 {
		return
	}
	text := string(w.rest[:n])
	if w.mask != nil {
		text = w.mask(text)
	}
	w.write(text)
	w.rest = append(w.rest[:0], w.rest[n:]...)
}
