package quick

import (
	"fmt"
	"reflect"
	"sync"
	"text/template"
	"text/template/parse"
)

// builtin compiles the call of a function that text/template has itself.
func (c *compiler) builtin(name string, args []parse.Node, final *expr) expr {
	f, ok := builtins()[name]
	if !ok { // call, and names that are no function's
		c.unknown = true
		return failure()
	}
	at, ok := c.site(reflect.TypeOf(f), args, final)
	if !ok {
		return failure()
	}
	switch {
	case name == "and" || name == "or":
		return at.shortCut(name == "or")
	case reorders(args):
		return at.reflected(reflect.ValueOf(f))
	case name == "index" && len(at.args) == 2:
		return call2(at, indexOne)
	case name == "eq" && len(at.args) == 2:
		return at.kept(at.equals())
	default:
		return at.kept(at.directBuiltin(f))
	}
}

// kept is keep, where all arguments are always the same.
func (at site) kept(e expr) expr {
	if at.fixed() {
		return keep(e)
	}
	return e
}

// builtins returns these functions. What is an error to them gives up. Nobody
// changes it.
var builtins = sync.OnceValue(func() map[string]any {
	type v = reflect.Value
	return map[string]any{
		"and":      func(v, ...v) v { panic("shortCut takes its place") },
		"or":       func(v, ...v) v { panic("shortCut takes its place") },
		"not":      func(x v) bool { return !truth(x) },
		"len":      length,
		"index":    index,
		"slice":    slice,
		"eq":       equalsAny,
		"ne":       func(x, y v) bool { return !equal(x, y) },
		"lt":       less,
		"le":       func(x, y v) bool { return less(x, y) || equal(x, y) },
		"gt":       func(x, y v) bool { return !less(x, y) && !equal(x, y) },
		"ge":       func(x, y v) bool { return !less(x, y) },
		"html":     template.HTMLEscaper,
		"js":       template.JSEscaper,
		"print":    fmt.Sprint,
		"printf":   fmt.Sprintf,
		"println":  fmt.Sprintln,
		"urlquery": template.URLQueryEscaper,
	}
})

func (at site) directBuiltin(f any) expr {
	switch f := f.(type) {
	case func(reflect.Value) bool:
		return call1(at, f)
	case func(reflect.Value) int:
		return call1(at, f)
	case func(reflect.Value, reflect.Value) bool:
		return call2(at, f)
	case func(reflect.Value, ...reflect.Value) bool:
		return callMore(at, f)
	case func(reflect.Value, ...reflect.Value) reflect.Value:
		return callMore(at, f)
	case func(string, ...any) string:
		return callMore(at, f)
	default:
		return callAll(at, f.(func(...any) string))
	}
}

// shortCut compiles and and or: the first value that settles it, or the last.
// What is piped in has come about already.
func (at site) shortCut(settles bool) expr {
	last := len(at.args) - 1
	return fromValue(func(s *state) (v reflect.Value) {
		var final reflect.Value
		if at.piped {
			final = at.args[last].value(s)
		}
		for i, e := range at.args {
			if i == last && at.piped {
				return final
			}
			if v = e.value(s); truth(v) == settles {
				return v
			}
		}
		return v
	})
}

// length is the function len.
func length(v reflect.Value) int {
	v, isNil := indirect(v)
	if isNil {
		giveUp()
	}
	return v.Len() // which panics on what has no length
}

// index is the function of that name.
func index(v reflect.Value, keys ...reflect.Value) reflect.Value {
	if v = inside(v); !v.IsValid() {
		giveUp()
	}
	for _, key := range keys {
		v = indexOne(v, key)
	}
	return v
}

func indexOne(v, key reflect.Value) reflect.Value {
	v, isNil := indirect(v)
	if isNil || !v.IsValid() {
		giveUp()
	}
	key = inside(key)
	switch v.Kind() {
	case reflect.Map:
		found := v.MapIndex(mapKey(key, v.Type().Key()))
		if !found.IsValid() {
			return reflect.Zero(v.Type().Elem())
		}
		return found
	case reflect.Slice, reflect.Array, reflect.String:
		return v.Index(place(key, v.Len()))
	}
	giveUp()
	return v
}

// mapKey returns v as a key of type t.
func mapKey(v reflect.Value, t reflect.Type) reflect.Value {
	switch {
	case !v.IsValid():
		if !nillable(t) {
			giveUp()
		}
		return reflect.Zero(t)
	case v.Type().AssignableTo(t):
		return v
	case isInteger(v.Kind()) && isInteger(t.Kind()):
		return v.Convert(t)
	}
	giveUp()
	return v
}

func isInteger(k reflect.Kind) bool { return reflect.Int <= k && k <= reflect.Uintptr }

// place returns a place in a list of which the last is most.
func place(v reflect.Value, most int) int {
	var n int
	switch {
	case v.CanInt():
		n = int(v.Int())
	case v.CanUint():
		n = int(v.Uint())
	default:
		giveUp()
	}
	if n < 0 || n > most {
		giveUp()
	}
	return n
}

// slice is the function of that name.
func slice(v reflect.Value, places ...reflect.Value) reflect.Value {
	v, isNil := indirect(inside(v))
	if isNil || !v.IsValid() || len(places) > 3 {
		giveUp()
	}
	most := v.Len()
	if v.Kind() != reflect.String {
		most = v.Cap()
	}
	at := [3]int{0, v.Len()}
	for i, p := range places {
		at[i] = place(p, most)
	}
	if len(places) == 3 {
		return v.Slice3(at[0], at[1], at[2])
	}
	return v.Slice(at[0], at[1])
}
