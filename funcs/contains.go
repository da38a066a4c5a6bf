package funcs

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"text/template"
)

// containsFuncs returns the functions that look for something in a list or in
// text (COMPAT 3.9).
func containsFuncs() template.FuncMap {
	return template.FuncMap{
		"in":             in,
		"contains":       contains,
		"containsAll":    containsAll,
		"containsAny":    containsAny,
		"containsNone":   containsNone,
		"containsNotAll": containsNotAll,
	}
}

// in tells whether the list hay has the element needle, or the text hay the
// part needle. Numbers are equal when their kinds are (integers or floats) and
// their values; other things than numbers and text are never found.
func in(hay, needle any) (bool, error) {
	return newHaystack(hay).has(reflect.ValueOf(needle))
}

// contains is in with the list last, so that it can be piped in.
func contains(needle, hay any) (bool, error) { return in(hay, needle) }

// containsAll tells whether each of the needles is in hay.
func containsAll(needles, hay any) (bool, error) {
	missed, err := anyIn("containsAll", needles, hay, false)
	return !missed, err
}

// containsAny tells whether one of the needles is in hay.
func containsAny(needles, hay any) (bool, error) {
	return anyIn("containsAny", needles, hay, true)
}

// containsNone tells whether none of the needles is in hay.
func containsNone(needles, hay any) (bool, error) {
	found, err := anyIn("containsNone", needles, hay, true)
	return !found, err
}

// containsNotAll tells whether one of the needles is not in hay.
func containsNotAll(needles, hay any) (bool, error) {
	return anyIn("containsNotAll", needles, hay, false)
}

// anyIn tells whether there is a needle that is in hay, or is not.
func anyIn(function string, needles, hay any, wanted bool) (bool, error) {
	list := reflect.ValueOf(needles)
	switch list.Kind() {
	case reflect.Invalid:
		return false, nil
	case reflect.Slice, reflect.Array:
	default:
		return false, fmt.Errorf("%s: wrong type for value; expected a list; got %T", function, needles)
	}
	h := newHaystack(hay)
	for i := range list.Len() {
		found, err := h.has(element(list, i))
		if err != nil || found == wanted {
			return err == nil, err
		}
	}
	return false, nil
}

// element returns the element itself, not the interface that holds it.
func element(list reflect.Value, i int) reflect.Value {
	v := list.Index(i)
	if v.Kind() == reflect.Interface {
		return v.Elem()
	}
	return v
}

// errNilNeedle has the words of consul-template, where looking for nothing in
// text is a panic.
var errNilNeedle = errors.New("reflect: call of reflect.Value.Type on zero Value")

// A haystack is what is searched. One that is searched often makes an index.
type haystack struct {
	value    reflect.Value
	searches int
	index    map[any]bool // the keys of a list's elements; nil until it pays
	text     bool         // the list has text
}

func newHaystack(v any) *haystack { return &haystack{value: reflect.ValueOf(v)} }

// indexAfter is the search that makes the index.
const indexAfter = 4

func (h *haystack) has(needle reflect.Value) (bool, error) {
	switch h.value.Kind() {
	case reflect.String:
		return h.hasPart(needle)
	case reflect.Slice, reflect.Array:
		if h.searches++; h.searches == indexAfter {
			h.makeIndex()
		}
		if h.index != nil {
			return h.lookUp(needle)
		}
		return h.scan(needle)
	default:
		return false, nil
	}
}

func (h *haystack) hasPart(needle reflect.Value) (bool, error) {
	if !needle.IsValid() {
		return false, errNilNeedle
	}
	return needle.Type() == h.value.Type() && strings.Contains(h.value.String(), needle.String()), nil
}

func (h *haystack) scan(needle reflect.Value) (bool, error) {
	for i := range h.value.Len() {
		v := element(h.value, i)
		if v.Kind() == reflect.String && !needle.IsValid() {
			return false, errNilNeedle
		}
		if same(v, needle) {
			return true, nil
		}
	}
	return false, nil
}

// same tells whether two values are equal, as in means it.
func same(a, b reflect.Value) bool {
	switch {
	case a.Kind() == reflect.String:
		return b.Kind() == reflect.String && a.Type() == b.Type() && a.String() == b.String()
	case a.CanInt():
		return b.CanInt() && a.Int() == b.Int()
	case a.CanFloat():
		return b.CanFloat() && a.Float() == b.Float()
	default:
		return false
	}
}

func (h *haystack) makeIndex() {
	n := h.value.Len()
	h.index = make(map[any]bool, n)
	for i := range n {
		v := element(h.value, i)
		h.text = h.text || v.Kind() == reflect.String
		if key := key(v); key != nil {
			h.index[key] = true
		}
	}
}

func (h *haystack) lookUp(needle reflect.Value) (bool, error) {
	if h.text && !needle.IsValid() {
		return false, errNilNeedle
	}
	return h.index[key(needle)], nil
}

// key returns a value of which two are equal just where same says so; nil for
// what is never found.
func key(v reflect.Value) any {
	switch {
	case v.Kind() == reflect.String:
		return textKey{v.Type(), v.String()}
	case v.CanInt():
		return v.Int()
	case v.CanFloat():
		return v.Float()
	default:
		return nil
	}
}

type textKey struct {
	kind reflect.Type
	text string
}
