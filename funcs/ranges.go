package funcs

import (
	"context"
	"slices"
	"text/template"
	"text/template/parse"
)

// Whoever executes a template can end it where it writes, and functions that
// take their time look at Context. That leaves ranges over large numbers that
// do neither: {{ range 9000000000000000000 }}{{ end }}.

// limitRanges has the ranges that may go round without writing look at Context.
func (e *Env) limitRanges(t *template.Template) {
	found := false
	for _, t := range t.Templates() {
		if t.Tree == nil || t.Root == nil {
			continue
		}
		for _, n := range silentRanges(t.Root) {
			n.List.Nodes = slices.Insert(n.List.Nodes, 0, action(t.Tree, n.Pos, checkName))
			found = true
		}
	}
	if found {
		t.Funcs(template.FuncMap{checkName: e.checkContext})
	}
}

func (e *Env) checkContext() (string, error) {
	if ctx := e.context(); ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	return "", nil
}

// silentRanges returns the ranges in a list that may write nothing.
func silentRanges(list *parse.ListNode) (found []*parse.RangeNode) {
	if list == nil {
		return nil
	}
	for _, n := range list.Nodes {
		var b *parse.BranchNode
		switch n := n.(type) {
		case *parse.IfNode:
			b = &n.BranchNode
		case *parse.WithNode:
			b = &n.BranchNode
		case *parse.RangeNode:
			b = &n.BranchNode
			if !writes(n.List) {
				found = append(found, n)
			}
		default:
			continue
		}
		found = append(found, silentRanges(b.List)...)
		found = append(found, silentRanges(b.ElseList)...)
	}
	return found
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
