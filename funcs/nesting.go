package funcs

import (
	"text/template"
	"text/template/parse"
)

// text/template executes recursively, on a stack that Go limits to 1 GB: one
// more byte, and the process is gone. It does count nested {{template}}s, but
// they may be so deep themselves that its limit comes too late, and it begins
// anew in each executeTemplate. And an error that leaves nested ranges takes a
// time that grows with the square of their number: minutes, for 10,000. So
// the parts of a template that may recur say on entering how deep they nest.

// A depth is how deep something nests.
type depth struct {
	stack  int // in units of about 512 bytes
	ranges int
}

// maxNesting is far beyond what templates need that end, at a tenth of the
// stack. The plainest recursion comes to text/template's own limit first, which
// is 100,000 calls.
var maxNesting = depth{stack: 200_000, ranges: 1000}

// What each thing takes, measured on amd64 and rounded up.
var (
	blockDepth     = depth{stack: 1} // if, with, the template itself
	rangeDepth     = depth{stack: 3, ranges: 1}
	argumentDepth  = depth{stack: 1} // a pipeline in parentheses
	executionDepth = depth{stack: 10}
)

func (d depth) plus(e depth) depth  { return depth{d.stack + e.stack, d.ranges + e.ranges} }
func (d depth) minus(e depth) depth { return depth{d.stack - e.stack, d.ranges - e.ranges} }

// A nestingError ends a runaway recursion.
type nestingError struct{}

func (*nestingError) Error() string { return "templates call each other without end" }

// enter counts a call, leave its end. After an error it may be that nobody
// leaves; Finish begins anew.
func (e *Env) enter(d depth) error {
	sum := e.kept.depth.plus(d)
	if sum.stack > maxNesting.stack || sum.ranges > maxNesting.ranges {
		return &nestingError{}
	}
	e.kept.depth = sum
	return nil
}

func (e *Env) leave(d depth) { e.kept.depth = e.kept.depth.minus(d) }

// limitNesting has the parts of t that may call themselves, directly or not,
// counted while they run. It returns the functions that do so.
func (e *Env) limitNesting(t *template.Template) template.FuncMap {
	parts := make(map[string]*part)
	executes := false
	for _, t := range t.Templates() {
		if t.Tree == nil || t.Root == nil {
			continue
		}
		p := &part{tree: t.Tree, calls: make(map[string]bool)}
		p.survey(t.Root, depth{})
		parts[t.Name()] = p
		executes = executes || p.executes
	}
	if !executes { // otherwise any part may call any other
		keepRecursive(parts)
	}
	if len(parts) == 0 {
		return template.FuncMap{}
	}
	for _, p := range parts {
		p.count()
	}
	return template.FuncMap{
		enterName: func(stack, ranges int) (string, error) { return "", e.enter(depth{stack, ranges}) },
		leaveName: func(stack, ranges int) string { e.leave(depth{stack, ranges}); return "" },
	}
}

// A part is one of the templates that are defined together.
type part struct {
	tree     *parse.Tree
	calls    map[string]bool // the names in its {{template}}s
	executes bool            // it calls executeTemplate
	depth    depth           // of the deepest call
}

// survey looks for calls in n, which is nested so deep in the part.
func (p *part) survey(n parse.Node, at depth) {
	switch n := n.(type) {
	case *parse.ListNode:
		p.surveyAll(n.Nodes, at.plus(blockDepth))
	case *parse.IfNode:
		p.surveyBranch(&n.BranchNode, at)
	case *parse.WithNode:
		p.surveyBranch(&n.BranchNode, at)
	case *parse.RangeNode:
		p.surveyBranch(&n.BranchNode, at.plus(rangeDepth))
	case *parse.ActionNode:
		p.surveyPipe(n.Pipe, at)
	case *parse.PipeNode:
		p.surveyPipe(n, at)
	case *parse.TemplateNode:
		p.calls[n.Name] = true
		p.reach(at.plus(blockDepth))
		p.surveyPipe(n.Pipe, at)
	case *parse.ChainNode:
		p.survey(n.Node, at)
	case *parse.IdentifierNode:
		if n.Ident == "executeTemplate" {
			p.executes = true
			p.reach(at)
		}
	}
}

func (p *part) surveyAll(nodes []parse.Node, at depth) {
	for _, n := range nodes {
		p.survey(n, at)
	}
}

func (p *part) surveyBranch(n *parse.BranchNode, at depth) {
	p.surveyPipe(n.Pipe, at)
	p.survey(n.List, at)
	if n.ElseList != nil {
		p.survey(n.ElseList, at)
	}
}

func (p *part) surveyPipe(n *parse.PipeNode, at depth) {
	if n == nil {
		return
	}
	for _, c := range n.Cmds {
		p.surveyAll(c.Args, at.plus(argumentDepth))
	}
}

// reach notes a call at this depth.
func (p *part) reach(d depth) {
	p.depth.stack = max(p.depth.stack, d.stack)
	p.depth.ranges = max(p.depth.ranges, d.ranges)
}

// keepRecursive drops the parts that cannot come round to themselves through
// {{template}}: those that call none of the rest, and those that none of the
// rest calls, until there are no more of them.
func keepRecursive(parts map[string]*part) {
	for before := -1; before != len(parts); {
		before = len(parts)
		called := make(map[string]bool)
		for name, p := range parts {
			if !p.callsAny(parts) {
				delete(parts, name)
				continue
			}
			for c := range p.calls {
				called[c] = true
			}
		}
		for name := range parts {
			if !called[name] {
				delete(parts, name)
			}
		}
	}
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

// call returns {{ name stack ranges }}, as if it stood where the part begins.
func (p *part) call(name string) parse.Node {
	return action(p.tree, p.tree.Root.Pos, name, p.depth.stack, p.depth.ranges)
}
