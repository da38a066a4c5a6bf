package funcs

import "text/template"

type (
	dict      = map[string]any
	merge     = func(dict, ...dict) any
	mustMerge = func(dict, ...dict) (any, error)
)

// sprigDictFuncs returns the functions of sprig's that change maps, so that
// they refuse to put one into itself.
func sprigDictFuncs(library template.FuncMap) template.FuncMap {
	m := template.FuncMap{"sprig_set": sprigSet}
	for _, name := range []string{"merge", "mergeOverwrite"} {
		f := library[name].(merge)
		m["sprig_"+name] = sprigMerge(func(d dict, s ...dict) (any, error) { return f(d, s...), nil })
	}
	for _, name := range []string{"mustMerge", "mustMergeOverwrite"} {
		m["sprig_"+name] = sprigMerge(library[name].(mustMerge))
	}
	return m
}

// sprigSet sets a key and returns the same map.
func sprigSet(d dict, key string, v any) (dict, error) {
	if reaches(v, d) {
		return nil, errCycle
	}
	d[key] = v
	return d, nil
}

// sprigMerge returns f with a look at what it makes.
func sprigMerge(f mustMerge) mustMerge {
	return func(dst dict, srcs ...dict) (any, error) {
		suspect := false
		for _, src := range srcs {
			if err := writable("merge", src); err != nil {
				return nil, err
			}
			suspect = suspect || mayCycle(dst, src)
		}
		result, err := f(dst, srcs...)
		if err == nil && (suspect || len(srcs) > 1) && cyclic(result) {
			return nil, errCycle
		}
		return result, err
	}
}
