package funcs

import (
	"maps"
	"sync"
	"text/template"

	"github.com/Masterminds/sprig/v3"
)

// sprigTable returns sprig's functions under names with sprig_ before them,
// without those that are not hermetic (COMPAT 3.14). Those that stand on an
// Env take the place of the ones here. Nobody changes it.
var sprigTable = sync.OnceValue(func() template.FuncMap {
	library := sprig.HermeticTxtFuncMap()
	m := make(template.FuncMap, len(library))
	for name, f := range library {
		m["sprig_"+name] = f
	}
	maps.Copy(m, sprigUniqFuncs())
	boundSprig(m)
	maps.Copy(m, sprigDictFuncs(library))
	return m
})
