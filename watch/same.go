package watch

import (
	"reflect"
	"slices"
)

// same tells whether two answers to one query have the same data. The instances
// of a service are mostly the same pointers: only those that have changed are
// decoded.
func same(old, new any) bool {
	switch new := new.(type) {
	case Tainted:
		if old, ok := old.(Tainted); ok {
			return same(Reveal(old), Reveal(new))
		}
	case *Secret:
		// The RequestID is new with each answer (COMPAT Q39).
		if old, ok := old.(*Secret); ok && old != nil && new != nil {
			other := *old
			other.RequestID = new.RequestID
			return reflect.DeepEqual(&other, new)
		}
	case *KeyPair:
		if old, ok := old.(*KeyPair); ok {
			return samePair(old, new)
		}
	case []*KeyPair:
		if old, ok := old.([]*KeyPair); ok {
			return sameList(old, new, samePair)
		}
	case []*HealthService:
		if old, ok := old.([]*HealthService); ok {
			return sameList(old, new, sameInstance)
		}
	}
	return reflect.DeepEqual(old, new)
}

func samePair(a, b *KeyPair) bool {
	return a == b || a != nil && b != nil && *a == *b
}

func sameInstance(a, b *HealthService) bool {
	return a == b || reflect.DeepEqual(a, b)
}

// sameList compares two lists. Templates can tell nil from an empty one.
func sameList[T any](a, b []*T, same func(a, b *T) bool) bool {
	return (a == nil) == (b == nil) && slices.EqualFunc(a, b, same)
}
