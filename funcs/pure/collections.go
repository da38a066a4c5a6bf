package pure

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"text/template"

	"dario.cat/mergo"

	"restencil/watch"
	"restencil/watch/lazyregexp"
)

// collectionFuncs returns the functions that group answers, and those that search in
// a list or in text (COMPAT 3.9). Their types are part of the template language.
func collectionFuncs() template.FuncMap {
	return template.FuncMap{
		"byKey":      byKey,
		"byTag":      byTag,
		"byMeta":     byMeta,
		"byPort":     byPort,
		"explode":    explode,
		"explodeMap": explodeMap,

		"in":             in,
		"contains":       func(needle, hay any) (bool, error) { return in(hay, needle) },
		"containsAll":    containsNeedle("containsAll", false, false),
		"containsAny":    containsNeedle("containsAny", true, true),
		"containsNone":   containsNeedle("containsNone", true, false),
		"containsNotAll": containsNeedle("containsNotAll", false, true),
	}
}

// byKey groups pairs by the first part of their keys, and within a group by the rest,
// which becomes the pair's Key. It omits pairs without a rest.
func byKey(pairs []*watch.KeyPair) map[string]map[string]*watch.KeyPair {
	groups := make(map[string]map[string]*watch.KeyPair)
	for _, pair := range pairs {
		top, rest, _ := strings.Cut(pair.Key, "/")
		if rest == "" {
			continue
		}
		if groups[top] == nil {
			groups[top] = make(map[string]*watch.KeyPair)
		}
		own := *pair
		own.Key = rest
		groups[top][rest] = &own
	}
	return groups
}

func byTag(list any) (map[string][]any, error) {
	switch list := list.(type) {
	case nil:
		return map[string][]any{}, nil
	case []*watch.CatalogSnippet:
		return group(list, func(s *watch.CatalogSnippet) []string { return s.Tags }), nil
	case []*watch.HealthService:
		return group(list, func(s *watch.HealthService) []string { return s.Tags }), nil
	case []*watch.NomadServicesSnippet:
		return group(list, func(s *watch.NomadServicesSnippet) []string { return s.Tags }), nil
	case []*watch.NomadServiceInstance:
		return group(list, func(s *watch.NomadServiceInstance) []string { return s.Tags }), nil
	}
	return nil, fmt.Errorf("byTag: wrong argument type %T", list)
}

func byPort(list any) (map[int][]any, error) {
	switch list := list.(type) {
	case nil:
		return map[int][]any{}, nil
	case []*watch.HealthService:
		return group(list, func(s *watch.HealthService) []int { return []int{s.Port} }), nil
	case []*watch.NomadServiceInstance:
		return group(list, func(s *watch.NomadServiceInstance) []int { return []int{s.Port} }), nil
	}
	return nil, fmt.Errorf("byPort: wrong argument type %T", list)
}

// group groups the elements of list by their keys.
func group[T any, K comparable](list []T, keys func(T) []K) map[K][]any {
	groups := make(map[K][]any)
	for _, element := range list {
		for _, key := range keys(element) {
			groups[key] = append(groups[key], element)
		}
	}
	return groups
}

// byMeta groups instances by the values of keys of their ServiceMeta, which spec
// lists, separated by commas. The value of a key with the suffix "|int" is a number, 0
// if it is missing.
func byMeta(spec string, list []*watch.HealthService) (map[string][]*watch.HealthService, error) {
	keys := strings.Split(spec, ",")
	parts := make([]string, len(keys))
	groups := make(map[string][]*watch.HealthService)
	for _, s := range list {
		for i, key := range keys {
			name, number := strings.CutSuffix(key, "|int")
			value := s.ServiceMeta[name]
			switch {
			case number && value == "":
				value = "00000"
			case number:
				n, err := strconv.Atoi(value)
				if err != nil {
					return nil, fmt.Errorf("byMeta: %s of service %s is %q, which is not a whole number", name, s.Name, value)
				}
				value = fmt.Sprintf("%05d", n)
			case value == "":
				value = "_no_" + name + "_"
			}
			parts[i] = notWord.Get().ReplaceAllLiteralString(value, "_")
		}
		name := strings.Join(parts, "_")
		groups[name] = append(groups[name], s)
	}
	return groups, nil
}

var notWord = lazyregexp.New(`[^a-zA-Z0-9-]`)

// explode converts pairs to nested maps, by the slashes in their keys.
func explode(pairs []*watch.KeyPair) (map[string]any, error) {
	tree := make(map[string]any)
	for _, pair := range pairs {
		if err := insert(tree, pair.Key, pair.Value); err != nil {
			return nil, fmt.Errorf("explode: %w", err)
		}
	}
	return tree, nil
}

