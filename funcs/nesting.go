package funcs

import (
	"fmt"
	"text/template"
	"text/template/parse"
)

// text/template executes recursively, on a stack that Go limits to 1 GB: one
// more byte, and the process is gone. It does count nested {{template}}s, but
// their parts may be so deep themselves that its limit comes too late, and it
// begins anew in each executeTemplate. So what may recur is counted here, by
// what it needs of the stack.

// maxNesting is how deep templates may call each other, in units of about
// 512 bytes of stack. A plain recursion through {{template}} gets as far as
// text/template lets it, which is 100,000 calls.
const maxNesting = 400_000

// Measured on amd64, rounded up.
const (
	blockWeight     = 1 // if, with, the template itself
	rangeWeight     = 3
	argumentWeight  = 1 // a pipeline in parentheses
	executionWeight = 10
)

// A nestingError ends a runaway recursion.
type nestingError struct{}

func (*nestingError) Error() string {
	return "templates call each other without end"
}

// enter counts a call, leave its end. After an error it may be that nobody
// leaves; Finish begins anew.
func (e *Env) enter(weight int) error {
	if e.kept.depth+weight > maxNesting {
		return &nestingError{}
	}
	e.kept.depth += weight
	return nil
}

func (e *Env) leave(weight int) { e.kept.depth -= weight }

// A depthLimit is what is known of a template's parts.
type depthLimit struct {
	total int // the weights of all parts: they cannot be deeper without recursion
}

// execution returns the weight of one executeTemplate.
func (l depthLimit) execution() int { return executionWeight + l.total }

// The calls to enter and leave stand in templates under names that are
// keywords there, so that no template can call them itself.
const (
	enterName = "template"
	leaveName = "end"
)

// limitNesting has the parts of t that may call themselves, directly or not,
// counted while they run.
func limitNesting(e *Env, t *template.Template) depthLimit {
	parts := make(map[string]*part)
	var limit depthLimit
	for _, t := range t.Templates() {
		if t.Tree == nil || t.Root == nil {
			continue
		}
		p := &part{tree: t.Tree, calls: make(map[string]bool)}
		p.weight = p.survey(t.Root)
		parts[t.Name()] = p
		limit.total += p.weight
	}
	recursive := recursiveParts(parts)
	for _, p := range recursive {
		p.count()
	}
	if len(recursive) > 0 {
		t.Funcs(template.FuncMap{
			enterName: func(weight int) (string, error) { return "", e.enter(weight) },
			leaveName: func(weight int) string { e.leave(weight); return "" },
		})
	}
	return limit
}

// A part is one of the templates that are defined together.
type part struct {
	tree   *parse.Tree
	calls  map[string]bool // the names in its {{template}}s
	weight int
}

// survey returns how deep the engine nests inside of n, and notes the calls.
func (p *part) survey(n parse.Node) int {
	switch n := n.(type) {
	case *parse.ListNode:
		return blockWeight + p.deepest(n.Nodes)
	case *parse.IfNode:
		return p.branch(&n.BranchNode)
	case *parse.WithNode:
		return p.branch(&n.BranchNode)
	case *parse.RangeNode:
		return rangeWeight + p.branch(&n.BranchNode)
	case *parse.ActionNode:
		return p.survey(n.Pipe)
	case *parse.TemplateNode:
		p.calls[n.Name] = true
		return blockWeight + p.survey(n.Pipe)
	case *parse.PipeNode:
		if n == nil {
			return 0
		}
		deepest := 0
		for _, c := range n.Cmds {
			deepest = max(deepest, p.deepest(c.Args))
		}
		return argumentWeight + deepest
	default:
		return 0
	}
}

func (p *part) branch(n *parse.BranchNode) int {
	deepest := max(p.survey(n.Pipe), p.survey(n.List))
	if n.ElseList != nil {
		deepest = max(deepest, p.survey(n.ElseList))
	}
	return deepest
}

func (p *part) deepest(nodes []parse.Node) int {
	deepest := 0
	for _, n := range nodes {
		deepest = max(deepest, p.survey(n))
	}
	return deepest
}

// recursiveParts returns the parts that may come round to themselves, and
// those on the way from one such to another.
func recursiveParts(parts map[string]*part) map[string]*part {
	left := make(map[string]*part, len(parts))
	for name, p := range parts {
		left[name] = p
	}
	for stripped := true; stripped; {
		stripped = false
		called := make(map[string]bool)
		for name, p := range left {
			if !p.callsAny(left) {
				delete(left, name)
				stripped = true
				continue
			}
			for c := range p.calls {
				called[c] = true
			}
		}
		for name := range left {
			if !called[name] {
				delete(left, name)
				stripped = true
			}
		}
	}
	return left
}

func (p *part) callsAny(parts map[string]*part) bool {
	for name := range p.calls {
		if parts[name] != nil {
			return true
		}
	}
	return false
}

// count puts the calls around everything else in the part.
func (p *part) count() {
	nodes := []parse.Node{p.call(enterName)}
	nodes = append(nodes, p.tree.Root.Nodes...)
	p.tree.Root.Nodes = append(nodes, p.call(leaveName))
}

// call returns {{ name weight }}, as if it stood at the start of the part.
func (p *part) call(name string) parse.Node {
	at := p.tree.Root.Pos
	weight := parse.NumberNode{
		NodeType: parse.NodeNumber,
		Pos:      at,
		IsInt:    true,
		Int64:    int64(p.weight),
		Text:     fmt.Sprint(p.weight),
	}
	return &parse.ActionNode{
		NodeType: parse.NodeAction,
		Pos:      at,
		Pipe: &parse.PipeNode{
			NodeType: parse.NodePipe,
			Pos:      at,
			Cmds: []*parse.CommandNode{{
				NodeType: parse.NodeCommand,
				Pos:      at,
				Args:     []parse.Node{parse.NewIdentifier(name).SetPos(at).SetTree(p.tree), &weight},
			}},
		},
	}
}
