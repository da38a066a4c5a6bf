package funcs

import (
	"fmt"
	"maps"
	"slices"

	"restencil/funcs/pure"
	"restencil/watch"
)

// A Scratch is the scratchpad of one execution of a template: values that one
// part of the template leaves for another (COMPAT 3.8). Its zero value is
// empty and ready for use. What its exported methods are called and return is
// part of the template language.
type Scratch struct {
	values map[string]any

	// secrets are this execution's own copies of what Vault answered, which a
	// template could change.
	secrets map[watch.Query]*watch.Secret

	lent []any // lists in answers that the template got to see
}

// Key says whether a value was set under k, be it nil.
func (s *Scratch) Key(k string) bool {
	_, ok := s.values[k]
	return ok
}

// Get returns the value under k, nil where there is none.
func (s *Scratch) Get(k string) any { return s.values[k] }

// Set keeps v under k. It returns the empty string, so that a template may
// call it anywhere.
func (s *Scratch) Set(k string, v any) string {
	if s.values == nil {
		s.values = map[string]any{}
	}
	s.values[k] = v
	return ""
}

// SetX is Set, but keeps a value that is there already.
func (s *Scratch) SetX(k string, v any) string {
	if s.Key(k) {
		return ""
	}
	return s.Set(k, v)
}

// MapSet keeps v under mk in the map under k, which it makes where there is
// none. It fails where k holds something else than a map.
func (s *Scratch) MapSet(k, mk string, v any) (string, error) {
	m, err := s.mapAt(k)
	if err != nil {
		return "", err
	}
	_, err = pure.SetKey(m, mk, v)
	return "", err
}

// MapSetX is MapSet, but keeps a value that is there already.
func (s *Scratch) MapSetX(k, mk string, v any) (string, error) {
	m, err := s.mapAt(k)
	if err != nil {
		return "", err
	}
	if _, ok := m[mk]; ok {
		return "", nil
	}
	return s.MapSet(k, mk, v)
}

// MapValues returns the values of the map under k, in the order of their
// keys; nil where k holds no map.
func (s *Scratch) MapValues(k string) []any {
	m, ok := s.values[k].(map[string]any)
	if !ok {
		return nil
	}
	values := make([]any, 0, len(m))
	for _, mk := range slices.Sorted(maps.Keys(m)) {
		values = append(values, m[mk])
	}
	return values
}

func (s *Scratch) mapAt(k string) (map[string]any, error) {
	if !s.Key(k) {
		s.Set(k, map[string]any{})
	}
	m, ok := s.values[k].(map[string]any)
	if !ok {
		return nil, fmt.Errorf("%q is not a map", k)
	}
	return m, nil
}
