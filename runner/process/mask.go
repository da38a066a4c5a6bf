package process

import (
	"bytes"
	"io"
)

// maxVeiled is how much of a line is kept back, in bytes, before it is passed on
// though its end has not come.
const maxVeiled = 64 << 10

// A veil is a writer that hides something in each line before it passes it on.
// It keeps back a line that is not complete: flush passes that on, too.
type veil struct {
	to   io.Writer
	hide func(string) string
	rest []byte
}

// Write implements io.Writer.
func (v *veil) Write(p []byte) (int, error) {
	v.rest = append(v.rest, p...)
	n := bytes.LastIndexByte(v.rest, '\n') + 1
	if n == 0 && len(v.rest) > maxVeiled {
		n = len(v.rest)
	}
	v.pass(n)
	return len(p), nil
}

func (v *veil) flush() { v.pass(len(v.rest)) }

func (v *veil) pass(n int) {
	if n > 0 {
		// As with a command's output that is not veiled, errors have no say.
		_, _ = io.WriteString(v.to, v.hide(string(v.rest[:n])))
		v.rest = append(v.rest[:0], v.rest[n:]...)
	}
}
