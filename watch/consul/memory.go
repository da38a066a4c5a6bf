package consul

import (
	"bytes"
	"hash/maphash"

	"restencil/watch"
)

// A memory is what a query remembers of its last reply, so that of the next
// one it need decode only what differs. It is for one query, and for one
// goroutine. The nil memory remembers nothing.
//
// It holds the bytes of the last reply, as much room for those of the next,
// and the values that are published anyway.
type memory struct {
	pairs     *past[watch.KeyPair]
	instances *past[watch.HealthService]
}

func (m *memory) ofPairs() *past[watch.KeyPair] {
	if m == nil {
		return &past[watch.KeyPair]{}
	}
	if m.pairs == nil {
		m.pairs = &past[watch.KeyPair]{}
	}
	return m.pairs
}

func (m *memory) ofInstances() *past[watch.HealthService] {
	if m == nil {
		return &past[watch.HealthService]{}
	}
	if m.instances == nil {
		m.instances = &past[watch.HealthService]{}
	}
	return m.instances
}

// A past is what is known of the last reply that was a list.
type past[T any] struct {
	last, spare page[T] // spare lends its room to the next reply
	list        []*T    // what last means; nil: there was no reply
	index       uint64  // what it came with; 0 where there was none
}

// A page is a reply's body and what stands in it.
type page[T any] struct {
	body     []byte
	elements []element[T]
}

// An element is an object of a list and what it means, which depends on its
// bytes alone.
type element[T any] struct {
	from, to int // its place in the body
	value    *T
}

// room returns an empty buffer for the next reply's body, which will be about
// as long as the last one.
func (p *past[T]) room() []byte {
	n, has := len(p.last.body), cap(p.spare.body)
	if has < n || has > 4*n+smallestRoom {
		return make([]byte, 0, n+n/16+smallestRoom)
	}
	return p.spare.body[:0]
}

// turn makes p's last page the one that has this body and these elements. It
// tells whether the elements mean what they meant on the page before.
func (p *past[T]) turn(body []byte, elements []element[T]) (same bool) {
	p.last, p.spare = page[T]{body, elements}, p.last
	same = p.list != nil && sameValues(p.last.elements, p.spare.elements)
	clear(p.spare.elements) // the values are not held any longer than they are of use
	return same
}

func sameValues[T any](a, b []element[T]) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].value != b[i].value {
			return false
		}
	}
	return true
}

// A finder looks for what a new body holds on the page before it.
type finder[T any] struct {
	page   page[T]
	next   int            // where on the page the next element is expected
	misses int            // elements that were not found
	seed   maphash.Seed   // of hashes
	places map[uint64]int // by hash, once it pays
}

// reach is how far around the expected place find looks: some elements come or
// go at a time. Where more than patience were not found, it looks everywhere,
// for which it must hash the page.
const (
	reach    = 4
	patience = 16
)

// find returns the element of the page whose bytes b begins with. Nothing
// else can then stand at the beginning of b: an object ends with its brace.
func (f *finder[T]) find(b []byte) (found element[T], ok bool) {
	at := f.near(b)
	if at < 0 && f.misses > patience {
		at = f.anywhere(b)
	}
	if at < 0 {
		f.misses++
		f.next++ // as if it stood in the place of the one that was expected
		return element[T]{}, false
	}
	f.next = at + 1
	return f.page.elements[at], true
}

func (f *finder[T]) near(b []byte) int {
	for d := range reach {
		for _, i := range [2]int{f.next + d, f.next - d} {
			if f.is(i, b) {
				return i
			}
		}
	}
	return -1
}

// is tells whether b begins with the page's element i.
func (f *finder[T]) is(i int, b []byte) bool {
	return i >= 0 && i < len(f.page.elements) && bytes.HasPrefix(b, f.bytes(i))
}

func (f *finder[T]) bytes(i int) []byte {
	e := f.page.elements[i]
	return f.page.body[e.from:e.to]
}

func (f *finder[T]) anywhere(b []byte) int {
	if f.places == nil {
		f.seed = maphash.MakeSeed()
		f.places = make(map[uint64]int, len(f.page.elements))
		for i := range f.page.elements {
			f.places[maphash.Bytes(f.seed, f.bytes(i))] = i
		}
	}
	if i, ok := f.places[maphash.Bytes(f.seed, b[:extent(b)])]; ok && f.is(i, b) {
		return i
	}
	return -1
}
