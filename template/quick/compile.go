package quick

import (
	"reflect"
	"text/template/parse"
)

// A compiler turns the parse trees of templates into closures.
type compiler struct {
	functions map[string]any
	strict    bool // a key that a map does not have is an error
	parts     map[string]*part
	unknown   bool // there is something that it cannot compile

	// Of the part that is being compiled.
	scope []variable
	slots int
}

// A variable has a slot of its own wherever it is declared.
type variable struct {
	name string
	slot int
}

// A step is the work of one node that prints or decides.
type step func(*state) flow

// A flow is where a run goes on after a step.
type flow int

const (
	onward    flow = iota
	breaks         // behind the innermost range
	continues      // with the next element of the innermost range
)

// A block is a list of steps.
type block []step

func (b block) run(s *state) flow {
	for _, do := range b {
		if f := do(s); f != onward {
			return f
		}
	}
	return onward
}

func (c *compiler) part(p *part, root *parse.ListNode) {
	c.scope, c.slots = nil, 0
	c.declare("$")
	p.body = c.block(root)
	p.slots = c.slots
}

// declare returns the slot of a new variable.
func (c *compiler) declare(name string) int {
	c.scope = append(c.scope, variable{name, c.slots})
	c.slots++
	return c.slots - 1
}

// slot returns the slot of the variable of that name; ok is false where there is
// none. Parsers let that pass: {{ if … }}{{ $x := 1 }}{{ else }}{{ $x }}{{ end }}.
func (c *compiler) slot(name string) (slot int, ok bool) {
	for i := len(c.scope) - 1; i >= 0; i-- {
		if c.scope[i].name == name {
			return c.scope[i].slot, true
		}
	}
	return 0, false
}

// block compiles a list, whose variables end with it.
func (c *compiler) block(list *parse.ListNode) block {
	if list == nil {
		return nil
	}
	defer c.close(len(c.scope))
	var b block
	for _, n := range list.Nodes {
		b = append(b, c.step(n))
	}
	return b
}

// close ends the variables that were declared since there were n.
func (c *compiler) close(n int) { c.scope = c.scope[:n] }

func (c *compiler) step(n parse.Node) step {
	switch n := n.(type) {
	case *parse.TextNode:
		text := n.Text
		return func(s *state) flow { s.write(text); return onward }
	case *parse.ActionNode:
		return c.action(n)
	case *parse.IfNode:
		return c.ifStep(n)
	case *parse.WithNode:
		return c.withStep(n)
	case *parse.RangeNode:
		return c.rangeStep(n)
	case *parse.TemplateNode:
		return c.templateStep(n)
	case *parse.BreakNode:
		return func(*state) flow { return breaks }
	case *parse.ContinueNode:
		return func(*state) flow { return continues }
	case *parse.CommentNode:
		return func(*state) flow { return onward }
	default:
		c.unknown = true
		return nil
	}
}

func (c *compiler) action(n *parse.ActionNode) step {
	e := c.pipeline(n.Pipe)
	if len(n.Pipe.Decl) > 0 {
		return func(s *state) flow { e.value(s); return onward }
	}
	show := e.printer()
	return func(s *state) flow { show(s); return onward }
}

func (c *compiler) ifStep(n *parse.IfNode) step {
	defer c.close(len(c.scope))
	holds := c.pipeline(n.Pipe).condition()
	then, otherwise := c.block(n.List), c.block(n.ElseList)
	return func(s *state) flow {
		if holds(s) {
			return then.run(s)
		}
		return otherwise.run(s)
	}
}

func (c *compiler) withStep(n *parse.WithNode) step {
	defer c.close(len(c.scope))
	value := c.pipeline(n.Pipe).value
	then, otherwise := c.block(n.List), c.block(n.ElseList)
	return func(s *state) flow {
		v := value(s)
		if !truth(v) {
			return otherwise.run(s)
		}
		outer := s.dot
		s.dot = v
		f := then.run(s)
		s.dot = outer
		return f
	}
}

// maxDepth is how deep text/template lets parts call one another.
const maxDepth = 100_000

func (c *compiler) templateStep(n *parse.TemplateNode) step {
	dot := func(*state) reflect.Value { return reflect.Value{} }
	if n.Pipe != nil {
		dot = c.pipeline(n.Pipe).value
	}
	p := c.parts[n.Name]
	return func(s *state) flow {
		if p == nil || s.depth == maxDepth {
			giveUp()
		}
		v := dot(s)
		outer := *s
		s.dot, s.vars, s.depth = v, make([]reflect.Value, p.slots), s.depth+1
		s.vars[0] = v
		p.body.run(s)
		s.dot, s.vars, s.depth = outer.dot, outer.vars, outer.depth
		return onward
	}
}
