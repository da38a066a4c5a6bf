package funcs

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"text/template"
	"unicode"

	"github.com/ryanuber/go-glob"

	"restencil/funcs/pure"
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

// MapFor returns those functions of Map whose names occur in text. A parsed
// template keeps its functions, so this saves most of what a small one weighs.
func MapFor(e *Env, text string) template.FuncMap {
	all, m := Map(e), make(template.FuncMap)
	outside := func(r rune) bool { return r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) }
	for _, word := range strings.FieldsFunc(text, outside) {
		if f, ok := all[word]; ok {
			m[word] = f
		}
	}
	return m
}

// Names returns the names of all functions of Map, sorted.
func Names() []string { return slices.Sorted(maps.Keys(Map(new(Env)))) }

// Nearest returns the function, the engine's too, whose name is most like that
// of one that does not exist, or "" where none is like it.
func Nearest(name string) string {
	return suggest.Nearest(name, append(Names(), "and", "call", "eq", "ge", "gt", "html", "index", "js", "le", "len", "lt",
		"ne", "not", "or", "print", "printf", "println", "slice", "urlquery"))
}
