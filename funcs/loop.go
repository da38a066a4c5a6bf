package funcs

import (
	"fmt"
	"reflect"
	"slices"
	"sync/atomic"
	"text/template"
)

// loopFuncs returns the function that counts (COMPAT 3.9).
func (e *Env) loopFuncs() template.FuncMap {
	return template.FuncMap{"loop": e.loop}
}

// loop counts from the first number up to, and without, the second; from 0
// where only one is given. The channel, which templates range over, gives each
// number once. Finish ends a count that was left half-way.
func (e *Env) loop(bounds ...any) (<-chan int64, error) {
	if len(bounds) != 1 && len(bounds) != 2 {
		return nil, fmt.Errorf("loop: wrong number of arguments, expected 1 or 2, but got %d", len(bounds))
	}
	var start int64
	if len(bounds) == 2 {
		var err error
		if start, err = loopBound(bounds[0]); err != nil {
			return nil, err
		}
	}
	stop, err := loopBound(bounds[len(bounds)-1])
	if err != nil {
		return nil, err
	}
	return e.count(start, stop), nil
}

// loopBound reads an integer of any kind, or one in decimal digits.
func loopBound(v any) (int64, error) {
	if r := reflect.ValueOf(v); r.Kind() == reflect.String {
		return parseInt(r.String())
	}
	n, ok := numberOf(v)
	if !ok || n.class == floating {
		return 0, fmt.Errorf("loop: bad argument type: %T", v)
	}
	return n.int(), nil
}

// A counter sends numbers. Its channel has no buffer, since templates can see
// the length of one.
type counter struct {
	numbers chan int64 // closed after the last
	stopped atomic.Bool
	done    atomic.Bool
}

func (e *Env) count(start, stop int64) <-chan int64 {
	c := &counter{numbers: make(chan int64)}
	if start >= stop {
		close(c.numbers)
		return c.numbers
	}
	e.keep(c)
	go c.run(start, stop)
	return c.numbers
}

func (c *counter) run(start, stop int64) {
	defer close(c.numbers)
	for i := start; i < stop && !c.stopped.Load(); i++ {
		c.numbers <- i
	}
	c.done.Store(true)
}

// stop ends the counter's goroutine, which then waits to send one last number.
func (c *counter) stop() {
	c.stopped.Store(true)
	for range c.numbers {
		// No one else wants them.
	}
}

// keep notes a counter for Finish, and now and then forgets those that are done.
func (e *Env) keep(c *counter) {
	if n := len(e.kept.loops); n > 0 && n == cap(e.kept.loops) {
		e.kept.loops = slices.DeleteFunc(e.kept.loops, func(c *counter) bool { return c.done.Load() })
	}
	e.kept.loops = append(e.kept.loops, c)
}

// stopLoops ends what is left of the counters of this execution.
func (e *Env) stopLoops() {
	for _, c := range e.kept.loops {
		c.stop()
	}
	clear(e.kept.loops)
	e.kept.loops = e.kept.loops[:0]
}
