package consul

import "restencil/watch"

// Inspect implements watch.Inspector.
func (s *Source) Inspect() watch.Inspection {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := watch.Inspection{Kept: make(map[watch.ID]string, len(s.subscriptions)), Counts: s.agent.Client.Counter.Counts()}
	for id := range s.subscriptions {
		if at := s.plan.Place(id); at != nil {
			i.Kept[id] = at.String()
		}
	}
	return i
}
