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
// make a value that is too large for that.
func limitOutput(t *template.Template) {
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
	t.Funcs(functions)
}

// weighOutput makes {{ … | weigh }} of the actions that may print a list or map.
func weighOutput(t *template.Template) {
	inspect(t, func(tree *parse.Tree, n parse.Node) {
		a, ok := n.(*parse.ActionNode)
		if !ok || len(a.Pipe.Decl) > 0 || printsText(a.Pipe) {
			return
		}
		a.Pipe.Cmds = append(a.Pipe.Cmds, command(tree, a.Pos, weighName))
	})
}

// printsText tells whether a pipeline gives text or a number for sure.
func printsText(p *parse.PipeNode) bool {
	last := p.Cmds[len(p.Cmds)-1]
	switch n := last.Args[0].(type) {
	case *parse.IdentifierNode:
		return textFuncs()[n.Ident]
	case *parse.StringNode, *parse.NumberNode, *parse.BoolNode:
		return true
	default:
		return false
	}
}
