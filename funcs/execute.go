package funcs

import (
	"errors"
	"fmt"
	"reflect"
	"text/template"

	"restencil/funcs/pure"
)

// maxDepth bounds how deep executeTemplate may be nested. Each level takes a
// few kilobytes of a stack that Go limits to 1 GB.
const maxDepth = 10_000

const maxText = 64 << 20 // bounds what it may return, in bytes

// executeTemplate renders the template of that name, with the given dot or
// none, and returns the text (COMPAT 3.9).
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
	var inner template.ExecError
	if errors.As(err, &inner) {
		// The error would grow with each level that it comes through. Where it
		// arose says all.
		for errors.As(inner.Err, &inner) {
		}
		err = inner
	}
	return string(text.Bytes()), err
}

// An Output takes what is written until it is too large or told to end.
type Output struct {
	end    func() error
	data   []byte
	most   int // bytes
	writes int
	err    error // of the write that failed
}

// NewOutput returns an empty Output for most bytes, with room for size of them.
// Every now and then a write fails with the error of end, if that is not nil.
func NewOutput(end func() error, most, size int) *Output {
	return &Output{end: end, most: most, data: make([]byte, 0, size)}
}

// Bytes returns what has been written.
func (o *Output) Bytes() []byte { return o.data }

const checkEvery = 256 // how many writes may go by before end is asked

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

// loop counts from the first number up to, and without, the second; from 0
// where only one is given (COMPAT 3.9). The channel, which templates range over,
// gives each number once. It is closed early when the execution ends.
func (e *Env) loop(bounds ...any) (<-chan int64, error) {
	if len(bounds) != 1 && len(bounds) != 2 {
		return nil, fmt.Errorf("loop: wrong number of arguments, expected 1 or 2, but got %d", len(bounds))
	}
	var start, stop int64 // if there is one number, it comes to stop
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
	numbers := make(chan int64) // without a buffer: templates can see its length
	ctx := e.wait()
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
