package runner

import (
	"container/heap"
	"time"
)

// An agenda says what is due when. It costs the same to keep however much
// there is that is not due. The zero value is empty. It is pure; the loop owns
// it.
type agenda[T comparable] struct {
	entries appointments[T]
	of      map[T]*appointment[T]
}

type appointment[T comparable] struct {
	what  T
	at    time.Time
	place int // among the entries
}

// set says when something is due, instead of what was said before. The zero
// time is never.
func (a *agenda[T]) set(what T, at time.Time) {
	e := a.of[what]
	switch {
	case e != nil && at.IsZero():
		heap.Remove(&a.entries, e.place)
		delete(a.of, what)
	case e != nil && !at.Equal(e.at):
		e.at = at
		heap.Fix(&a.entries, e.place)
	case e == nil && !at.IsZero():
		if a.of == nil {
			a.of = make(map[T]*appointment[T])
		}
		e = &appointment[T]{what: what, at: at}
		a.of[what] = e
		heap.Push(&a.entries, e)
	}
}

// next is when something is due, zero: never.
func (a *agenda[T]) next() time.Time {
	if len(a.entries) == 0 {
		return time.Time{}
	}
	return a.entries[0].at
}

// take takes out what is due, in no certain order.
func (a *agenda[T]) take(now time.Time) []T {
	var due []T
	for len(a.entries) > 0 && !a.entries[0].at.After(now) {
		due = append(due, a.entries[0].what)
		a.set(a.entries[0].what, time.Time{})
	}
	return due
}

// appointments are a heap, the earliest first. They implement heap.Interface.
type appointments[T comparable] []*appointment[T]

func (p appointments[T]) Len() int           { return len(p) }
func (p appointments[T]) Less(i, j int) bool { return p[i].at.Before(p[j].at) }

func (p appointments[T]) Swap(i, j int) {
	p[i], p[j] = p[j], p[i]
	p[i].place, p[j].place = i, j
}

func (p *appointments[T]) Push(x any) {
	e := x.(*appointment[T])
	e.place = len(*p)
	*p = append(*p, e)
}

func (p *appointments[T]) Pop() any {
	last := len(*p) - 1
	e := (*p)[last]
	(*p)[last] = nil
	*p = (*p)[:last]
	return e
}
