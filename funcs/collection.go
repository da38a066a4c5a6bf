package funcs

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/template"

	"restencil/watch"
)

// collectionFuncs returns the functions that regroup what the stores gave
// (COMPAT 3.9). The types that they take and return are part of the template
// language.
func collectionFuncs() template.FuncMap {
	return template.FuncMap{
		"byKey":      byKey,
		"byTag":      byTag,
		"byMeta":     byMeta,
		"byPort":     byPort,
		"explode":    explode,
		"explodeMap": explodeMap,
	}
}

// byKey groups pairs by the first part of their keys, and in a group by the
// rest, which becomes the pair's Key. Pairs without a rest are left out.
func byKey(pairs []*watch.KeyPair) map[string]map[string]*watch.KeyPair {
	groups := make(map[string]map[string]*watch.KeyPair)
	copies := make([]watch.KeyPair, 0, len(pairs))
	for _, pair := range pairs {
		top, rest, _ := strings.Cut(pair.Key, "/")
		if rest == "" {
			continue
		}
		group := groups[top]
		if group == nil {
			group = make(map[string]*watch.KeyPair)
			groups[top] = group
		}
		copies = append(copies, *pair)
		own := &copies[len(copies)-1]
		own.Key = rest
		group[rest] = own
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
	port := make([]int, 1)
	switch list := list.(type) {
	case nil:
		return map[int][]any{}, nil
	case []*watch.HealthService:
		return group(list, func(s *watch.HealthService) []int { port[0] = s.Port; return port }), nil
	case []*watch.NomadServiceInstance:
		return group(list, func(s *watch.NomadServiceInstance) []int { port[0] = s.Port; return port }), nil
	}
	return nil, fmt.Errorf("byPort: wrong argument type %T", list)
}

// group puts each element of list into the groups that keys names. It counts
// first, so that all groups can share one array of the right size, and numbers
// the groups, so that each name is looked up once.
func group[T any, K comparable](list []T, keys func(T) []K) map[K][]any {
	var names []K
	var sizes []int
	places := make([]int, 0, len(list)) // the group of each pair of an element and a key
	numbers := make(map[K]int)          // of names
	for _, element := range list {
		for _, key := range keys(element) {
			n, ok := numbers[key]
			if !ok {
				n = len(names)
				numbers[key], names, sizes = n, append(names, key), append(sizes, 0)
			}
			sizes[n]++
			places = append(places, n)
		}
	}
	array := make([]any, len(places))
	lists := make([][]any, len(names))
	for n, size := range sizes {
		lists[n], array = array[:0:size], array[size:]
	}
	for _, element := range list {
		for range keys(element) {
			n := places[0]
			places = places[1:]
			lists[n] = append(lists[n], element)
		}
	}
	groups := make(map[K][]any, len(names))
	for n, name := range names {
		groups[name] = lists[n]
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
			part, err := metaPart(s.ServiceMeta, key)
			if err != nil {
				return nil, err
			}
			parts[i] = part
		}
		name := strings.Join(parts, "_")
		groups[name] = append(groups[name], s)
	}
	return groups, nil
}

// metaPart returns what one key of byMeta adds to the name of an instance's
// group.
func metaPart(meta map[string]string, key string) (string, error) {
	name, number := strings.CutSuffix(key, "|int")
	value := meta[name]
	switch {
	case number && value == "":
		value = "00000"
	case number:
		n, err := strconv.Atoi(value)
		if err != nil {
			return "", fmt.Errorf("cannot parse %s as number : %w", value, err)
		}
		value = fmt.Sprintf("%05d", n)
	case value == "":
		value = "_no_" + name + "_"
	}
	return strings.Map(metaRune, value), nil
}

func metaRune(r rune) rune {
	if r < 0x80 && isName(byte(r)) {
		return r
	}
	return '_'
}

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
	if err := writable("explodeMap", m); err != nil {
		return nil, err
	}
	tree := make(map[string]any)
	nested := false
	for _, key := range slices.Sorted(maps.Keys(m)) {
		if err := plant(tree, key, m[key]); err != nil {
			return nil, fmt.Errorf("explodeMap: %w", err)
		}
		_, isMap := m[key].(map[string]any)
		nested = nested || isMap
	}
	if nested && cyclic(tree) {
		return nil, fmt.Errorf("explodeMap: %w", errCycle)
	}
	return tree, nil
}

// maxDepth bounds how deep a key may lead, to what encoding/json reads: whatever
// prints the maps does so recursively.
const maxDepth = 10_000

// plant puts value into tree at the place that key leads to, and makes the maps
// on the way. A key that ends in a slash makes just those.
func plant(tree map[string]any, key string, value any) error {
	whole := key
	for range maxDepth {
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
	return fmt.Errorf("a key with more than %d parts", maxDepth)
}
