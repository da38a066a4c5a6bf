package consul

import (
	"fmt"

	"restencil/watch"
	"restencil/watch/consul/plan"
)

// Inspect implements watch.Inspector.
func (s *Source) Inspect() watch.Inspection {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := watch.Inspection{Kept: make(map[watch.ID]string, len(s.subscriptions)), Counts: s.agent.Client.Counter.Counts()}
	for id := range s.subscriptions {
		at := s.plan.Place(id)
		switch {
		case at == nil:
		case at.Way == plan.Prefix:
			i.Kept[id] = fmt.Sprintf("%s, %q", at.Way, at.Extent.Prefix)
		default:
			i.Kept[id] = string(at.Way)
		}
	}
	return i
}
