package plan

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"

	"restencil/watch"
)

// The keys of one directory are divided only if they are many, and into few parts: an
// agent holds a request to its end, and counts it, though the client has gone, which
// delays a program that is started again.
const (
	mostKeys  = 512 // keys
	mostParts = 24  // parts
	leastPart = 8   // a part with fewer than one in so many of all keys is not divided, either
)

// An item is a query for a key, or for the keys with a prefix.
type item struct {
	text  string // the key or prefix
	kind  watch.Kind
	query watch.ID
}

// Text returns the key or prefix that q asks for as Consul knows it, without a slash at
// the beginning.
func Text(q watch.Query) string { return strings.TrimPrefix(q.Name, "/") }

func itemsOf(queries []watch.ID) []item {
	items := make([]item, len(queries))
	for i, id := range queries {
		q := id.Value()
		items[i] = item{Text(q), q.Kind, id}
	}
	slices.SortStableFunc(items, func(a, b item) int {
		return cmp.Or(cmp.Compare(a.text, b.text), cmp.Compare(b.kind, a.kind)) // a prefix, then its key
	})
	return items
}

// A part is a run of items that one request for their prefix covers.
type part struct {
	items  []item
	prefix string // the longest that they all begin with
}

func newPart(items []item) part {
	return part{items: items, prefix: common(items[0].text, items[len(items)-1].text)}
}

// common returns the longest prefix of a and b that ends at the end of a character.
func common(a, b string) string {
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	for n > 0 && n < len(a) && !utf8.RuneStart(a[n]) {
		n--
	}
	return a[:n]
}

// split divides p by the character that follows the prefix. An item that is the prefix
// itself is a part of its own.
func (p part) split() []part {
	var parts []part
	for rest := p.items; len(rest) > 0; {
		n := 1
		for n < len(rest) && p.branch(rest[n]) == p.branch(rest[0]) {
			n++
		}
		if p.branch(rest[0]) == "" {
			n = 1 // a prefix and a key of the same name are two queries
		}
		parts = append(parts, newPart(rest[:n]))
		rest = rest[n:]
	}
	return parts
}

func (p part) branch(it item) string {
	rest := it.text[len(p.prefix):]
	_, size := utf8.DecodeRuneInString(rest)
	return rest[:size]
}

// cover divides sorted items into at most most parts, 1 at least. It prefers prefixes
// that are likely to have few keys that no query asks for, then parts of similar size.
// Parts whose prefix is excluded are divided first; left are those for which there is
// no room then.
func cover(items []item, most int, excluded func(prefix string) bool) (parts, left []part) {
	c := coverer{excluded: excluded, mostKeys: max(mostKeys, len(items)/leastPart)}
	c.add(newPart(items))
	for len(c.open) > 0 {
		p := c.take()
		children := p.split()
		count := c.count() + len(children)
		switch {
		case c.excludes(p): // large parts are added first
			slices.SortStableFunc(children, func(a, b part) int { return cmp.Compare(len(b.items), len(a.items)) })
			for _, child := range children {
				if c.count() < most {
					c.add(child)
				} else {
					left = append(left, child)
				}
			}
		case count <= most && (p.spansTop() || count <= mostParts):
			c.add(children...)
		default:
			c.done = append(c.done, p)
		}
	}
	return c.done, left
}

// A coverer has the parts that can be divided further, and those that are done.
type coverer struct {
	excluded   func(prefix string) bool
	mostKeys   int // of a part that is not divided
	open, done []part
}

// count returns the number of parts.
func (c *coverer) count() int { return len(c.open) + len(c.done) }

func (c *coverer) excludes(p part) bool {
	return len(p.items) > 1 && c.excluded(p.prefix)
}

func (c *coverer) add(parts ...part) {
	for _, p := range parts {
		if c.divisible(p) {
			c.open = append(c.open, p)
		} else {
			c.done = append(c.done, p)
		}
	}
}

func (c *coverer) divisible(p part) bool {
	switch {
	case len(p.items) == 1:
		return false
	case c.excluded(p.prefix):
		return true
	case p.items[0].kind == watch.KVList && p.items[0].text == p.prefix:
		return false // a query asks for the whole prefix
	default:
		return p.spansTop() || len(p.items) > c.mostKeys
	}
}

// spansTop reports whether p spans several top directories, whose size is unknown.
func (p part) spansTop() bool { return !strings.Contains(p.prefix, "/") }

// take removes the open part to divide next: one that is excluded, else one that
// spans top directories, else the largest.
func (c *coverer) take() part {
	rank := func(p part) int {
		n := len(p.items)
		if p.spansTop() {
			n += 1 << 28
		}
		if c.excludes(p) {
			n += 2 << 28
		}
		return n
	}
	worst := 0
	for i, p := range c.open {
		if rank(p) > rank(c.open[worst]) {
			worst = i
		}
	}
	p := c.open[worst]
	c.open = slices.Delete(c.open, worst, worst+1)
	return p
}
