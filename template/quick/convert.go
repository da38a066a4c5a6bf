package quick

import (
	"reflect"
	"strings"
	"text/template/parse"
)

var (
	stringType = reflect.TypeFor[string]()
	anyType    = reflect.TypeFor[any]()
	valueType  = reflect.TypeFor[reflect.Value]()
	errorType  = reflect.TypeFor[error]()
)

// toAny returns v as a parameter of type any gets it.
func toAny(v reflect.Value) any {
	if !v.IsValid() {
		return nil
	}
	return v.Interface()
}

// assignable returns v as something that can be assigned to a parameter of type
// t: itself, what is in it or what it points to, or a pointer to it.
func assignable(v reflect.Value, t reflect.Type) reflect.Value {
	if !v.IsValid() {
		if !nillable(t) {
			giveUp()
		}
		return reflect.Zero(t)
	}
	if t == valueType && v.Type() != t {
		return reflect.ValueOf(v)
	}
	if v.Type().AssignableTo(t) {
		return v
	}
	if v.Kind() == reflect.Interface && !v.IsNil() {
		v = v.Elem()
		if v.Type().AssignableTo(t) {
			return v
		}
	}
	switch {
	case v.Kind() == reflect.Pointer && v.Type().Elem().AssignableTo(t):
		if v = v.Elem(); !v.IsValid() {
			giveUp()
		}
		return v
	case v.CanAddr() && reflect.PointerTo(v.Type()).AssignableTo(t):
		return v.Addr()
	}
	giveUp()
	return v
}

// nillable tells whether a parameter of type t takes nil.
func nillable(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Chan, reflect.Func, reflect.Interface, reflect.Map, reflect.Pointer, reflect.Slice:
		return true
	default:
		return t == valueType
	}
}

// param returns how to get an argument as a parameter of type T gets it.
func param[T any](e expr) func(*state) T {
	if get, ok := e.typed.(func(*state) T); ok {
		return get
	}
	var get any
	switch reflect.TypeFor[T]() {
	case valueType:
		get = e.value
	case anyType:
		if get = e.boxed; e.boxed == nil {
			value := e.value
			get = func(s *state) any { return toAny(value(s)) }
		}
	case stringType:
		get = textParam(e)
	default:
		get = anyParam[T](e)
	}
	return get.(func(*state) T)
}

func textParam(e expr) func(*state) string {
	if box, ok := e.typed.(func(*state) any); ok {
		return func(s *state) string {
			x := box(s)
			if text, ok := x.(string); ok {
				return text
			}
			return assignable(reflect.ValueOf(x), stringType).String()
		}
	}
	value := e.value
	return func(s *state) string {
		v := value(s)
		if v.Kind() == reflect.String && v.Type() == stringType {
			return v.String()
		}
		return assignable(v, stringType).String()
	}
}

func anyParam[T any](e expr) func(*state) T {
	t := reflect.TypeFor[T]()
	if box, ok := e.typed.(func(*state) any); ok {
		return func(s *state) T {
			x := box(s)
			if x, ok := x.(T); ok {
				return x
			}
			return assigned[T](reflect.ValueOf(x), t)
		}
	}
	value := e.value
	return func(s *state) T { return assigned[T](value(s), t) }
}

func assigned[T any](v reflect.Value, t reflect.Type) T {
	v = assignable(v, t)
	if v.Type() == t {
		return v.Interface().(T)
	}
	var x T
	reflect.ValueOf(&x).Elem().Set(v)
	return x
}

// argument compiles an argument for a parameter of type t.
func (c *compiler) argument(n parse.Node, t reflect.Type) expr {
	switch n.(type) {
	case *parse.NilNode, *parse.BoolNode, *parse.NumberNode, *parse.StringNode:
		v, ok := literal(n, t)
		if !ok {
			return failure()
		}
		return constant(v)
	default:
		return c.operand(n)
	}
}

// literal returns what a literal is for a parameter of type t.
func literal(n parse.Node, t reflect.Type) (v reflect.Value, ok bool) {
	if _, ok := n.(*parse.NilNode); ok {
		switch {
		case t == valueType || t == anyType:
			return reflect.Value{}, true
		case nillable(t):
			return reflect.Zero(t), true
		}
		return v, false
	}
	switch kind := t.Kind(); {
	case t == valueType || t == anyType:
		return ideal(n)
	case kind == reflect.String:
		if n, ok := n.(*parse.StringNode); ok {
			return reflect.ValueOf(n.Text).Convert(t), true
		}
	case kind == reflect.Bool:
		if n, ok := n.(*parse.BoolNode); ok {
			return reflect.ValueOf(n.True).Convert(t), true
		}
	default:
		if n, ok := n.(*parse.NumberNode); ok {
			return number(n, t)
		}
	}
	return v, false
}

// number returns what a number is for a parameter of type t; too large a one
// for a small type loses its upper bits.
func number(n *parse.NumberNode, t reflect.Type) (v reflect.Value, ok bool) {
	switch t.Kind() {
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v, ok = reflect.ValueOf(n.Int64), n.IsInt
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		v, ok = reflect.ValueOf(n.Uint64), n.IsUint
	case reflect.Float32, reflect.Float64:
		v, ok = reflect.ValueOf(n.Float64), n.IsFloat
	case reflect.Complex64, reflect.Complex128:
		v, ok = reflect.ValueOf(n.Complex128), n.IsComplex
	}
	if !ok {
		return v, false
	}
	return v.Convert(t), true
}

// ideal returns what a literal is where nothing says of which type it should be.
func ideal(n parse.Node) (v reflect.Value, ok bool) {
	switch n := n.(type) {
	case *parse.StringNode:
		return reflect.ValueOf(n.Text), true
	case *parse.BoolNode:
		return reflect.ValueOf(n.True), true
	case *parse.NumberNode:
		return idealNumber(n)
	default:
		return v, false
	}
}

func idealNumber(n *parse.NumberNode) (v reflect.Value, ok bool) {
	hex := len(n.Text) > 2 && (n.Text[:2] == "0x" || n.Text[:2] == "0X") && !strings.ContainsAny(n.Text, "pP")
	character := n.Text[0] == '\''
	switch {
	case n.IsComplex:
		return reflect.ValueOf(n.Complex128), true
	case n.IsFloat && !hex && !character && strings.ContainsAny(n.Text, ".eEpP"):
		return reflect.ValueOf(n.Float64), true
	case n.IsInt && int64(int(n.Int64)) == n.Int64:
		return reflect.ValueOf(int(n.Int64)), true
	default:
		return v, false
	}
}
