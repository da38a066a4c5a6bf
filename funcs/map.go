package funcs

import (
	"maps"
	"reflect"
	"slices"
	"sync"
	"text/template"
	"unicode"
)

// Map returns every function that a template can call, bound to e, but for
// those that text/template has itself. Functions of Denylist are there and
// fail.
func Map(e *Env) template.FuncMap {
	m := maps.Clone(unbound())
	for _, subject := range e.bound() {
		maps.Copy(m, subject)
	}
	deny(m, e.Denylist)
	return m
}

// MapFor returns those functions of Map whose names occur in text. A parsed
// template keeps its functions, so this saves most of what a small one weighs.
func MapFor(e *Env, text string) template.FuncMap {
	m := make(template.FuncMap)
	subjects := append(e.bound(), unbound())
	for word := range words(text) {
		for _, subject := range subjects {
			if f, ok := subject[word]; ok {
				m[word] = f
				break
			}
		}
	}
	deny(m, e.Denylist)
	return m
}

// words yields the runs of letters, digits and underscores in text.
func words(text string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		start := -1
		for i, r := range text {
			part := r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r)
			if part && start < 0 {
				start = i
			} else if !part && start >= 0 {
				if !yield(text[start:i]) {
					return
				}
				start = -1
			}
		}
		if start >= 0 {
			yield(text[start:])
		}
	}
}

// Names returns the names of all functions of Map, sorted.
func Names() []string {
	return slices.Sorted(maps.Keys(Map(new(Env))))
}

// bound returns the functions that stand on e, by subject.
func (e *Env) bound() []template.FuncMap {
	return []template.FuncMap{
		e.consulFuncs(),
		e.vaultFuncs(),
		e.nomadFuncs(),
		e.fileFuncs(),
		e.scratchFuncs(),
		e.stringFuncs(),
		e.regexpFuncs(),
		e.sprigRegexpFuncs(),
		e.environFuncs(),
		e.timeFuncs(),
		e.loopFuncs(),
		e.executeFuncs(),
		e.pluginFuncs(),
		e.writeToFileFuncs(),
		e.spewFuncs(),
	}
}

// unbound returns the functions that stand on nothing and are the same for all
// templates. Nobody changes it.
var unbound = sync.OnceValue(func() template.FuncMap {
	m := maps.Clone(sprigTable())
	for _, subject := range []template.FuncMap{
		collectionFuncs(),
		containsFuncs(),
		mapFuncs(),
		numberFuncs(),
		mathFuncs(),
		jsonFuncs(),
		yamlFuncs(),
		tomlFuncs(),
		base64Funcs(),
		hashFuncs(),
		sockaddrFuncs(),
	} {
		maps.Copy(m, subject)
	}
	return m
})

// textFuncs returns the functions, the engine's too, that return text, a number
// or a boolean.
var textFuncs = sync.OnceValue(func() map[string]bool {
	m := map[string]bool{enterName: true, leaveName: true}
	for _, name := range builtins {
		m[name] = true
	}
	for _, name := range []string{"and", "call", "index", "or", "slice"} {
		m[name] = false
	}
	for name, f := range Map(new(Env)) {
		switch reflect.TypeOf(f).Out(0).Kind() {
		case reflect.String, reflect.Bool, reflect.Int, reflect.Int64, reflect.Uint64, reflect.Float64:
			m[name] = true
		}
	}
	return m
})
