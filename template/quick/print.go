package quick

import (
	"fmt"
	"reflect"
	"strconv"
)

// maxKept is how long a text may be that is kept because it is always the same.
const maxKept = 4 << 10

// printer returns what writes the value out.
func (e expr) printer() func(*state) {
	switch get := e.typed.(type) {
	case func(*state) string:
		return func(s *state) { s.writeString(get(s)) }
	case func(*state) any:
		if !e.fixed {
			return func(s *state) { s.printAny(get(s)) }
		}
	}
	value := e.value
	if e.fixed {
		return printFixed(value)
	}
	return func(s *state) { s.print(value(s)) }
}

// printFixed returns what writes out a value that is always the same. It keeps
// the text.
func printFixed(value func(*state) reflect.Value) func(*state) {
	text, done := "", false
	return func(s *state) {
		if done {
			s.writeString(text)
			return
		}
		once := fmt.Sprint(printable(value(s)))
		s.writeString(once)
		if len(once) <= maxKept {
			text, done = once, true
		}
	}
}

func (s *state) printAny(x any) {
	switch x := x.(type) {
	case string:
		s.writeString(x)
	case int:
		s.integer(int64(x))
	case int64:
		s.integer(x)
	default:
		s.print(reflect.ValueOf(x))
	}
}

// print writes a value out as fmt does.
func (s *state) print(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		if v.Type() == stringType {
			s.writeString(v.String())
			return
		}
	case reflect.Int:
		if v.Type() == reflect.TypeFor[int]() {
			s.integer(v.Int())
			return
		}
	case reflect.Int64:
		if v.Type() == reflect.TypeFor[int64]() {
			s.integer(v.Int())
			return
		}
	}
	if _, err := fmt.Fprint(s.w, printable(v)); err != nil {
		panic(writeError{err})
	}
}

func (s *state) integer(n int64) {
	s.digits = strconv.AppendInt(s.digits[:0], n, 10)
	s.write(s.digits)
}

// printable returns what fmt is to be given for v: what pointers lead to, unless
// that says itself how it is written.
func printable(v reflect.Value) any {
	if v.Kind() == reflect.Pointer {
		v, _ = indirect(v)
	}
	if !v.IsValid() {
		return "<no value>"
	}
	if t := v.Type(); !writesItself(t) {
		if v.CanAddr() && writesItself(reflect.PointerTo(t)) {
			v = v.Addr()
		} else if v.Kind() == reflect.Chan || v.Kind() == reflect.Func {
			giveUp()
		}
	}
	return v.Interface()
}

func writesItself(t reflect.Type) bool {
	return t.Implements(errorType) || t.Implements(reflect.TypeFor[fmt.Stringer]())
}
