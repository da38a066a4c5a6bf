package template

import (
	tmpltext "text/template"
	"text/template/parse"
)

// What a check prints changes all the time, and next to no template looks at
// it. Whether one does is found out from its parse tree, by following the
// instances of services through variables, dots and functions. All that is not
// known to lead away from Checks counts as looking at them.

// A shape is what is known of a value.
type shape int

const (
	nothing  shape = iota // no value has come here yet
	plain                 // it leads to no instance
	instance              // a *watch.HealthService
	list                  // a list of instances
	groups                // a map whose values are lists
	anything              // it may lead to instances, who knows how
)

// either returns what is known of a value that is a or b.
func either(a, b shape) shape {
	switch {
	case a == nothing || a == b:
		return b
	case b == nothing:
		return a
	}
	return anything
}

// leads tells whether instances can be reached from the value.
func (s shape) leads() bool { return s > plain }

// element returns what a range over the value yields.
func (s shape) element() shape {
	switch s {
	case list:
		return instance
	case groups:
		return list
	case anything:
		return anything
	}
	return plain
}

// fields returns what a chain of fields or keys leads to, none of them Checks.
func (s shape) fields(n int) shape {
	for ; n > 0; n-- {
		if s == list || s == instance {
			s = plain
		}
		s = s.element()
	}
	return s
}

// An observer finds out whether templates may see the Checks of instances. It
// goes through them until it learns nothing new.
type observer struct {
	all     []*tmpltext.Template
	dots    map[string]shape              // what the templates are given, by name
	vars    map[*parse.VariableNode]shape // by where they are declared
	learned bool
	sees    bool

	// Of the template under way.
	root, dot shape
	scope     []*parse.VariableNode // the declarations in force, innermost last
}

// SeesChecks tells whether the template may see the Checks of instances. Where
// it does not, answers that differ only in them come to the same output.
func (t *Template) SeesChecks() bool { return t.sees }

// seesChecks tells whether t, or a template that goes with it, may see the
// Checks of instances. It is for trees that nobody has changed since they were
// parsed.
func seesChecks(t *tmpltext.Template) bool {
	o := &observer{
		all:  t.Templates(),
		dots: map[string]shape{t.Name(): plain},
		vars: make(map[*parse.VariableNode]shape),
	}
	for again := true; again && !o.sees; again = o.learned {
		o.learned = false
		for _, t := range o.all {
			if t.Tree != nil {
				o.root, o.dot, o.scope = o.dots[t.Name()], o.dots[t.Name()], nil
				o.list(t.Root)
			}
		}
	}
	return o.sees
}

func (o *observer) list(l *parse.ListNode) {
	if l == nil {
		return
	}
	for _, n := range l.Nodes {
		o.node(n)
	}
}

func (o *observer) node(n parse.Node) {
	switch n := n.(type) {
	case *parse.ActionNode:
		if s := o.pipe(n.Pipe); len(n.Pipe.Decl) == 0 && s.leads() {
			o.sees = true // it is printed
		}
	case *parse.TemplateNode:
		o.give(n.Name, o.pipe(n.Pipe))
	case *parse.IfNode:
		o.branch(&n.BranchNode, func(shape) shape { return o.dot })
	case *parse.WithNode:
		o.branch(&n.BranchNode, func(s shape) shape { return s })
	case *parse.RangeNode:
		o.branch(&n.BranchNode, shape.element)
	}
}

// branch goes through an if, a with or a range; inner says what the dot is in
// its first list.
func (o *observer) branch(b *parse.BranchNode, inner func(shape) shape) {
	dot, scope := o.dot, len(o.scope)
	var s shape
	if b.NodeType == parse.NodeRange {
		s = o.commands(b.Pipe)
		o.declareRange(b.Pipe, s)
	} else {
		s = o.pipe(b.Pipe)
	}
	within := len(o.scope)
	o.dot = inner(s)
	o.list(b.List)
	o.dot, o.scope = dot, o.scope[:within]
	o.list(b.ElseList)
	o.scope = o.scope[:scope]
}

// declareRange sets the variables of a range over s.
func (o *observer) declareRange(p *parse.PipeNode, s shape) {
	for i, v := range p.Decl {
		of := s.element()
		if i == 0 && len(p.Decl) == 2 {
			of = plain // the index or key
		}
		o.set(v, of, p.IsAssign)
	}
}

