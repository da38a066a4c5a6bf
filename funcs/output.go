package funcs

import (
	"strings"
	"text/template"
	"text/template/parse"
)

// makers are the functions that put values into lists and maps, so that one
// value may be in there many times over.
const makers = `
	explodeMap mergeMap mergeMapWithOverride scratch sprig_append sprig_chunk sprig_concat sprig_dict sprig_list
	sprig_merge sprig_mergeOverwrite sprig_mustAppend sprig_mustChunk sprig_mustMerge sprig_mustMergeOverwrite
	sprig_mustPrepend sprig_mustPush sprig_pluck sprig_prepend sprig_push sprig_set sprig_tuple`

// limitOutput has what a template prints weighed first, where the template can
// make a value that is too large for that. It returns the functions that do so.
func limitOutput(t *template.Template) template.FuncMap {
	called := make(map[string]bool)
	inspect(t, func(_ *parse.Tree, n parse.Node) {
		if n, ok := n.(*parse.IdentifierNode); ok {
			called[n.Ident] = true
		}
	})
	functions := make(template.FuncMap)
	for name, f := range printFuncs() {
		if called[name] {
			functions[name] = f
		}
	}
	for name := range strings.FieldsSeq(makers) {
		if called[name] {
			weighOutput(t)
			functions[weighName] = func(v any) (any, error) { return v, writable("print", v) }
			break
		}
	}
	return functions
}

// weighOutput makes {{ … | weigh }} of the actions that may print a list or map.
// That doubles what an action takes, so it spares those that certainly do not.
func weighOutput(t *template.Template) {
	for _, t := range t.Templates() {
		if t.Tree != nil && t.Root != nil {
			w := weigher{tree: t.Tree, elements: elementVariables(t.Root)}
			w.list(t.Root, false)
		}
	}
}

type weigher struct {
	tree     *parse.Tree
	elements map[string]bool // see elementVariables
}

// list does its work in a list of nodes; element tells whether dot is an element
// of an answer there.
func (w *weigher) list(list *parse.ListNode, element bool) {
	if list == nil {
		return
	}
	for _, n := range list.Nodes {
		switch n := n.(type) {
		case *parse.ActionNode:
			if len(n.Pipe.Decl) == 0 && !w.printsText(n.Pipe, element) {
				n.Pipe.Cmds = append(n.Pipe.Cmds, command(w.tree, n.Pos, weighName))
			}
		case *parse.IfNode:
			w.list(n.List, element)
			w.list(n.ElseList, element)
		case *parse.WithNode:
			w.list(n.List, false)
			w.list(n.ElseList, element)
		case *parse.RangeNode:
			w.list(n.List, givesAnswer(n.Pipe))
			w.list(n.ElseList, element)
		}
	}
}

// printsText tells whether a pipeline gives text or a number for sure, or what
// is in an answer.
func (w *weigher) printsText(p *parse.PipeNode, element bool) bool {
	last := p.Cmds[len(p.Cmds)-1]
	switch n := last.Args[0].(type) {
	case *parse.IdentifierNode:
		return textFuncs()[n.Ident]
	case *parse.StringNode, *parse.NumberNode, *parse.BoolNode:
		return true
	case *parse.FieldNode:
		return element && len(p.Cmds) == 1
	case *parse.VariableNode:
		return w.elements[n.Ident[0]] && len(p.Cmds) == 1
	case *parse.ChainNode:
		scratch, ok := n.Node.(*parse.IdentifierNode)
		return ok && scratch.Ident == "scratch" && len(n.Field) == 1 && strings.Contains(n.Field[0], "Set")
	default:
		return false
	}
}

// answerers are the functions whose results are lists of what the stores have;
// no template can put anything in there.
const answerers = " connect ls nodes safeLs safeTree service services tree "

// givesAnswer tells whether a pipeline is a call of one of them.
func givesAnswer(p *parse.PipeNode) bool {
	n, ok := p.Cmds[len(p.Cmds)-1].Args[0].(*parse.IdentifierNode)
	return ok && strings.Contains(answerers, " "+n.Ident+" ")
}

// elementVariables returns the names of the variables that ranges over answers
// declare, and that never stand for anything else.
func elementVariables(root *parse.ListNode) map[string]bool {
	elements, all := make(map[string]int), make(map[string]int)
	inspectNode(root, func(n parse.Node) {
		switch n := n.(type) {
		case *parse.PipeNode:
			for _, v := range n.Decl {
				all[v.Ident[0]]++
			}
		case *parse.RangeNode:
			if !n.Pipe.IsAssign && givesAnswer(n.Pipe) {
				for _, v := range n.Pipe.Decl {
					elements[v.Ident[0]]++
				}
			}
		}
	})
	only := make(map[string]bool)
	for name, n := range elements {
		only[name] = n == all[name]
	}
	return only
}
