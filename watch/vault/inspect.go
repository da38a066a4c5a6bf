package vault

import (
	"maps"
	"slices"
	"sync"

	"restencil/watch"
)

// plans are when each answer is renewed or replaced, for any goroutine.
type plans struct {
	mu     sync.Mutex
	leases map[watch.ID]watch.Lease
}

// set records the plan for e.
func (p *plans) set(e *entry) {
	renew, at := e.answer.next()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.leases[e.id] = watch.Lease{Query: e.id, Ends: e.answer.end(), Next: at, Renew: renew}
}

func (p *plans) remove(id watch.ID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.leases, id)
}

// Inspect implements watch.Inspector.
func (s *Source) Inspect() watch.Inspection {
	i := watch.Inspection{Kept: make(map[watch.ID]string)}
	if c, ok := s.caller.(interface{ Counts() watch.Counts }); ok {
		i.Counts = c.Counts()
	}
	s.plans.mu.Lock()
	leases := slices.Collect(maps.Values(s.plans.leases))
	s.plans.mu.Unlock()
	for _, l := range leases {
		switch {
		case l.Renew:
			i.Kept[l.Query] = "its lease is renewed"
		case l.Ends.IsZero():
			i.Kept[l.Query] = "read again from time to time"
		default:
			i.Kept[l.Query] = "another takes its place before it ends"
		}
		if !l.Ends.IsZero() {
			i.Leases = append(i.Leases, l)
		}
	}
	if e, err := s.tokens.Current(); err == nil && !e.Ends.IsZero() {
		i.Leases = append(i.Leases, watch.Lease{Ends: e.Ends})
	}
	return i
}
