package vault

import (
	"sync"
	"time"

	"restencil/watch"
)

// plans are when each answer is renewed or replaced: each a watch.Lease by its query.
type plans struct{ sync.Map }

// set records the plan for e.
func (p *plans) set(e *entry) {
	renew, at := e.answer.next()
	p.Store(e.id, watch.Lease{Query: e.id, Ends: e.answer.end(), Next: at, Renew: renew})
}

// Inspect implements watch.Inspector.
func (s *Source) Inspect() watch.Inspection {
	i := watch.Inspection{Kept: make(map[watch.ID]string)}
	if c, ok := s.caller.(interface{ Counts() watch.Counts }); ok {
		i.Counts = c.Counts()
	}
	for _, plan := range s.plans.Range {
		l := plan.(watch.Lease)
		switch {
		case l.Renew:
			i.Kept[l.Query] = "its lease is renewed"
		case l.Ends.IsZero():
			i.Kept[l.Query] = "read again at " + l.Next.Format(time.DateTime)
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
