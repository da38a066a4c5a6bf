package quick

import (
	"reflect"
	"text/template/parse"
)

// A field is a place in a template that reads a field, a key of a map, or a
// method without arguments. It remembers how to get it from a value of the type
// that it met last.
type field struct {
	name   string
	key    reflect.Value // name, as a key of a map
	strict bool

	known reflect.Type // what the rest is about; never a pointer
	index int          // of the field in a struct, -1 where known is a map
	none  reflect.Value
}

// chain compiles fields of base, from the outside in. Only the last one may be
// a method with arguments.
func (c *compiler) chain(base expr, names []string, args []parse.Node, final *expr) expr {
	value := base.value
	for i, name := range names {
		f := &field{name: name, key: reflect.ValueOf(name), strict: c.strict}
		owner := value
		if i == len(names)-1 && (len(args) > 0 || final != nil) {
			return c.method(f, owner, args, final)
		}
		value = func(s *state) reflect.Value { return f.of(owner(s)) }
	}
	return fromValue(value)
}

// of returns the field of v.
func (f *field) of(v reflect.Value) reflect.Value {
	end, isNil := indirect(v)
	if isNil || !end.IsValid() {
		return f.look(v)
	}
	if end.Type() != f.known && !f.learn(end.Type()) {
		return f.look(v)
	}
	if f.index >= 0 {
		return end.Field(f.index)
	}
	if found := end.MapIndex(f.key); found.IsValid() {
		return found
	}
	if f.strict {
		giveUp()
	}
	return f.none
}

// learn finds out how to get the field from values of type t. It is false where
// there is more to it than a place.
func (f *field) learn(t reflect.Type) bool {
	if _, method := reflect.PointerTo(t).MethodByName(f.name); method {
		return false
	}
	switch t.Kind() {
	case reflect.Struct:
		place, ok := t.FieldByName(f.name)
		if !ok || !place.IsExported() || len(place.Index) != 1 {
			return false
		}
		f.known, f.index = t, place.Index[0]
		return true
	case reflect.Map:
		if !stringType.AssignableTo(t.Key()) {
			return false
		}
		f.known, f.index, f.none = t, -1, reflect.Zero(t.Elem())
		return true
	default:
		return false
	}
}

// look returns the field of v, whatever that is.
func (f *field) look(v reflect.Value) reflect.Value {
	if !v.IsValid() {
		if f.strict {
			giveUp()
		}
		return reflect.Value{}
	}
	if m := f.methodOf(v); m.IsValid() {
		return invoke(nil, m, nil, nil)
	}
	end, _ := indirect(v)
	if end.Kind() != reflect.Struct { // maps are learnt
		giveUp()
	}
	place, ok := end.Type().FieldByName(f.name)
	if !ok || !place.IsExported() {
		giveUp()
	}
	found, err := end.FieldByIndexErr(place.Index)
	if err != nil {
		giveUp()
	}
	return found
}

// methodOf returns the method of v, or of a pointer to it, that has this name.
func (f *field) methodOf(v reflect.Value) reflect.Value {
	v, isNil := indirect(v)
	if v.Kind() == reflect.Interface && isNil {
		giveUp()
	}
	if v.Kind() != reflect.Interface && v.Kind() != reflect.Pointer && v.CanAddr() {
		v = v.Addr()
	}
	return v.MethodByName(f.name)
}

// method compiles the call of a method.
func (c *compiler) method(f *field, owner func(*state) reflect.Value, args []parse.Node, final *expr) expr {
	words := c.words(args)
	return fromValue(func(s *state) reflect.Value {
		var last *reflect.Value
		if final != nil {
			v := final.value(s)
			last = &v
		}
		v := owner(s)
		if !v.IsValid() {
			return f.look(v)
		}
		m := f.methodOf(v)
		if !m.IsValid() {
			giveUp()
		}
		return invoke(s, m, words, last)
	})
}
