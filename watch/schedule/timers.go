package schedule

import (
	"container/heap"
	"time"
)

// Timers is a heap of values, each with the time at which it is due. The zero
// value is empty and ready to use. Timers is not safe for concurrent use.
type Timers[T comparable] struct {
	heap timerHeap[T]
	of   map[T]*timer[T]
}

// A timer is a value in the heap.
type timer[T comparable] struct {
	value T
	due   time.Time
	index int // in the heap
}

// Set sets the time at which value is due. The zero time removes value.
func (t *Timers[T]) Set(value T, due time.Time) {
	if due.IsZero() {
		t.Remove(value)
		return
	}
	if e := t.of[value]; e != nil {
		e.due = due
		heap.Fix(&t.heap, e.index)
		return
	}
	if t.of == nil {
		t.of = make(map[T]*timer[T])
	}
	e := &timer[T]{value: value, due: due}
	t.of[value] = e
	heap.Push(&t.heap, e)
}

// Remove removes value, if it is there.
func (t *Timers[T]) Remove(value T) {
	if e := t.of[value]; e != nil {
		heap.Remove(&t.heap, e.index)
		delete(t.of, value)
	}
}

// Has reports whether value is there.
func (t *Timers[T]) Has(value T) bool {
	return t.of[value] != nil
}

// Due returns the time at which value is due, or the zero time if it has not
// been set.
func (t *Timers[T]) Due(value T) time.Time {
	if e := t.of[value]; e != nil {
		return e.due
	}
	return time.Time{}
}

// Next returns the time at which the first value is due, or the zero time if
// there is none.
func (t *Timers[T]) Next() time.Time {
	if len(t.heap) == 0 {
		return time.Time{}
	}
	return t.heap[0].due
}

// Pop removes and returns the first value that is due now, and reports whether
// there was one.
func (t *Timers[T]) Pop(now time.Time) (value T, ok bool) {
	if len(t.heap) == 0 || t.heap[0].due.After(now) {
		return value, false
	}
	value = t.heap[0].value
	t.Remove(value)
	return value, true
}

// PopAll removes and returns all values that are due now, in order.
func (t *Timers[T]) PopAll(now time.Time) []T {
	var due []T
	for {
		value, ok := t.Pop(now)
		if !ok {
			return due
		}
		due = append(due, value)
	}
}

// Earliest returns the earliest of times; the zero time means never.
func Earliest(times ...time.Time) time.Time {
	var first time.Time
	for _, t := range times {
		if first.IsZero() || !t.IsZero() && t.Before(first) {
			first = t
		}
	}
	return first
}

// At returns a channel that receives at the earliest of times; the zero time means never.
func At(times ...time.Time) <-chan time.Time {
	at := Earliest(times...)
	if at.IsZero() {
		return nil
	}
	return time.After(time.Until(at))
}

// A timerHeap implements heap.Interface.
type timerHeap[T comparable] []*timer[T]

func (h timerHeap[T]) Len() int           { return len(h) }
func (h timerHeap[T]) Less(i, j int) bool { return h[i].due.Before(h[j].due) }

func (h timerHeap[T]) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (h *timerHeap[T]) Push(x any) {
	e := x.(*timer[T])
	e.index = len(*h)
	*h = append(*h, e)
}

func (h *timerHeap[T]) Pop() any {
	last := len(*h) - 1
	e := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return e
}
