package consul

import (
	"sync"

	"github.com/hashicorp/consul/api"

	"restencil/watch"
	"restencil/watch/consul/plan"
)

// nothing is a filter that nothing matches. A blocking query with it still ends
// when what it filters changes.
const nothing = `Node == "" and Node != ""`

// Bells are three blocking queries that together end at every change of an
// instance, a check or a node of a scope, with replies that are small whatever
// there is. They do not say what has changed.
type bells struct {
	scope plan.Scope
	rota  *rota

	mu     sync.Mutex
	voices int // how many have answered at some time
	silent int // how many fail at the moment
}

// A bell is one of them.
type bell struct {
	of     *bells
	voice  bool
	silent bool
}

// take implements receiver. That it tells of no news leaves a pause before the
// next ring, where changes follow each other.
func (b *bell) take(reply, bool) bool {
	if b.of.note(b, false) {
		b.of.rota.ring(b.of)
	}
	return false
}

// failed implements receiver.
func (b *bell) failed(*watch.Error) { b.of.note(b, true) }

// note notes whether one fails, and tells whether all have answered, so that
// what is read from now on cannot miss a change.
func (b *bells) note(one *bell, silent bool) (ready bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !one.voice && !silent {
		one.voice = true
		b.voices++
	}
	switch {
	case silent && !one.silent:
		b.silent++
	case !silent && one.silent:
		b.silent--
	}
	one.silent = silent
	return b.voices == bellCount
}

// ready tells whether all have answered at some time.
func (b *bells) ready() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.voices == bellCount
}

// reliable tells whether every change rings.
func (b *bells) reliable() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.voices == bellCount && b.silent == 0
}

// awaits implements receiver.
func (b *bell) awaits() bool { return true }

const bellCount = 3

// keepers returns what keeps the bells.
func (b *bells) keepers(s *Source) []*keeper {
	keeps := func(of watch.Kind, f fetch) *keeper {
		return &keeper{s: s, query: scoped(of, "", b.scope), kind: kind{fetch: f}, to: &bell{of: b}, shared: true}
	}
	return []*keeper{
		keeps(watch.ServiceList, fetchBell("/v1/catalog/services", "")),
		keeps(watch.ServiceHealth, fetchBell("/v1/health/state/any", nothing)),
		keeps(watch.NodeList, fetchBell("/v1/catalog/nodes", nothing)),
	}
}

// fetchBell asks for path, of whose reply only the index matters.
func fetchBell(path, filter string) fetch {
	return func(c *api.Client, _ watch.Query, o *api.QueryOptions) (reply, error) {
		var ignored any = new(struct{})
		if filter != "" {
			o.Filter, ignored = filter, new([]struct{})
		}
		m, err := c.Raw().Query(path, ignored, o)
		if err != nil {
			return reply{}, err
		}
		return newReply(nil, m), nil
	}
}
