// Package pure holds the functions of templates that stand on nothing: what they
// return depends on their arguments alone. They are in a file by subject, and
// those of sprig's are its own, but for the ones that could take the process down.
package pure

import (
	"maps"
	"sync"
	"text/template"

	"github.com/Masterminds/sprig/v3"
)

// Funcs returns all the functions by name, those of sprig's (COMPAT 3.14) with
// sprig_ before theirs. Nobody changes the map.
var Funcs = sync.OnceValue(func() template.FuncMap {
	m := make(template.FuncMap)
	for name, f := range sprig.HermeticTxtFuncMap() {
		m["sprig_"+name] = f
	}
	for _, functions := range []template.FuncMap{
		collectionFuncs(),
		mapFuncs(),
		numberFuncs(),
		stringFuncs(),
		encodingFuncs(),
	} {
		maps.Copy(m, functions)
	}
	for name, size := range resultSizes() {
		m[name] = bounded(name, m[name], size)
	}
	return m
})