// explodeMap is explode for a map. As in consul-template, maps among its values
// become part of the result, and other keys may insert into them.
func explodeMap(m map[string]any) (map[string]any, error) {
	tree := make(map[string]any)
	for _, key := range slices.Sorted(maps.Keys(m)) {
		if err := insert(tree, key, m[key]); err != nil {
			return nil, fmt.Errorf("explodeMap: %w", err)
		}
	}
	if cyclic(tree) {
		return nil, fmt.Errorf("explodeMap: %w", errCycle)
	}
	return tree, nil
}

// insert inserts value into tree at key, with the maps on the way. A key that ends in
// a slash inserts just those.
func insert(tree map[string]any, key string, value any) error {
	whole := key
	for {
		top, rest, deeper := strings.Cut(key, "/")
		if !deeper {
			if key != "" {
				tree[key] = value
			}
			return nil
		}
		there, ok := tree[top]
		if !ok {
			there = make(map[string]any)
			tree[top] = there
		}
		branch, ok := there.(map[string]any)
		if !ok {
			return fmt.Errorf("not a map: %q: %q already has value %q", whole, top, there)
		}
		tree, key = branch, rest
	}
}

// in reports whether hay, a list or text, contains needle. Numbers are equal if both
// are integers or both floats, with the same value; all but numbers and text is never
// found.
func in(hay, needle any) (bool, error) { return has(reflect.ValueOf(hay), reflect.ValueOf(needle)) }

// containsNeedle returns a function that looks for a needle that is in hay (or is not,
// if in is false). It returns found if there is one, otherwise !found.
func containsNeedle(function string, in, found bool) func(needles, hay any) (bool, error) {
	return func(needles, hay any) (bool, error) {
		list := reflect.ValueOf(needles)
		switch list.Kind() {
		case reflect.Invalid:
			return !found, nil
		case reflect.Slice, reflect.Array:
		default:
			return false, fmt.Errorf("%s: wrong type for value; expected a list; got %T", function, needles)
		}
		for i := range list.Len() {
			is, err := has(reflect.ValueOf(hay), element(list, i))
			if err != nil {
				return false, err
			}
			if is == in {
				return found, nil
			}
		}
		return !found, nil
	}
}

// errNilNeedle is consul-template's error for a nil needle in text.
var errNilNeedle = errors.New("reflect: call of reflect.Value.Type on zero Value")

func has(hay, needle reflect.Value) (bool, error) {
	switch hay.Kind() {
	case reflect.String:
		if !needle.IsValid() {
			return false, errNilNeedle
		}
		return needle.Type() == hay.Type() && strings.Contains(hay.String(), needle.String()), nil
	case reflect.Slice, reflect.Array:
		for i := range hay.Len() {
			v := element(hay, i)
			if v.Kind() == reflect.String && !needle.IsValid() {
				return false, errNilNeedle
			}
			if same(v, needle) {
				return true, nil
			}
		}
	}
	return false, nil
}

// element returns an element of a list, without its interface.
func element(list reflect.Value, i int) reflect.Value {
	v := list.Index(i)
	if v.Kind() == reflect.Interface {
		return v.Elem()
	}
	return v
}

func same(a, b reflect.Value) bool {
	switch {
	case a.Kind() == reflect.String:
		return b.Kind() == reflect.String && a.Type() == b.Type() && a.String() == b.String()
	case a.CanInt():
		return b.CanInt() && a.Int() == b.Int()
	case a.CanFloat():
		return b.CanFloat() && a.Float() == b.Float()
	default:
		return false
	}
}

// mapFuncs returns the functions that set values in a map (COMPAT 3.9, 3.14). They
// change and return their first argument. They never make a map that contains itself:
// printing it would crash the process.
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

// mergeMap adds what only src has to dst, also in nested maps; with
// mergo.WithOverride, src wins. An empty value in dst counts as absent. options gives
// a third argument consul-template's errors.
func mergeMap(dst, src map[string]any, options ...func(*mergo.Config)) (map[string]any, error) {
	if err := mergo.Merge(&dst, src, options...); err != nil {
		return nil, err
	}
	if cyclic(src) { // any new cycle includes part of src
		return nil, errCycle
	}
	return dst, nil
}

// mergeAll returns one of sprig's functions that merge several maps. Without must, it
// returns "" if that fails.
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

// cyclic reports whether v, or anything in it, contains itself.
func cyclic(v any) bool { return make(walk).cyclic(reflect.ValueOf(v)) }

// A walk visits maps and lists, each once: true means inside, false means left.
type walk map[place]bool

// A place identifies a map or a list. Lists of different sizes can begin at the same
// address.
type place struct {
	at   uintptr
	size int
}

func placeOf(v reflect.Value) place { return place{v.Pointer(), v.Len()} }

// cyclic reports whether v contains anything that the walk is inside.
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
