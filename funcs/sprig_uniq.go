package funcs

import (
	"fmt"
	"reflect"
	"slices"
	"text/template"
)

// sprigUniqFuncs returns sprig's functions that drop from a list what is in it
// already. Sprig compares each element with all before it, which takes minutes
// for 100,000; here only lists and maps are compared so.
func sprigUniqFuncs() template.FuncMap {
	return template.FuncMap{
		"sprig_mustUniq": sprigMustUniq,
		"sprig_uniq":     func(list any) []any { u, err := sprigMustUniq(list); must(err); return u },
	}
}

// maxCompared is how many lists and maps are compared with one another.
const maxCompared = 10_000

// sprigMustUniq returns the elements of list, each once.
func sprigMustUniq(list any) ([]any, error) { return uniq(list, maxCompared) }

func uniq(list any, most int) ([]any, error) {
	l := reflect.ValueOf(list)
	if l.Kind() != reflect.Slice && l.Kind() != reflect.Array {
		return nil, fmt.Errorf("cannot find uniq on type %s", l.Kind())
	}
	scalars := make(map[any]bool)
	var others []any
	unique := []any{}
	for i := range l.Len() {
		v := l.Index(i).Interface()
		known := false
		if isScalar(v) {
			known = scalars[v]
			scalars[v] = true
		} else if known = slices.ContainsFunc(others, func(o any) bool { return reflect.DeepEqual(v, o) }); !known {
			others = append(others, v)
		}
		if len(others) > most {
			return nil, fmt.Errorf("more than %d lists and maps to compare", most)
		}
		if !known {
			unique = append(unique, v)
		}
	}
	return unique, nil
}

// isScalar tells whether v is text, a number or the like, of which == says the
// same as reflect.DeepEqual.
func isScalar(v any) bool {
	kind := reflect.ValueOf(v).Kind()
	return kind <= reflect.Complex128 || kind == reflect.String
}
