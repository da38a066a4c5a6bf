package plan

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"

	"restencil/watch"
)

// How far the keys of one directory are divided. A reply about so many is soon
// read; and an agent holds a request to its end, and counts it, though the
// client has gone, so that a program which needs few is the sooner at work when
// it is started again.
const (
	enough   = 512 // keys that a prefix may stand for
	moderate = 24  // parts
)

// An item is a key, or a prefix whose keys are asked for, and the query.
type item struct {
	text  string
	list  bool
	query watch.ID
}

// Text returns the key or prefix that q asks for as Consul knows it: its
// client drops a slash at the beginning.
func Text(q watch.Query) string { return strings.TrimPrefix(q.Name, "/") }

func itemsOf(queries []watch.ID) []item {
	items := make([]item, len(queries))
	for i, id := range queries {
		q := id.Value()
		items[i] = item{Text(q), q.Kind == watch.KVList, id}
	}
	slices.SortStableFunc(items, func(a, b item) int {
		if a.text == b.text && a.list != b.list {
			if a.list {
				return -1
			}
			return 1
		}
		return cmp.Compare(a.text, b.text)
	})
	return items
}

// A part is a run of items, which one request for their prefix covers.
type part struct {
	items  []item
	prefix string // the longest that they all begin with
}

func newPart(items []item) part {
	return part{items: items, prefix: common(items[0].text, items[len(items)-1].text)}
}

// common returns what a and b both begin with, up to the end of a character.
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

// split divides p by the character that follows the prefix; what is the prefix
// itself is a part of its own.
func (p part) split() []part {
	var parts []part
	for rest := p.items; len(rest) > 0; {
		n := 1
		for n < len(rest) && p.branch(rest[n]) == p.branch(rest[0]) {
			n++
		}
		if p.branch(rest[0]) == "" {
			n = 1 // a list and a key of one name are two questions
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

// cover divides sorted items into at most so many parts, 1 at least. It prefers
// prefixes under which few keys are to be expected that nobody asked for, then
// parts of like size. Parts whose prefix is excluded are divided first; what then
// finds no room is left.
func cover(items []item, most int, excluded func(prefix string) bool) (parts, left []part) {
	c := coverer{excluded: excluded}
	c.add(newPart(items))
	for len(c.open) > 0 {
		p := c.take()
		children := p.split()
		count := c.count() + len(children)
		switch {
		case c.excludes(p): // the large ones are added first
			slices.SortStableFunc(children, func(a, b part) int { return cmp.Compare(len(b.items), len(a.items)) })
			for _, child := range children {
				if c.count() < most {
					c.add(child)
				} else {
					left = append(left, child)
				}
			}
		case count <= most && (p.straddles() || count <= moderate):
			c.add(children...)
		default:
			c.done = append(c.done, p)
		}
	}
	return c.done, left
}

// A coverer has parts that could be divided further, and those that stay.
type coverer struct {
	excluded   func(prefix string) bool
	open, done []part
}

// count is how many requests the parts take.
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
	case p.items[0].list && p.items[0].text == p.prefix:
		return false // all that begins with the prefix is asked for
	default:
		return p.straddles() || len(p.items) > enough
	}
}

// straddles tells whether p spans several of the directories at the top, of
// which nothing is known.
func (p part) straddles() bool { return !strings.Contains(p.prefix, "/") }

// take removes the open part that most needs to be divided: first what is excluded,
// then what straddles, then what is large.
func (c *coverer) take() part {
	rank := func(p part) int {
		n := len(p.items)
		if p.straddles() {
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
