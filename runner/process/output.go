package process

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

const (
	// tailSize is how much of a command's output is kept, in bytes.
	tailSize = 4 << 10

	// pipeSize is at least what a pipe holds, in bytes.
	pipeSize = 1 << 20

	// holdLimit is how long what a command prints is kept back.
	holdLimit = time.Second

	// settleLimit bounds the wait for output that a command has printed but
	// that was not copied yet: the writer may be stuck.
	settleLimit = time.Second
)

// An output is what a command prints, on its way through pipes.
type output struct {
	tail    tail
	streams []*stream

	// Guarded by Executor.writing.
	through bool    // what is printed is passed on at once
	held    []piece // what is to be, in order, where the command succeeds
	size    int     // of that, in bytes
}

// A piece is what a command has printed at once, and where it goes.
type piece struct {
	to   *stream
	text []byte
}

// write passes on what was printed to a stream. Of a command whose failure is told
// with what it printed, the first tailSize bytes wait for its end, but not longer
// than holdLimit, so that they are not there twice. Who prints a command's output does not decide its fate. The
// caller holds Executor.writing.
func (o *output) write(s *stream, p []byte) {
	if o.through {
		_, _ = s.dst.Write(p)
		return
	}
	o.held = append(o.held, piece{s, bytes.Clone(p)})
	if o.size += len(p); o.size > tailSize {
		o.release(true)
	}
}

// release passes on what waits, or drops it; what comes later is passed on. The
// caller holds Executor.writing.
func (o *output) release(pass bool) {
	for _, p := range o.held {
		if pass {
			_, _ = p.to.dst.Write(p.text)
		}
	}
	o.through, o.held = true, nil
}

// printing says what becomes of what a command prints.
type printing struct {
	own  bool                // it goes to the process's own files itself, where they are files; but for lines of standard error
	hide func(string) string // as Command.Hide; then it does not
	args []string            // whose lines Executor.Line takes; nil: nobody's
}

// A stream is one pipe from a command.
type stream struct {
	r, w *os.File
	dst  io.Writer

	settled chan struct{} // closed when what was there has been copied
	settle  func()        // closes it, once
}

// attach gives cmd its standard streams. Pipes take the place of writers that
// are no files; and of all, unless the command is to have the process's own.
func (e *Executor) attach(cmd *exec.Cmd, how printing) (*output, error) {
	out := &output{through: how.own || e.inherit}
	if e.inherit {
		cmd.Stdin = os.Stdin
	}
	for _, to := range []struct {
		field *io.Writer
		dst   io.Writer
	}{{&cmd.Stdout, e.stdout}, {&cmd.Stderr, e.stderr}} {
		byLine := e.Line != nil && how.args != nil && (!how.own || to.field == &cmd.Stderr)
		f, _ := to.dst.(*os.File)
		if w, ok := to.dst.(interface{ File() *os.File }); ok {
			f = w.File()
		}
		if f != nil && how.hide == nil && !byLine && (how.own || e.inherit) {
			*to.field = f
			continue
		}
		r, w, err := os.Pipe()
		if err != nil {
			for _, s := range out.streams {
				s.r.Close()
				s.w.Close()
			}
			return nil, err
		}
		s := &stream{r: r, w: w, dst: to.dst, settled: make(chan struct{})}
		s.settle = sync.OnceFunc(func() { close(s.settled) })
		switch {
		case byLine:
			s.dst = &lineWriter{to: lines{e.Line, how.args}, hide: how.hide}
		case how.hide != nil && to.dst != nil:
			s.dst = &lineWriter{to: to.dst, hide: how.hide}
		}
		out.streams = append(out.streams, s)
		*to.field = w
	}
	return out, nil
}

// follow begins to copy what a command prints, after it was started.
func (e *Executor) follow(o *output) {
	for _, s := range o.streams {
		s.w.Close()
		e.mu.Lock()
		e.pipes[s.r] = struct{}{}
		e.mu.Unlock()
		e.copies.Go(func() {
			e.copy(s, o)
			e.flush(s)
			s.settle()
			e.mu.Lock()
			delete(e.pipes, s.r)
			e.mu.Unlock()
			s.r.Close()
		})
	}
}

