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
		if old, ok := old.(*Secret); ok {
			return sameSecret(old, new)
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

// sameSecret compares all but the RequestID, which is new with each answer
// (COMPAT Q39).
func sameSecret(a, b *Secret) bool {
	if a == nil || b == nil {
		return a == b
	}
	old := *a
	old.RequestID = b.RequestID
	return reflect.DeepEqual(&old, b)
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