// give notes that a template is called with a value.
func (o *observer) give(name string, s shape) {
	if after := either(o.dots[name], s); after != o.dots[name] {
		o.dots[name], o.learned = after, true
	}
}

// set notes a value of a variable.
func (o *observer) set(v *parse.VariableNode, s shape, assign bool) {
	if !assign {
		o.scope = append(o.scope, v)
	}
	declared := o.declaration(v.Ident[0])
	if after := either(o.vars[declared], s); after != o.vars[declared] {
		o.vars[declared], o.learned = after, true
	}
}

// declaration returns where a variable is declared; nil for $, which has a value
// from the start.
func (o *observer) declaration(name string) *parse.VariableNode {
	for i := len(o.scope) - 1; i >= 0; i-- {
		if o.scope[i].Ident[0] == name {
			return o.scope[i]
		}
	}
	return nil
}

// pipe returns the value of a pipeline, and sets its variables.
func (o *observer) pipe(p *parse.PipeNode) shape {
	s := o.commands(p)
	if p != nil {
		for _, v := range p.Decl {
			o.set(v, s, p.IsAssign)
		}
	}
	return s
}

func (o *observer) commands(p *parse.PipeNode) shape {
	s := nothing
	if p == nil {
		return plain
	}
	for i, c := range p.Cmds {
		var piped []shape
		if i > 0 {
			piped = []shape{s}
		}
		s = o.command(c, piped)
	}
	return s
}

func (o *observer) command(c *parse.CommandNode, piped []shape) shape {
	var args []shape
	for _, arg := range c.Args[1:] {
		args = append(args, o.operand(arg))
	}
	args = append(args, piped...)
	if f, ok := c.Args[0].(*parse.IdentifierNode); ok {
		return o.call(f.Ident, args)
	}
	o.observe(args) // by a method, if there are any
	return o.operand(c.Args[0])
}

// observe notes that values are looked at as a whole.
func (o *observer) observe(values []shape) {
	for _, s := range values {
		o.sees = o.sees || s.leads()
	}
}

// operand returns the value of an argument.
func (o *observer) operand(n parse.Node) shape {
	switch n := n.(type) {
	case *parse.DotNode:
		return o.dot
	case *parse.FieldNode:
		return o.fields(o.dot, n.Ident)
	case *parse.VariableNode:
		v := o.declaration(n.Ident[0])
		s := o.vars[v]
		if v == nil {
			s = either(s, o.root)
		}
		return o.fields(s, n.Ident[1:])
	case *parse.ChainNode:
		return o.fields(o.operand(n.Node), n.Field)
	case *parse.PipeNode:
		return o.pipe(n)
	case *parse.IdentifierNode:
		return o.call(n.Ident, nil)
	}
	return plain // a constant
}

func (o *observer) fields(s shape, names []string) shape {
	for _, name := range names {
		o.sees = o.sees || name == "Checks"
	}
	return s.fields(len(names))
}

// call returns what a function returns. One that is not known looks at all
// that it is given, and returns nothing that leads to instances.
func (o *observer) call(name string, args []shape) shape {
	switch name {
	case "service", "connect":
		o.observe(args)
		return list
	case "byTag", "byPort", "byMeta":
		return grouped(args)
	case "index":
		return o.index(args)
	case "and", "or":
		s := nothing
		for _, arg := range args {
			s = either(s, arg)
		}
		return s
	case "len", "not":
		return plain
	case "executeTemplate":
		o.execute(args)
		return plain
	}
	o.observe(args)
	return plain
}

// execute notes what executeTemplate gives to a template, which may be any.
func (o *observer) execute(args []shape) {
	if len(args) < 2 {
		return
	}
	o.observe(args[:1])
	for _, t := range o.all {
		o.give(t.Name(), args[1])
	}
}

// grouped returns what a function makes that groups its last argument.
func grouped(args []shape) shape {
	switch {
	case len(args) == 0 || !args[len(args)-1].leads():
		return plain
	case args[len(args)-1] == list:
		return groups
	}
	return anything
}

func (o *observer) index(args []shape) shape {
	if len(args) == 0 {
		return plain
	}
	o.observe(args[1:])
	s := args[0]
	for range args[1:] {
		s = s.element()
	}
	return s
}
