package quick

import (
	"reflect"
	"text/template/parse"
)

// A site is a place where a function is called.
type site struct {
	args  []expr // with what is piped in, which is the last
	piped bool   // the last one is, so it comes about first
}

// function compiles a call.
func (c *compiler) function(name string, args []parse.Node, final *expr) expr {
	f, ok := c.functions[name]
	if !ok {
		return c.builtin(name, args, final)
	}
	at, ok := c.site(reflect.TypeOf(f), args, final)
	if !ok {
		return failure()
	}
	e := at.call(f, reorders(args))
	if pure(name) {
		return at.kept(e)
	}
	return e
}

// site compiles arguments for a function of type t. It is false where their
// number is wrong.
func (c *compiler) site(t reflect.Type, args []parse.Node, final *expr) (at site, ok bool) {
	n := len(args)
	if final != nil {
		n++
	}
	if n < t.NumIn() && !(t.IsVariadic() && n == t.NumIn()-1) || n > t.NumIn() && !t.IsVariadic() {
		return at, false
	}
	for i, arg := range args {
		at.args = append(at.args, c.argument(arg, parameter(t, i)))
	}
	if final != nil {
		at.args = append(at.args, *final)
		at.piped = true
	}
	return at, true
}

// parameter returns the type that the argument i of a function must have.
func parameter(t reflect.Type, i int) reflect.Type {
	if t.IsVariadic() && i >= t.NumIn()-1 {
		return t.In(t.NumIn() - 1).Elem()
	}
	return t.In(i)
}

// fixed tells whether all arguments are always the same.
func (at site) fixed() bool {
	for _, e := range at.args {
		if !e.fixed {
			return false
		}
	}
	return true
}

// call compiles the call of f. Where its arguments may be reordered, they are all
// found out before any is looked at.
func (at site) call(f any, reordered bool) expr {
	if !reordered {
		if e, ok := at.direct(f); ok {
			return e
		}
	}
	return at.reflected(reflect.ValueOf(f))
}

// reflected compiles the call of a function of any type.
func (at site) reflected(f reflect.Value) expr {
	t := f.Type()
	return fromValue(func(s *state) reflect.Value {
		argv := make([]reflect.Value, len(at.args))
		last := len(argv) - 1
		if at.piped {
			argv[last] = at.args[last].value(s)
		}
		for i := range argv {
			if i < last || !at.piped {
				argv[i] = at.args[i].value(s)
			}
			argv[i] = assignable(argv[i], parameter(t, i))
		}
		return outcome(f.Call(argv))
	})
}

// outcome returns what a function that was called by reflection has returned.
func outcome(out []reflect.Value) reflect.Value {
	if len(out) == 2 && !out[1].IsNil() {
		giveUp()
	}
	v := out[0]
	if v.Type() == valueType {
		return v.Interface().(reflect.Value)
	}
	return v
}

// A word is an argument of a method, whose type is not known before the call.
type word struct {
	node  parse.Node
	value func(*state) reflect.Value // nil for a literal
}

func (c *compiler) words(args []parse.Node) []word {
	var words []word
	for _, n := range args {
		w := word{node: n}
		switch n.(type) {
		case *parse.NilNode, *parse.BoolNode, *parse.NumberNode, *parse.StringNode:
		default:
			w.value = c.operand(n).value
		}
		words = append(words, w)
	}
	return words
}

// as returns the word as a parameter of type t.
func (w word) as(s *state, t reflect.Type) reflect.Value {
	if w.value != nil {
		return assignable(w.value(s), t)
	}
	v, ok := literal(w.node, t)
	if !ok {
		giveUp()
	}
	return assignable(v, t)
}

// invoke calls a method with words and what is piped in, nil for nothing.
func invoke(s *state, m reflect.Value, words []word, final *reflect.Value) reflect.Value {
	t := m.Type()
	n := len(words)
	if final != nil {
		n++
	}
	if n < t.NumIn() && !(t.IsVariadic() && n == t.NumIn()-1) || n > t.NumIn() && !t.IsVariadic() {
		giveUp()
	}
	if out := t.NumOut(); out != 1 && (out != 2 || t.Out(1) != errorType) {
		giveUp()
	}
	argv := make([]reflect.Value, 0, n)
	for i, w := range words {
		argv = append(argv, w.as(s, parameter(t, i)))
	}
	if final != nil {
		argv = append(argv, assignable(*final, parameter(t, n-1)))
	}
	return outcome(m.Call(argv))
}

// reorders tells whether arguments may sort a list in place, or run a part that
// does. An argument before that stands for an element of the list becomes another
// by that, since it is what stands in that place when the function is called.
func reorders(args []parse.Node) bool {
	for _, n := range args {
		if sorts(n) {
			return true
		}
	}
	return false
}

func sorts(n parse.Node) bool {
	switch n := n.(type) {
	case *parse.IdentifierNode:
		return n.Ident == "sprig_sortAlpha" || n.Ident == "executeTemplate"
	case *parse.ChainNode:
		return sorts(n.Node)
	case *parse.PipeNode:
		for _, cmd := range n.Cmds {
			if reorders(cmd.Args) {
				return true
			}
		}
	}
	return false
}
