package record

import (
	"sync"

	"restencil/watch"
)

// A Recorder keeps the newest answer to each query. It is safe for concurrent use.
type Recorder struct {
	mu      sync.Mutex
	answers map[watch.Query]any // the Data; a secret is tainted
}

// New returns a Recorder without answers.
func New() *Recorder { return &Recorder{answers: make(map[watch.Query]any)} }

// Source returns a source that answers as s does, and records the answers.
func (r *Recorder) Source(s watch.Source) watch.Source { return source{s, r} }

// A source is a source whose answers are recorded. Those to queries that no template
// makes any more stay.
type source struct {
	watch.Source
	to *Recorder
}

func (s source) Watch(list ...watch.Subscription) {
	recorded := make([]watch.Subscription, len(list))
	for i, sub := range list {
		recorded[i] = watch.Subscription{ID: sub.ID, Sink: sink{sub.Sink, sub.ID.Value(), s.to}}
	}
	s.Source.Watch(recorded...)
}

// A sink records the answers to a query.
type sink struct {
	watch.Sink
	query watch.Query
	to    *Recorder
}

func (s sink) Publish(a watch.Answer) (news bool) {
	s.to.mu.Lock()
	s.to.answers[s.query] = a.Data
	s.to.mu.Unlock()
	return s.Sink.Publish(a)
}
