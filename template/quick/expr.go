package quick

import (
	"reflect"
	"text/template/parse"
)

// An expr is something that has a value. A value is what text/template has in
// its place, to the bit (an element of a list is addressable, one of []any is an
// interface); only what a function returns as any is taken out of that at once.
type expr struct {
	value func(*state) reflect.Value

	// typed is a func(*state) T, where the value is a T for certain; where T is
	// any, it is what is inside. Nil where nothing is certain.
	typed any

	// boxed is the value in an any, nil where value is the only way to it.
	boxed func(*state) any

	// fixed tells that the value is the same each time, and that nothing else
	// comes of asking for it.
	fixed bool
}

// fromValue returns an expr of whose type nothing is known.
func fromValue(value func(*state) reflect.Value) expr { return expr{value: value} }

// result returns an expr of a known type.
func result[T any](get func(*state) T) expr {
	switch f := any(get).(type) {
	case func(*state) reflect.Value:
		return fromValue(f)
	case func(*state) any:
		return expr{typed: f, boxed: f, value: func(s *state) reflect.Value { return reflect.ValueOf(f(s)) }}
	}
	return expr{
		typed: get,
		boxed: func(s *state) any { return get(s) },
		value: func(s *state) reflect.Value { return reflect.ValueOf(get(s)) },
	}
}

// constant returns an expr that always has the value v, of a plain type.
func constant(v reflect.Value) expr {
	e := expr{fixed: true, value: func(*state) reflect.Value { return v }}
	if !v.IsValid() {
		return e
	}
	box := v.Interface()
	e.boxed = func(*state) any { return box }
	switch x := box.(type) {
	case string:
		e.typed = func(*state) string { return x }
	case bool:
		e.typed = func(*state) bool { return x }
	case int:
		e.typed = func(*state) int { return x }
	}
	return e
}

// failure is an expr that text/template has an error for.
func failure() expr {
	return fromValue(func(*state) reflect.Value { giveUp(); return reflect.Value{} })
}

// text returns how to get the value as text, nil where it may be another.
func (e expr) text() func(*state) string {
	f, _ := e.typed.(func(*state) string)
	return f
}

// condition returns how to find out whether the value counts as true.
func (e expr) condition() func(*state) bool {
	switch get := e.typed.(type) {
	case func(*state) bool:
		return get
	case func(*state) string:
		return func(s *state) bool { return get(s) != "" }
	}
	value := e.value
	return func(s *state) bool { return truth(value(s)) }
}

// truth tells whether a value counts as true.
func truth(v reflect.Value) bool {
	v = inside(v)
	switch v.Kind() {
	case reflect.Invalid:
		return false
	case reflect.Bool:
		return v.Bool()
	case reflect.String, reflect.Slice, reflect.Map, reflect.Array:
		return v.Len() > 0
	case reflect.Pointer, reflect.Chan, reflect.Func, reflect.UnsafePointer:
		return !v.IsNil()
	case reflect.Struct:
		return true
	case reflect.Float32, reflect.Float64:
		return v.Float() != 0
	case reflect.Complex64, reflect.Complex128:
		return v.Complex() != 0
	default: // integers
		return !v.IsZero()
	}
}

// inside returns what is in an interface, which may be nothing.
func inside(v reflect.Value) reflect.Value {
	if v.Kind() == reflect.Interface {
		return v.Elem()
	}
	return v
}

// indirect follows pointers and interfaces to their end, or to the first nil.
func indirect(v reflect.Value) (end reflect.Value, isNil bool) {
	for v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
		if v.IsNil() {
			return v, true
		}
		v = v.Elem()
	}
	return v, false
}

// pipeline compiles a pipeline with the variables that it declares or sets.
func (c *compiler) pipeline(p *parse.PipeNode) expr {
	e, _ := c.declaration(p)
	return e
}

