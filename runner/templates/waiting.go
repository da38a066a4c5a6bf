package templates

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"restencil/runner/event"
	"restencil/watch"
)

// waiting is what a template waits for.
type waiting struct {
	event.Waits
	missing []watch.ID // some perhaps twice
	reports int        // how often that was reported
}

func (w *waiting) set(missing []watch.ID, now time.Time) {
	if len(missing) == 0 {
		*w = waiting{}
		return
	}
	if w.Since.IsZero() {
		w.Since = now
	} else if !slices.Equal(w.missing, missing) {
		before := make(map[watch.ID]bool, len(w.missing))
		for _, id := range w.missing {
			before[id] = true
		}
		later := make(map[watch.ID]time.Time)
		for _, id := range missing {
			if since, ok := w.Later[id]; ok {
				later[id] = since
			} else if !before[id] {
				later[id] = now
			}
		}
		w.Later = later
	}
	w.missing = missing
}

// queries returns the missing queries, the longest wait first.
func (w *waiting) queries() []event.Missing {
	all := make([]event.Missing, len(w.missing))
	for i, id := range w.missing {
		all[i] = event.Missing{Query: id.Value(), Since: w.Of(id)}
	}
	slices.SortFunc(all, func(a, b event.Missing) int {
		return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.Query.String(), b.Query.String()))
	})
	return slices.Compact(all) // some are missing and gone
}

// nextReport returns when the next Waiting event is due, zero: never. The intervals
// grow to an hour, which is the second of a template that has been rendered.
func (w *waiting) nextReport(rendered bool) time.Time {
	// People look at what they started for about two seconds.
	first := []time.Duration{1500 * time.Millisecond, 10 * time.Second, time.Minute, 5 * time.Minute, 30 * time.Minute}
	n := w.reports
	if rendered && n > 0 {
		n += len(first) - 1
	}
	switch {
	case w.Since.IsZero():
		return time.Time{}
	case n < len(first):
		return w.Since.Add(first[n])
	}
	return w.Since.Add(time.Duration(n-len(first)+1) * time.Hour)
}

// slow is how long an execution takes before that is reported.
const slow = 10 * time.Second

const reported = 5 // how many missing queries of a template a report names

// report starts to report the templates that have been waiting for long enough.
func (s *Set) report(now time.Time) {
	due := s.reports.PopAll(now)
	slices.SortFunc(due, func(a, b *state) int { return cmp.Compare(a.index, b.index) })
	for _, t := range due {
		if t.running {
			s.events(event.Slow{Template: t.Name, Destination: t.Destination, Since: t.since})
			t.slowAt = now.Add(time.Minute)
			s.setTimers(t)
			continue
		}
		if !t.coalesce.until.IsZero() { // an execution first finds out what is missing
			t.coalesce.until = now
			s.setTimers(t)
			continue
		}
		t.waiting.reports++
		e := &event.Waiting{Template: t.Name, Destination: t.Destination, For: t.waiting.queries(), Rendered: t.rendered}
		if n := len(e.For); n > reported {
			e.For, e.More = e.For[:reported], n-reported
		}
		for i, m := range e.For {
			state := s.state(m.Query.ID())
			e.For[i].Reason, e.For[i].Gone = event.WhyMissing(m.Query, state.Known, state.Failure), state.Answer.Last != nil
		}
		s.begin([]*execution{{template: t, waiting: e}}, now)
	}
}

// Missing returns what the templates wait for that have not been rendered, a line
// each. With local, a data file stands in for Consul.
func (s *Set) Missing(local bool) []string {
	var lines []string
	for _, t := range s.list {
		if t.rendered {
			continue
		}
		name, queries := cmp.Or(t.Destination, t.Name), t.waiting.queries()
		for _, m := range queries {
			state := s.state(m.Query.ID())
			lines = append(lines, fmt.Sprintf("%s needs %s: %s", name, m.Query.Describe(local), event.WhyMissing(m.Query, state.Known, state.Failure)))
		}
		if len(queries) == 0 && t.failure.err != nil {
			lines = append(lines, t.failure.err.Error())
		}
	}
	return lines
}
