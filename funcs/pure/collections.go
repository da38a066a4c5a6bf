package pure

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/template"

	"restencil/watch"
)

// collectionFuncs returns the functions that regroup what the stores gave, and
// those that look for something in a list or in text (COMPAT 3.9). The types
// that they take and return are part of the template language.
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

// byKey groups pairs by the first part of their keys, and in a group by the
// rest, which becomes the pair's Key. Pairs without a rest are left out.
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

// byTag groups services or instances by each of their tags.
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

// byPort groups instances by their port.
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

// group puts each element of list into the groups that keys names.
func group[T any, K comparable](list []T, keys func(T) []K) map[K][]any {
	groups := make(map[K][]any)
	for _, element := range list {
		for _, key := range keys(element) {
			groups[key] = append(groups[key], element)
		}
	}
	return groups
}

// byMeta groups instances by the values of some keys of their ServiceMeta,
// which spec names with commas between. A key that ends in "|int" has a number,
// which counts as 0 where it is missing.
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
					return nil, fmt.Errorf("cannot parse %s as number : %w", value, err)
				}
				value = fmt.Sprintf("%05d", n)
			case value == "":
				value = "_no_" + name + "_"
			}
			parts[i] = outsideMeta.ReplaceAllString(value, "_")
		}
		name := strings.Join(parts, "_")
		groups[name] = append(groups[name], s)
	}
	return groups, nil
}

var outsideMeta = regexp.MustCompile(`[^\w-]`)

// explode turns pairs into maps within maps, by the slashes in their keys.
func explode(pairs []*watch.KeyPair) (map[string]any, error) {
	tree := make(map[string]any)
	for _, pair := range pairs {
		if err := plant(tree, pair.Key, pair.Value); err != nil {
			return nil, fmt.Errorf("explode: %w", err)
		}
	}
	return tree, nil
}

// explodeMap is explode for a map. As in consul-template, maps among its values
// become part of the result, and grow where another key leads into one.
func explodeMap(m map[string]any) (map[string]any, error) {
	tree := make(map[string]any)
	for _, key := range slices.Sorted(maps.Keys(m)) {
		if err := plant(tree, key, m[key]); err != nil {
			return nil, fmt.Errorf("explodeMap: %w", err)
		}
	}
	if cyclic(tree) {
		return nil, fmt.Errorf("explodeMap: %w", errCycle)
	}
	return tree, nil
}

// plant puts value into tree at the place that key leads to, and makes the maps
// on the way. A key that ends in a slash makes just those.
func plant(tree map[string]any, key string, value any) error {
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

// in tells whether the list hay has the element needle, or the text hay the
// part needle. Numbers are equal when their kinds are (integers or floats) and
// their values; other things than numbers and text are never found.
func in(hay, needle any) (bool, error) {
	return has(reflect.ValueOf(hay), reflect.ValueOf(needle))
}

// containsNeedle returns a function that looks for a needle that is in hay, or
// with in false for one that is not. The function returns found where there is
// one, and else the opposite.
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

// errNilNeedle has the words of consul-template, where looking for nothing in
// text is a panic.
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

// element returns the element itself, not the interface that holds it.
func element(list reflect.Value, i int) reflect.Value {
	v := list.Index(i)
	if v.Kind() == reflect.Interface {
		return v.Elem()
	}
	return v
}

// same tells whether two values are equal, as in means it.
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
