package compat

import (
	"fmt"
	"strings"
)

// A node is a piece of a made-up template: an expression or a statement. Its
// format has a %s for each of its kids.
type node struct {
	format    string
	kids      []*node
	statement bool
}

// leaf returns an expression without parts.
func leaf(text string) *node { return &node{format: strings.ReplaceAll(text, "%", "%%")} }

func expression(format string, kids ...*node) *node { return &node{format: format, kids: kids} }

func statement(format string, kids ...*node) *node {
	return &node{format: format, kids: kids, statement: true}
}

// sequence puts statements one after the other, each with some text after it.
func sequence(kids []*node, texts []string) *node {
	var format strings.Builder
	for i := range kids {
		format.WriteString("%s" + strings.ReplaceAll(texts[i], "%", "%%"))
	}
	return statement(format.String(), kids...)
}

func (n *node) String() string {
	texts := make([]any, len(n.kids))
	for i, kid := range n.kids {
		texts[i] = kid
	}
	return fmt.Sprintf(n.format, texts...)
}

// shrink returns the smallest tree that differs still, as far as leaving out
// one thing after the other leads there.
func shrink(root *node, differs func(*node) bool) *node {
	for {
		smaller := firstThat(simpler(root), differs)
		if smaller == nil {
			return root
		}
		root = smaller
	}
}

func firstThat(candidates []*node, differs func(*node) bool) *node {
	for _, candidate := range candidates {
		if differs(candidate) {
			return candidate
		}
	}
	return nil
}

// simpler returns the trees that are one step simpler: with one node gone, or
// with a part of it in its place.
func simpler(n *node) []*node {
	var all []*node
	if n.statement && n.format != "" {
		all = append(all, statement(""))
	} else if len(n.kids) > 0 {
		all = append(all, leaf(`"a"`))
	}
	for _, kid := range n.kids {
		if kid.statement == n.statement {
			all = append(all, kid)
		}
	}
	for i, kid := range n.kids {
		for _, s := range simpler(kid) {
			all = append(all, n.with(i, s))
		}
	}
	return all
}

// with returns n with another kid in place i.
func (n *node) with(i int, kid *node) *node {
	other := *n
	other.kids = append([]*node(nil), n.kids...)
	other.kids[i] = kid
	return &other
}
