package pure

import (
	"errors"
	"reflect"
	"text/template"

	"dario.cat/mergo"
)

// mapFuncs returns the functions that put values into a map: those that merge
// (COMPAT 3.9), and sprig's (COMPAT 3.14). All change their first argument and
// return it. To print a map that contains itself would take the process down,
// so they make none.
func mapFuncs() template.FuncMap {
	return template.FuncMap{
		"mergeMap": mergeMap,
		"mergeMapWithOverride": func(dst, src map[string]any) (map[string]any, error) {
			return mergeMap(dst, src, mergo.WithOverride)
		},
		"sprig_merge":              mergeAll(false),
		"sprig_mergeOverwrite":     mergeAll(false, mergo.WithOverride),
		"sprig_mustMerge":          mergeAll(true),
		"sprig_mustMergeOverwrite": mergeAll(true, mergo.WithOverride),
		"sprig_set":                SetKey,
	}
}

// mergeMap adds to dst what only src has, in nested maps too; mergo.WithOverride
// has src win. A value of dst that is empty counts as absent. Templates cannot make an option, but with a
// third argument they get the same errors as ever.
func mergeMap(dst, src map[string]any, options ...func(*mergo.Config)) (map[string]any, error) {
	if err := mergo.Merge(&dst, src, options...); err != nil {
		return nil, err
	}
	if cyclic(src) { // a new cycle goes through something that src had
		return nil, errCycle
	}
	return dst, nil
}

// mergeAll returns one of sprig's functions that merge several maps. Unless it
// must merge them, it returns empty text where that fails.
func mergeAll(must bool, options ...func(*mergo.Config)) func(dst map[string]any, srcs ...map[string]any) (any, error) {
	return func(dst map[string]any, srcs ...map[string]any) (any, error) {
		for _, src := range srcs {
			merged, err := mergeMap(dst, src, options...)
			switch {
			case err == nil:
				dst = merged
			case must || errors.Is(err, errCycle):
				return nil, err
			default:
				return "", nil
			}
		}
		return dst, nil
	}
}

// SetKey sets a key of a map, unless the map would then contain itself.
func SetKey(m map[string]any, key string, v any) (map[string]any, error) {
	if (walk{placeOf(reflect.ValueOf(m)): true}).cyclic(reflect.ValueOf(v)) {
		return nil, errCycle
	}
	m[key] = v
	return m, nil
}

var errCycle = errors.New("a map must not contain itself")

// cyclic tells whether v, or anything in it, contains itself.
func cyclic(v any) bool { return make(walk).cyclic(reflect.ValueOf(v)) }

// A walk goes through maps and lists, into each one once. It is true for those
// that it is inside, and false for those that it has left.
type walk map[place]bool

// A place is where a map or a list has its elements. Lists of different sizes
// can begin at the same element.
type place struct {
	at   uintptr
	size int
}

func placeOf(v reflect.Value) place { return place{v.Pointer(), v.Len()} }

// cyclic tells whether there is a way from v back to where the walk is inside.
func (w walk) cyclic(v reflect.Value) bool {
	for v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	if v.Kind() != reflect.Map && v.Kind() != reflect.Slice {
		return false
	}
	at := placeOf(v)
	if inside, met := w[at]; met {
		return inside
	}
	w[at] = true
	for _, element := range v.Seq2() {
		if w.cyclic(element) {
			return true
		}
	}
	w[at] = false
	return false
}