// declaration returns the slots of these variables as well.
func (c *compiler) declaration(p *parse.PipeNode) (e expr, slots []int) {
	e = c.commands(p)
	for _, v := range p.Decl {
		slot, ok := 0, true
		if p.IsAssign {
			slot, ok = c.slot(v.Ident[0])
		} else {
			slot = c.declare(v.Ident[0])
		}
		if !ok {
			return failure(), nil
		}
		slots = append(slots, slot)
	}
	if len(slots) == 0 {
		return e, nil
	}
	value := e.value
	return fromValue(func(s *state) reflect.Value {
		v := value(s)
		for _, slot := range slots {
			s.vars[slot] = v
		}
		return v
	}), slots
}

// commands compiles the commands of a pipeline. Of an interface without methods
// the next one sees what is inside.
func (c *compiler) commands(p *parse.PipeNode) expr {
	var e expr
	for i, cmd := range p.Cmds {
		var final *expr
		if i > 0 {
			before := e
			final = &before
		}
		e = unwrapped(c.command(cmd, final))
	}
	return e
}

func unwrapped(e expr) expr {
	if e.boxed != nil {
		return e
	}
	value := e.value
	return expr{fixed: e.fixed, value: func(s *state) reflect.Value {
		v := value(s)
		if v.Kind() == reflect.Interface && v.Type().NumMethod() == 0 {
			v = v.Elem()
		}
		return v
	}}
}

// command compiles one command; final is what is piped into it, nil for none.
func (c *compiler) command(cmd *parse.CommandNode, final *expr) expr {
	args := cmd.Args[1:]
	switch n := cmd.Args[0].(type) {
	case *parse.IdentifierNode:
		return c.function(n.Ident, args, final)
	case *parse.FieldNode:
		return c.chain(dot(), n.Ident, args, final)
	case *parse.ChainNode:
		return c.chain(c.base(n.Node), n.Field, args, final)
	case *parse.VariableNode:
		if len(n.Ident) > 1 {
			return c.chain(c.variable(n.Ident[0]), n.Ident[1:], args, final)
		}
	}
	if len(args) > 0 || final != nil { // for something that takes none
		return failure()
	}
	switch n := cmd.Args[0].(type) {
	case *parse.BoolNode, *parse.NumberNode, *parse.StringNode:
		v, ok := ideal(n)
		if !ok {
			return failure()
		}
		return constant(v)
	case *parse.NilNode:
		return failure()
	default:
		return c.operand(n)
	}
}

// operand compiles a node that stands for a value and is no literal.
func (c *compiler) operand(n parse.Node) expr {
	switch n := n.(type) {
	case *parse.DotNode:
		return dot()
	case *parse.FieldNode:
		return c.chain(dot(), n.Ident, nil, nil)
	case *parse.VariableNode:
		e := c.variable(n.Ident[0])
		if len(n.Ident) > 1 {
			return c.chain(e, n.Ident[1:], nil, nil)
		}
		return e
	case *parse.PipeNode:
		if len(n.Decl) > 0 { // it may be that and or or leave it out
			c.unknown = true
		}
		return c.commands(n)
	case *parse.IdentifierNode:
		return c.function(n.Ident, nil, nil)
	case *parse.ChainNode:
		return c.chain(c.base(n.Node), n.Field, nil, nil)
	default:
		c.unknown = true
		return failure()
	}
}

func dot() expr { return fromValue(func(s *state) reflect.Value { return s.dot }) }

func (c *compiler) variable(name string) expr {
	slot, ok := c.slot(name)
	if !ok {
		return failure()
	}
	return fromValue(func(s *state) reflect.Value { return s.vars[slot] })
}

// base compiles what a chain of fields begins with. A function that returns an
// any without anything in it cannot have a field, but a pipeline can.
func (c *compiler) base(n parse.Node) expr {
	e := c.operand(n)
	get, ok := e.typed.(func(*state) any)
	if _, call := n.(*parse.IdentifierNode); !ok || !call {
		return e
	}
	return fromValue(func(s *state) reflect.Value {
		v := reflect.ValueOf(get(s))
		if !v.IsValid() {
			giveUp()
		}
		return v
	})
}
