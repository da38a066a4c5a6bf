package funcs

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"text/template"
	"unicode/utf8"

	"github.com/ryanuber/go-glob"

	"restencil/funcs/pure"
	"restencil/watch"
	"restencil/watch/suggest"
)

// Map returns every function that a template can call, bound to e, but for
// those that text/template has itself. Functions of Denylist are there and
// fail (COMPAT 3.13): to mention one is allowed, to call it is not.
func Map(e *Env) template.FuncMap {
	m := maps.Clone(pure.Funcs())
	for _, functions := range []template.FuncMap{
		e.consulFuncs(),
		e.vaultFuncs(),
		e.nomadFuncs(),
		e.hostFuncs(),
		{
			"executeTemplate": e.executeTemplate,
			"file":            e.file,
			"writeToFile":     e.writeToFile,
			"loop":            e.loop,
			"scratch":         func() *Scratch { return e.scratch },
			"sprig_sortAlpha": e.sprigSortAlpha,
		},
	} {
		maps.Copy(m, functions)
	}
	for _, pattern := range e.Denylist {
		for name := range m {
			if glob.Glob(pattern, name) {
				m[name] = func(...any) (string, error) { return "", errors.New("function is disabled") }
			}
		}
	}
	return m
}

// Renamed returns how a function of versions 0.1 to 0.18 of consul-template is
// called now (COMPAT L), "" for any other name.
func Renamed(name string) string {
	return map[string]string{
		"vault":          "secret",
		"key_or_default": "keyOrDefault",
		"keyPrefix":      "ls",
		"storeKeyPrefix": "ls",
	}[name]
}

// MapFor returns those functions of Map whose names occur in text. A parsed
// template keeps its functions, so this saves most of what a small one weighs.
func MapFor(e *Env, text string) template.FuncMap {
	all, m := Map(e), make(template.FuncMap)
	outside := func(r rune) bool {
		return r < utf8.RuneSelf && r != '_' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	}
	for word := range strings.FieldsFuncSeq(text, outside) {
		if f, ok := all[word]; ok {
			m[word] = f
		}
	}
	return m
}

// Names returns the names of all functions of Map, sorted.
func Names() []string { return slices.Sorted(maps.Keys(Map(new(Env)))) }

// A ParseError says that a value is not what a function reads.
type ParseError = pure.ParseError

// Nearest returns the known name that is most like name, or "" where none is like it.
// Where none are given, they are those of all functions, the engine's too.
func Nearest(name string, known ...string) string {
	if known == nil {
		known = append(Names(), "and", "call", "eq", "ge", "gt", "html", "index", "js", "le", "len", "lt",
			"ne", "not", "or", "print", "printf", "println", "slice", "urlquery")
	}
	return suggest.Nearest(name, known)
}

// ask returns the data of the answer to q. It is the zero value where there is
// no answer yet (known is false) and where the thing asked for does not exist.
func ask[T any](e *Env, q watch.Query) (data T, known bool, err error) {
	a, known, err := e.execution.Ask(q)
	if err != nil || !known {
		return data, false, err
	}
	data, err = dataAs[T](q, a.Data)
	return data, true, err
}

// askFor is ask for the query of a kind that an argument makes.
func askFor[T any](e *Env, kind watch.Kind, arg string) (data T, known bool, err error) {
	q, err := parse(kind, arg)
	if err != nil {
		return data, false, err
	}
	return ask[T](e, q)
}

// askList is ask for a list that templates see as empty, never as nil.
func askList[T any](e *Env, q watch.Query) ([]T, error) {
	list, _, err := ask[[]T](e, q)
	if list == nil {
		list = []T{}
	}
	e.scratch.lent = append(e.scratch.lent, list)
	return list, err
}

// askExisting is ask for a thing that must exist: what never did leaves the
// output incomplete, and what went away keeps its last value (COMPAT 3.4,
// quirk Q53).
func askExisting[T any](e *Env, q watch.Query) (data T, err error) {
	a, known, err := e.execution.Ask(q)
	if err != nil || !known {
		return data, err
	}
	switch {
	case a.Last == nil:
		e.execution.Incomplete(q)
	case a.Data == nil:
		e.execution.Gone(q)
	}
	return dataAs[T](q, a.Last)
}

// dataAs returns data as the type that templates expect of q. A secret is taken
// out of what hides it: from here on it goes to the template, and to nobody else.
func dataAs[T any](q watch.Query, data any) (T, error) {
	data = watch.Reveal(data)
	v, ok := data.(T)
	if !ok && data != nil {
		return v, fmt.Errorf("%s: the store gave a %T instead of a %T", q, data, v)
	}
	return v, nil
}

// sprigSortAlpha sorts a list of strings in place, or others into a new list.
// Answers are shared by all templates, and this is the one way for a template
// to change a list of theirs: that is copied first.
func (e *Env) sprigSortAlpha(list any) []string {
	if own, ok := list.([]string); ok && !slices.IsSorted(own) && holds(reflect.ValueOf(e.scratch.lent), own) {
		list = slices.Clone(own)
	}
	return pure.Funcs()["sprig_sortAlpha"].(func(any) []string)(list)
}

// holds tells whether list begins in a list that is anywhere in v.
func holds(v reflect.Value, list []string) bool {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		return !v.IsNil() && holds(v.Elem(), list)
	case reflect.Struct:
		for i := range v.NumField() {
			if holds(v.Field(i), list) {
				return true
			}
		}
	case reflect.Map, reflect.Slice:
		begin := reflect.ValueOf(list).Pointer()
		if v.Kind() == reflect.Slice && v.Pointer() <= begin && begin < v.Pointer()+uintptr(v.Len())*v.Type().Elem().Size() {
			return true
		}
		for _, element := range v.Seq2() {
			if holds(element, list) {
				return true
			}
		}
	}
	return false
}