// copy copies s until nobody has its other end any more, or it is closed.
func (e *Executor) copy(s *stream, o *output) {
	buf := make([]byte, 8<<10)
	pass := func(n int) {
		if n == 0 {
			return // even that could block a writer
		}
		o.tail.write(buf[:n])
		if s.dst != nil {
			e.writing.Lock()
			defer e.writing.Unlock()
			o.write(s, buf[:n])
		}
	}
	for {
		n, err := s.r.Read(buf)
		pass(n)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			// The command has ended; see settle.
			s.r.SetReadDeadline(time.Time{})
			for rest := pipeSize; rest > 0; rest -= n {
				if n = readReady(s.r, buf); n == 0 {
					break
				}
				pass(n)
			}
			e.flush(s)
			s.settle()
		case err != nil:
			return
		}
	}
}

// release releases what o keeps back, and waits until that is done, unless a writer
// is stuck. It returns whether what there was has been passed on, now or before.
func (e *Executor) release(o *output, pass bool) (passed bool) {
	done := make(chan bool, 1)
	e.copies.Go(func() {
		e.writing.Lock()
		defer e.writing.Unlock()
		passed := pass || o.through
		o.release(pass)
		for _, s := range o.streams {
			if w, ok := s.dst.(*lineWriter); ok {
				w.pass(len(w.rest))
			}
		}
		done <- passed
	})
	select {
	case passed = <-done:
	case <-time.After(settleLimit):
	}
	return passed
}

func (e *Executor) flush(s *stream) {
	if w, ok := s.dst.(*lineWriter); ok {
		e.writing.Lock()
		defer e.writing.Unlock()
		w.pass(len(w.rest))
	}
}

// settle waits until all is copied that was in the pipes when it was called.
// Their ends may well stay open: a daemon that the command started has them.
func (o *output) settle() {
	limit := time.After(settleLimit)
	for _, s := range o.streams {
		// Wakes up copy. Where pipes know no deadline, that is left to the timer.
		_ = s.r.SetReadDeadline(time.Unix(1, 0))
	}
	for _, s := range o.streams {
		select {
		case <-s.settled:
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

// String returns what is kept. Where the rest was cut off it begins with a line
// or, in a line that is longer, with a word or at least a character: a part of a
// secret could not be told from other words.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	buf := t.buf
	if t.cut {
		buf = fromNext('\n', buf)
		if len(buf) == len(t.buf) {
			buf = fromNext(' ', buf)
		}
	}
	for i := 0; i < utf8.UTFMax-1 && len(buf) > 0 && !utf8.RuneStart(buf[0]); i++ {
		buf = buf[1:]
	}
	return string(buf)
}

// fromNext returns what comes after the first mark in buf, or all of buf where
// that is nothing.
func fromNext(mark byte, buf []byte) []byte {
	if i := bytes.IndexByte(buf, mark); i >= 0 && i < len(buf)-1 {
		return buf[i+1:]
	}
	return buf
}

// lines takes whole lines for Executor.Line.
type lines struct {
	line func(args []string, line string)
	args []string
}

// Write implements io.Writer.
func (l lines) Write(p []byte) (int, error) {
	for line := range strings.Lines(string(p)) {
		l.line(l.args, strings.TrimRight(line, "\r\n"))
	}
	return len(p), nil
}

// maxLine is the length in bytes from which a line is passed on before it ends.
const maxLine = 64 << 10

// A lineWriter passes on whole lines, with what is secret hidden in each.
type lineWriter struct {
	to   io.Writer
	hide func(string) string // nil: nothing is
	rest []byte              // the line that has not ended
}

func (w *lineWriter) Write(p []byte) (int, error) {
	w.rest = append(w.rest, p...)
	n := bytes.LastIndexByte(w.rest, '\n') + 1
	if n == 0 && len(w.rest) > maxLine {
		n = len(w.rest)
	}
	w.pass(n)
	return len(p), nil
}

// pass passes on the first n bytes. As with output in which nothing is hidden, errors
// do not count.
func (w *lineWriter) pass(n int) {
	if n > 0 {
		text := string(w.rest[:n])
		if w.hide != nil {
			text = w.hide(text)
		}
		_, _ = io.WriteString(w.to, text)
		w.rest = append(w.rest[:0], w.rest[n:]...)
	}
}
