package funcs

import (
	"slices"
	"text/template"
	"text/template/parse"
)

// Whoever executes a template can end it where it writes, and functions that
// take their time look at Context. That leaves ranges over large numbers that
// do neither: {{ range 9000000000000000000 }}{{ end }}.

// limitRanges has all ranges write something on each round, be it nothing, so
// that a writer that fails ends them.
func limitRanges(t *template.Template) {
	inspect(t, func(_ *parse.Tree, n parse.Node) {
		if n, ok := n.(*parse.RangeNode); ok && !writes(n.List) {
			nothing := &parse.TextNode{NodeType: parse.NodeText, Pos: n.Pos, Text: []byte{}}
			n.List.Nodes = slices.Insert(n.List.Nodes, 0, parse.Node(nothing))
		}
	})
}

// writes tells whether a list begins with something that writes, be it nothing,
// or has only what cannot leave it before that.
func writes(list *parse.ListNode) bool {
	for _, n := range list.Nodes {
		switch n := n.(type) {
		case *parse.TextNode:
			return true
		case *parse.ActionNode:
			if len(n.Pipe.Decl) == 0 {
				return true
			}
		default:
			return false
		}
	}
	return false
}
