package funcs

import (
	"reflect"
	"strconv"
	"text/template"
	"text/template/parse"
)

// Bind puts calls into parsed templates. They have names that are keywords
// there, so that no template can make them itself.
const (
	enterName = "template" // see nesting.go
	leaveName = "end"
	weighName = "define" // see output.go
)

// action returns {{ name args }}, as if it stood at that place.
func action(tree *parse.Tree, at parse.Pos, name string, args ...int) parse.Node {
	pipe := &parse.PipeNode{NodeType: parse.NodePipe, Pos: at, Cmds: []*parse.CommandNode{command(tree, at, name, args...)}}
	return &parse.ActionNode{NodeType: parse.NodeAction, Pos: at, Pipe: pipe}
}

func command(tree *parse.Tree, at parse.Pos, name string, args ...int) *parse.CommandNode {
	words := []parse.Node{parse.NewIdentifier(name).SetPos(at).SetTree(tree)}
	for _, n := range args {
		words = append(words, &parse.NumberNode{
			NodeType: parse.NodeNumber, Pos: at, IsInt: true, Int64: int64(n), Text: strconv.Itoa(n),
		})
	}
	return &parse.CommandNode{NodeType: parse.NodeCommand, Pos: at, Args: words}
}

// inspect shows each node of the templates that are defined with t to see, the
// outer ones first, which may change what is inside.
func inspect(t *template.Template, see func(*parse.Tree, parse.Node)) {
	for _, t := range t.Templates() {
		if t.Tree != nil && t.Root != nil {
			inspectNode(t.Root, func(n parse.Node) { see(t.Tree, n) })
		}
	}
}

func inspectNode(n parse.Node, see func(parse.Node)) {
	if n == nil || reflect.ValueOf(n).IsNil() {
		return
	}
	see(n)
	for _, inner := range children(n) {
		inspectNode(inner, see)
	}
}

// children returns the nodes right inside of n; some may be nil pointers.
func children(n parse.Node) []parse.Node {
	switch n := n.(type) {
	case *parse.ListNode:
		return n.Nodes
	case *parse.IfNode:
		return []parse.Node{n.Pipe, n.List, n.ElseList}
	case *parse.WithNode:
		return []parse.Node{n.Pipe, n.List, n.ElseList}
	case *parse.RangeNode:
		return []parse.Node{n.Pipe, n.List, n.ElseList}
	case *parse.ActionNode:
		return []parse.Node{n.Pipe}
	case *parse.TemplateNode:
		return []parse.Node{n.Pipe}
	case *parse.ChainNode:
		return []parse.Node{n.Node}
	case *parse.CommandNode:
		return n.Args
	case *parse.PipeNode:
		var commands []parse.Node
		for _, c := range n.Cmds {
			commands = append(commands, c)
		}
		return commands
	default:
		return nil
	}
}
