package vault

import (
	"container/heap"
	"time"
)

// An agenda holds entries by when they are due, the earliest first.
type agenda struct{ list timeline }

// put has e come up at that time, and no other.
func (a *agenda) put(e *entry, at time.Time) {
	e.at = at
	if e.place == 0 {
		heap.Push(&a.list, e)
	} else {
		heap.Fix(&a.list, e.place-1)
	}
}

// remove has e not come up at all.
func (a *agenda) remove(e *entry) {
	if e.place > 0 {
		heap.Remove(&a.list, e.place-1)
	}
}

// first returns what comes up first, nil where there is nothing.
func (a *agenda) first() *entry {
	if len(a.list) == 0 {
		return nil
	}
	return a.list[0]
}

// A timeline implements heap.Interface. The place of an entry in it is one more
// than its index; that of one that is not in it is 0.
type timeline []*entry

func (t timeline) Len() int           { return len(t) }
func (t timeline) Less(i, j int) bool { return t[i].at.Before(t[j].at) }

func (t timeline) Swap(i, j int) {
	t[i], t[j] = t[j], t[i]
	t[i].place, t[j].place = i+1, j+1
}

func (t *timeline) Push(x any) {
	e := x.(*entry)
	*t = append(*t, e)
	e.place = len(*t)
}

func (t *timeline) Pop() any {
	last := len(*t) - 1
	e := (*t)[last]
	(*t)[last] = nil
	*t = (*t)[:last]
	e.place = 0
	return e
}
