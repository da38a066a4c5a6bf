package funcs

import (
	"errors"
	"fmt"
	"reflect"
	"text/template"

	"restencil/funcs/pure"
)

const (
	maxDepth = 10_000   // of nested executeTemplate, at a few KB of Go's 1 GB of stack each
	maxText  = 64 << 20 // bytes that executeTemplate may return
)

// executeTemplate executes the template of that name with a dot, nil by default, and
// returns the text (COMPAT 3.9).
func (e *Env) executeTemplate(name string, dot ...any) (string, error) {
	if len(dot) > 1 {
		return "", fmt.Errorf("executeTemplate: wrong number of arguments, expected 1 or 2, but got %d", len(dot)+1)
	}
	if e.depth == maxDepth {
		return "", errors.New("templates call each other without end")
	}
	e.depth++
	defer func() { e.depth-- }()
	var data any
	if len(dot) == 1 {
		data = dot[0]
	}
	text := NewOutput(e.Err, maxText, 0)
	err := e.Template.ExecuteTemplate(text, name, data)
	var inner template.ExecError // only the innermost: each level adds to the text
	for at := err; errors.As(at, &inner); at = inner.Err {
		err = inner
	}
	return string(text.Bytes()), err
}

// An Output is a buffer with a maximum size, which checks for the end of an
// execution.
type Output struct {
	end    func() error
	data   []byte
	most   int // bytes
	writes int
	err    error // of the write that failed
}

// NewOutput returns an empty Output for most bytes, with a capacity of size. Writes
// fail after end returns an error.
func NewOutput(end func() error, most, size int) *Output {
	return &Output{end: end, most: most, data: make([]byte, 0, size)}
}

// Bytes returns what has been written.
func (o *Output) Bytes() []byte { return o.data }

const checkEvery = 256 // writes between two calls of end

// Write implements io.Writer.
func (o *Output) Write(p []byte) (int, error) {
	if o.writes++; o.err == nil && o.writes%checkEvery == 0 {
		o.err = o.end()
	}
	if len(o.data)+len(p) > o.most {
		o.err = fmt.Errorf("the output is larger than %d bytes", o.most)
	}
	if o.err != nil {
		return 0, o.err
	}
	o.data = append(o.data, p...)
	return len(p), nil
}

// loop returns a channel of the numbers from the first, or 0 if there is one number,
// to the second, exclusive (COMPAT 3.9). It is closed early when the execution ends.
func (e *Env) loop(bounds ...any) (<-chan int64, error) {
	if len(bounds) != 1 && len(bounds) != 2 {
		return nil, fmt.Errorf("loop: wrong number of arguments, expected 1 or 2, but got %d", len(bounds))
	}
	var start, stop int64
	for _, v := range bounds {
		var n int64
		switch r := reflect.ValueOf(v); {
		case r.Kind() == reflect.String:
			var err error
			if n, err = pure.ParseInt(r.String()); err != nil {
				return nil, err
			}
		case r.CanInt():
			n = r.Int()
		case r.CanUint():
			n = int64(r.Uint())
		default:
			return nil, fmt.Errorf("loop: bad argument type: %T", v)
		}
		start, stop = stop, n
	}
	numbers := make(chan int64) // unbuffered: templates can see the length
	ctx := e.ctx
	e.loops.Go(func() {
		defer close(numbers)
		for i := start; i < stop; i++ {
			select {
			case numbers <- i:
			case <-ctx.Done():
				return
			}
		}
	})
	return numbers, nil
}
