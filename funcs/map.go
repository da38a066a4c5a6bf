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

// Map returns every function that a template can call, bound to e, except those of
// text/template. Functions in Denylist fail when they are called (COMPAT 3.13).
func Map(e *Env) template.FuncMap {
	m := maps.Clone(pure.Funcs())
	maps.Copy(m, e.functions())
	for name, f := range m {
		m[name] = e.allowed(name, f)
	}
	return m
}

// functions returns the functions that are not pure.
func (e *Env) functions() template.FuncMap {
	m := e.consulFuncs()
	for _, more := range []template.FuncMap{
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
		maps.Copy(m, more)
	}
	return m
}

// allowed returns f, or one that fails if its name is on the denylist.
func (e *Env) allowed(name string, f any) any {
	for _, pattern := range e.Denylist {
		if glob.Glob(pattern, name) {
			return func(...any) (string, error) { return "", errors.New("function is disabled") }
		}
	}
	return f
}

// Renamed returns the present name of a function of consul-template 0.1 to 0.18
// (COMPAT L), "" for any other name.
func Renamed(name string) string {
	return map[string]string{
		"vault":          "secret",
		"key_or_default": "keyOrDefault",
		"keyPrefix":      "ls",
		"storeKeyPrefix": "ls",
	}[name]
}

// MapFor returns the functions of Map whose names occur in text. A parsed template
// keeps its functions, which are most of the memory of a small one.
func MapFor(e *Env, text string) template.FuncMap {
	pure, own, m := pure.Funcs(), e.functions(), make(template.FuncMap)
	outside := func(r rune) bool {
		return r < utf8.RuneSelf && r != '_' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	}
	for word := range strings.FieldsFuncSeq(text, outside) {
		f, known := own[word]
		if !known {
			f, known = pure[word]
		}
		if known {
			m[word] = e.allowed(word, f)
		}
	}
	return m
}

// Names returns the names of all functions of Map, sorted.
func Names() []string { return slices.Sorted(maps.Keys(Map(new(Env)))) }

// A ParseError says that a function cannot parse a value.
type ParseError = pure.ParseError

// Nearest returns the known name nearest to name, or "" if none is near. By default
// all functions are known, with those of text/template.
func Nearest(name string, known ...string) string {
	if known == nil {
		known = append(Names(), "and", "call", "eq", "ge", "gt", "html", "index", "js", "le", "len", "lt",
			"ne", "not", "or", "print", "printf", "println", "slice", "urlquery")
	}
	return suggest.Nearest(name, known)
}

// ask returns the data of the answer to q. It is the zero value if there is no answer
// yet (known is false) or the thing does not exist.
func ask[T any](e *Env, q watch.Query) (data T, known bool, err error) {
	a, known, err := e.execution.Ask(q)
	if err != nil || !known {
		return data, false, err
	}
	data, err = dataAs[T](q, a.Data)
	return data, true, err
}

// askFor is ask for a kind and an argument.
func askFor[T any](e *Env, kind watch.Kind, arg string) (data T, known bool, err error) {
	q, err := parse(kind, arg)
	if err != nil {
		return data, false, err
	}
	return ask[T](e, q)
}

// askList is ask for a list, which is never nil.
func askList[T any](e *Env, q watch.Query) ([]T, error) {
	list, _, err := ask[[]T](e, q)
	if list == nil {
		list = []T{}
	}
	e.scratch.lent = append(e.scratch.lent, list)
	return list, err
}

// askExisting is askFor for a thing that must exist: if it never did, the output is
// incomplete; if it did, the last value is used (COMPAT 3.4, quirk Q53). An empty argument
// asks nothing.
func askExisting[T any](e *Env, kind watch.Kind, arg string) (data T, err error) {
	if arg == "" {
		return data, nil
	}
	q, err := parse(kind, arg)
	if err != nil {
		return data, err
	}
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

// dataAs returns data as the type that templates expect of q. It reveals secrets,
// which from here on go only to the template.
func dataAs[T any](q watch.Query, data any) (T, error) {
	data = watch.Reveal(data)
	v, ok := data.(T)
	if !ok && data != nil {
		return v, fmt.Errorf("%s: the store gave a %T instead of a %T", q, data, v)
	}
	return v, nil
}

// sprigSortAlpha sorts a list of strings in place, or others into a new list. It
// copies a list of an answer first, which templates share: no other function can
// change one.
func (e *Env) sprigSortAlpha(list any) []string {
	if own, ok := list.([]string); ok && !slices.IsSorted(own) && holds(reflect.ValueOf(e.scratch.lent), own) {
		list = slices.Clone(own)
	}
	return pure.Funcs()["sprig_sortAlpha"].(func(any) []string)(list)
}

// holds reports whether list begins in a list that is anywhere in v.
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
