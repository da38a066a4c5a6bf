package process

import (
	"bytes"
	"io"
)

// maxLine is the length in bytes from which a line is passed on before it ends.
const maxLine = 64 << 10

// A lineWriter passes on whole lines, with what is secret hidden in each. Flush
// passes on the last line although it has not ended.
type lineWriter struct {
	to   io.Writer
	hide func(string) string
	rest []byte // the line that has not ended
}

// Write implements io.Writer.
func (w *lineWriter) Write(p []byte) (int, error) {
	w.rest = append(w.rest, p...)
	n := bytes.LastIndexByte(w.rest, '\n') + 1
	if n == 0 && len(w.rest) > maxLine {
		n = len(w.rest)
	}
	w.pass(n)
	return len(p), nil
}

func (w *lineWriter) flush() { w.pass(len(w.rest)) }

// pass passes on the first n bytes. As with output in which nothing is hidden, errors
// do not count.
func (w *lineWriter) pass(n int) {
	if n > 0 {
		_, _ = io.WriteString(w.to, w.hide(string(w.rest[:n])))
		w.rest = append(w.rest[:0], w.rest[n:]...)
	}
}
