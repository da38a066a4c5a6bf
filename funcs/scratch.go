package funcs

import (
	"fmt"
	"maps"
	"slices"

	"restencil/funcs/pure"
	"restencil/watch"
)

// A Scratch is the scratchpad of one execution of a template: values that one part of
// the template sets for another (COMPAT 3.8). Its exported
// methods are part of the template language.
type Scratch struct {
	values map[string]any

	secrets map[watch.Query]*watch.Secret // copies of answers, which the template may change
	lent    []any                         // lists of answers that the template has seen
}

// Key reports whether a value was set under k.
func (s *Scratch) Key(k string) bool {
	_, ok := s.values[k]
	return ok
}

// Get returns the value under k, or nil.
func (s *Scratch) Get(k string) any { return s.values[k] }

// Set sets the value under k to v. It returns "", which a template prints.
func (s *Scratch) Set(k string, v any) string {
	s.values[k] = v
	return ""
}

// SetX is Set if there is no value under k.
func (s *Scratch) SetX(k string, v any) string {
	if s.Key(k) {
		return ""
	}
	return s.Set(k, v)
}

// MapSet sets the value under mk in the map under k, which it creates if necessary.
// It fails if k has another value.
func (s *Scratch) MapSet(k, mk string, v any) (string, error) {
	m, err := s.mapAt(k)
	if err != nil {
		return "", err
	}
	_, err = pure.SetKey(m, mk, v)
	return "", err
}

// MapSetX is MapSet if there is no value under mk.
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

// MapValues returns the values of the map under k, in the order of their keys, nil if
// there is no map.
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
