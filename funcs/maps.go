package funcs

import (
	"text/template"

	"dario.cat/mergo"
)

// mapFuncs returns the functions that merge maps (COMPAT 3.9). Both change
// their first argument and return it.
func mapFuncs() template.FuncMap {
	return template.FuncMap{
		"mergeMap":             mergeMap,
		"mergeMapWithOverride": mergeMapWithOverride,
	}
}

// mergeMap adds to dst what only src has, in nested maps too. A value of dst
// that is empty counts as absent. Templates cannot make an option, but with a
// third argument they get the same errors as ever.
func mergeMap(dst, src map[string]any, options ...func(*mergo.Config)) (map[string]any, error) {
	if err := writable("mergeMap", src); err != nil {
		return nil, err
	}
	suspect := mayCycle(dst, src)
	if err := mergo.Map(&dst, src, options...); err != nil {
		return nil, err
	}
	if suspect && cyclic(dst) {
		return nil, errCycle
	}
	return dst, nil
}

// mergeMapWithOverride puts into dst all that src has, in nested maps too.
func mergeMapWithOverride(dst, src map[string]any) (map[string]any, error) {
	return mergeMap(dst, src, mergo.WithOverride)
}
