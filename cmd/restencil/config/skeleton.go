package config

import (
	"sort"
	"strings"
)

// A skeleton is normalised text, an expression of hcl/v2.
type skeleton struct {
	text string
	adds []addition
}

// An addition is text put in before the byte of the source at offset. In the
// skeleton it begins at start.
type addition struct {
	offset int
	text   string
	start  int
}

// join puts the additions into the masked text.
func (n *normaliser) join() skeleton {
	var b strings.Builder
	at := 0
	for i, a := range n.adds {
		b.Write(n.text[at:a.offset])
		n.adds[i].start = b.Len()
		b.WriteString(a.text)
		at = a.offset
	}
	b.Write(n.text[at:])
	return skeleton{text: b.String(), adds: n.adds}
}

// original turns an offset in the skeleton into one in the source. An offset
// within an addition becomes that of the byte after it.
func (s skeleton) original(offset int) int {
	i := sort.Search(len(s.adds), func(i int) bool { return s.adds[i].start > offset })
	if i == 0 {
		return offset
	}
	last := s.adds[i-1]
	return last.offset + max(0, offset-last.start-len(last.text))
}
