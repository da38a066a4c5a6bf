package watch

import (
	"maps"
	"reflect"
	"slices"

	"github.com/hashicorp/consul/api"
)

// A difference is how far two answers to one query are apart.
type difference int

const (
	none      difference = iota
	checks               // only in the Checks of instances, which few templates look at
	substance            // in more than that
)

// differ compares the data of two answers. It knows the types that come in
// large numbers; reflection would take longer than all the rest of a change.
func differ(old, new any) difference {
	switch new := new.(type) {
	case Tainted:
		if old, ok := old.(Tainted); ok {
			return differ(Reveal(old), Reveal(new))
		}
	case *Secret:
		if old, ok := old.(*Secret); ok {
			return unless(sameSecret(old, new))
		}
	case *KeyPair:
		if old, ok := old.(*KeyPair); ok {
			return unless(samePair(old, new))
		}
	case []*KeyPair:
		if old, ok := old.([]*KeyPair); ok {
			return unless((old == nil) == (new == nil) && slices.EqualFunc(old, new, samePair))
		}
	case []*HealthService:
		if old, ok := old.([]*HealthService); ok {
			return differInstances(old, new)
		}
	}
	return unless(reflect.DeepEqual(old, new))
}

// unless returns substance unless the values are the same.
func unless(same bool) difference {
	if same {
		return none
	}
	return substance
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

func differInstances(old, new []*HealthService) difference {
	if len(old) != len(new) || (old == nil) != (new == nil) {
		return substance
	}
	worst := none
	for i, a := range old {
		b := new[i]
		switch {
		case a == b:
		case a == nil || b == nil || !sameInstance(a, b):
			return substance
		case worst == none && !sameChecks(a.Checks, b.Checks):
			worst = checks
		}
	}
	return worst
}

// sameInstance compares all but the Checks.
func sameInstance(a, b *HealthService) bool {
	return a.Node == b.Node &&
		a.NodeID == b.NodeID &&
		a.NodeAddress == b.NodeAddress &&
		a.Address == b.Address &&
		a.ID == b.ID &&
		a.Name == b.Name &&
		a.Status == b.Status &&
		a.Port == b.Port &&
		a.Weights == b.Weights &&
		sameList(a.Tags, b.Tags) &&
		sameMap(a.NodeTaggedAddresses, b.NodeTaggedAddresses) &&
		sameMap(a.NodeMeta, b.NodeMeta) &&
		sameMap(a.ServiceMeta, b.ServiceMeta) &&
		sameMap(a.ServiceTaggedAddresses, b.ServiceTaggedAddresses)
}

func sameChecks(a, b api.HealthChecks) bool {
	return (a == nil) == (b == nil) && slices.EqualFunc(a, b, sameCheck)
}

func sameCheck(a, b *api.HealthCheck) bool {
	if a == b || a == nil || b == nil {
		return a == b
	}
	return a.Node == b.Node &&
		a.CheckID == b.CheckID &&
		a.Name == b.Name &&
		a.Status == b.Status &&
		a.Notes == b.Notes &&
		a.Output == b.Output &&
		a.ServiceID == b.ServiceID &&
		a.ServiceName == b.ServiceName &&
		a.Type == b.Type &&
		a.Namespace == b.Namespace &&
		a.Partition == b.Partition &&
		a.ExposedPort == b.ExposedPort &&
		a.PeerName == b.PeerName &&
		a.CreateIndex == b.CreateIndex &&
		a.ModifyIndex == b.ModifyIndex &&
		sameList(a.ServiceTags, b.ServiceTags) &&
		reflect.DeepEqual(&a.Definition, &b.Definition)
}

// sameList tells whether two lists cannot be told apart: nil is not empty.
func sameList[T comparable](a, b []T) bool {
	return (a == nil) == (b == nil) && slices.Equal(a, b)
}

// sameMap is sameList for maps.
func sameMap[K, V comparable](a, b map[K]V) bool {
	return (a == nil) == (b == nil) && maps.Equal(a, b)
}
