package template

import (
	"fmt"
	tmpltext "text/template"
	"text/template/parse"
)

// Most of what large templates do are loops such as
//
//	{{ range service "web" }}server {{ .Address }}:{{ .Port }};{{ end }}
//
// text/template walks the body anew for each element, and makes an allocation
// of each value that it prints. So a loop whose body has nothing but text and
// fields becomes
//
//	{{ $list := service "web" }}{{ range loop $list }}{{ . }}{{ else }}…{{ end }}
//
// where loop renders the elements by itself (type loop), and … is the loop as it
// was, over $list. It has its turn where loop renders nothing, which is what it
// does for all that is not as it expects.

// quicken has the plain loops of t rendered by functions of their own.
func quicken(t *tmpltext.Template, o Options) {
	q := quickener{most: o.limits().output, strict: o.ErrorOnMissingKey, functions: make(tmpltext.FuncMap)}
	for _, t := range t.Templates() {
		if t.Tree != nil {
			q.tree = t.Tree
			q.list(t.Root)
		}
	}
	t.Funcs(q.functions)
}

type quickener struct {
	tree      *parse.Tree // that is being changed
	most      int         // see loop
	strict    bool        // see loop
	functions tmpltext.FuncMap
}

func (q *quickener) list(list *parse.ListNode) {
	if list == nil {
		return
	}
	nodes := make([]parse.Node, 0, len(list.Nodes))
	for _, n := range list.Nodes {
		switch n := n.(type) {
		case *parse.IfNode:
			q.branch(&n.BranchNode)
		case *parse.WithNode:
			q.branch(&n.BranchNode)
		case *parse.RangeNode:
			q.branch(&n.BranchNode)
			if pieces := plainLoop(n); pieces != nil {
				nodes = append(nodes, q.variable(n))
				q.replace(n, pieces)
			}
		}
		nodes = append(nodes, n)
	}
	list.Nodes = nodes
}

func (q *quickener) branch(b *parse.BranchNode) {
	q.list(b.List)
	q.list(b.ElseList)
}

// listName is no name that a template could give to a variable.
const listName = "$ list"

// variable returns {{ $list := … }} with what n ranges over.
func (q *quickener) variable(n *parse.RangeNode) parse.Node {
	pipe := n.Pipe.CopyPipe()
	pipe.Decl = []*parse.VariableNode{q.listVariable(n.Pos)}
	return &parse.ActionNode{NodeType: parse.NodeAction, Pos: n.Pos, Line: n.Line, Pipe: pipe}
}

// replace makes {{ range loop $list }}{{ . }}{{ else }}…{{ end }} of n.
func (q *quickener) replace(n *parse.RangeNode, pieces []piece) {
	name := fmt.Sprint("range", len(q.functions)) // not there when the text is parsed
	l := &loop{pieces: pieces, most: q.most, strict: q.strict}
	q.functions[name] = l.render

	was := n.Copy().(*parse.RangeNode)
	was.Pipe = q.pipe(n.Pos, was.Pipe.Decl, q.listVariable(n.Pos))
	function := parse.NewIdentifier(name).SetPos(n.Pos).SetTree(q.tree)
	n.Pipe = q.pipe(n.Pos, nil, function, q.listVariable(n.Pos))
	n.List = q.nodes(n.Pos, &parse.ActionNode{
		NodeType: parse.NodeAction, Pos: n.Pos, Line: n.Line,
		Pipe: q.pipe(n.Pos, nil, &parse.DotNode{NodeType: parse.NodeDot, Pos: n.Pos}),
	})
	n.ElseList = q.nodes(n.Pos, was)
}

func (q *quickener) listVariable(at parse.Pos) *parse.VariableNode {
	return &parse.VariableNode{NodeType: parse.NodeVariable, Pos: at, Ident: []string{listName}}
}

func (q *quickener) nodes(at parse.Pos, nodes ...parse.Node) *parse.ListNode {
	return &parse.ListNode{NodeType: parse.NodeList, Pos: at, Nodes: nodes}
}

func (q *quickener) pipe(at parse.Pos, decl []*parse.VariableNode, words ...parse.Node) *parse.PipeNode {
	command := &parse.CommandNode{NodeType: parse.NodeCommand, Pos: at, Args: words}
	return &parse.PipeNode{NodeType: parse.NodePipe, Pos: at, Decl: decl, Cmds: []*parse.CommandNode{command}}
}

// plainLoop returns the pieces of the body of n, nil where it has others.
func plainLoop(n *parse.RangeNode) []piece {
	if n.Pipe.IsAssign {
		return nil
	}
	var index, elem string
	switch d := n.Pipe.Decl; len(d) {
	case 1:
		elem = d[0].Ident[0]
	case 2:
		index, elem = d[0].Ident[0], d[1].Ident[0]
	}
	var pieces []piece
	for _, node := range n.List.Nodes {
		p, ok := plainPiece(node, index, elem)
		if !ok {
			return nil
		}
		pieces = append(pieces, p)
	}
	return pieces
}

// plainPiece returns what node prints, in a loop with variables of these names.
func plainPiece(node parse.Node, index, elem string) (piece, bool) {
	switch node := node.(type) {
	case *parse.TextNode:
		return piece{text: node.Text}, true
	case *parse.ActionNode:
		p := node.Pipe
		if len(p.Decl) == 0 && len(p.Cmds) == 1 && len(p.Cmds[0].Args) == 1 {
			return plainOperand(p.Cmds[0].Args[0], index, elem)
		}
	}
	return piece{}, false
}

func plainOperand(node parse.Node, index, elem string) (piece, bool) {
	switch node := node.(type) {
	case *parse.DotNode:
		return piece{path: []string{}}, true
	case *parse.FieldNode:
		return piece{path: node.Ident}, true
	case *parse.VariableNode:
		switch name, path := node.Ident[0], node.Ident[1:]; {
		case name == index && len(path) == 0:
			return piece{index: true}, true
		case name == elem:
			return piece{path: path}, true
		}
	}
	return piece{}, false
}
