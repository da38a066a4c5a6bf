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
	since   time.Time              // when it began to wait, zero: it does not
	missing map[watch.ID]time.Time // the queries that it misses, and since when
	reports int                    // how often that was told
}

func (w *waiting) set(missing []watch.ID, now time.Time) {
	if len(missing) == 0 {
		*w = waiting{}
		return
	}
	if w.since.IsZero() {
		w.since = now
	}
	before := w.missing
	w.missing = make(map[watch.ID]time.Time, len(missing))
	for _, id := range missing {
		since, missed := before[id]
		if !missed {
			since = now
		}
		w.missing[id] = since
	}
}

// queries returns those that it misses, the longest wait first.
func (w *waiting) queries() []event.Missing {
	var all []event.Missing
	for id, since := range w.missing {
		all = append(all, event.Missing{Query: id.Value(), Since: since})
	}
	slices.SortFunc(all, func(a, b event.Missing) int {
		return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.Query.String(), b.Query.String()))
	})
	return all
}

// nextReport is when the next Waiting event is due, zero: never. That is soon, and
// then ever more rarely: of a template that has been rendered every hour.
func (w *waiting) nextReport(rendered bool) time.Time {
	// People look at what they started for about two seconds.
	first := []time.Duration{1500 * time.Millisecond, 10 * time.Second, time.Minute, 5 * time.Minute, 30 * time.Minute}
	n := w.reports
	if rendered && n > 0 {
		n += len(first) - 1
	}
	switch {
	case w.since.IsZero():
		return time.Time{}
	case n < len(first):
		return w.since.Add(first[n])
	}
	return w.since.Add(time.Duration(n-len(first)+1) * time.Hour)
}

// slow is how long an execution takes before that is reported.
const slow = 10 * time.Second

const reported = 5 // how many missing queries of a template a report names

// report begins to report the templates that have been waiting for long enough.
func (s *Set) report(now time.Time) {
	due := s.reports.PopAll(now)
	slices.SortFunc(due, func(a, b *state) int { return cmp.Compare(a.index, b.index) })
	for _, t := range due {
		if t.running { // the end of that plans another report
			s.events(event.Slow{Template: t.Name, Destination: t.Destination, Since: t.since})
			t.slowAt = now.Add(time.Minute)
			s.plan(t)
			continue
		}
		if !t.coalesce.until.IsZero() { // what it misses is to be known first
			t.coalesce.until = now
			s.plan(t)
			continue
		}
		t.waiting.reports++
		e := &event.Waiting{Template: t.Name, Destination: t.Destination, Since: t.waiting.since, For: t.waiting.queries(), Rendered: t.rendered}
		if n := len(e.For); n > reported {
			e.For, e.More = e.For[:reported], n-reported
		}
		for i, m := range e.For {
			state := s.state(m.Query.ID())
			e.For[i].Reason, e.For[i].Gone = whyMissing(m.Query, state), state.Answer.Last != nil
		}
		t.run(now)
		s.plan(t)
		s.begin([]*execution{{of: t, waiting: e}}, now)
	}
}

// Missing says what the templates wait for that have not been rendered, a line
// each. With local, a data file stands in for Consul.
func (s *Set) Missing(local bool) []string {
	var lines []string
	for _, t := range s.list {
		if t.rendered {
			continue
		}
		name, queries := cmp.Or(t.Destination, t.Name), t.waiting.queries()
		for _, m := range queries {
			lines = append(lines, fmt.Sprintf("%s needs %s: %s", name, m.Query.Describe(local), whyMissing(m.Query, s.state(m.Query.ID()))))
		}
		if len(queries) == 0 && t.failure.err != nil {
			lines = append(lines, t.failure.err.Error())
		}
	}
	return lines
}

// whyMissing says why there is no usable answer to q.
func whyMissing(q watch.Query, state *watch.State) string {
	if state.Failure != nil {
		if e, ok := state.Failure.Err.(*watch.Error); ok && e.Query == q { // which is told anyway
			return e.Err.Error()
		}
		return state.Failure.Err.Error()
	}
	switch {
	case !state.Known:
		return "no answer yet"
	case q.Kind == watch.KVGet, q.Kind == watch.NomadVarGet:
		return "it does not exist"
	default:
		return "it is empty"
	}
}

// A template that still lacks answers is not executed for each one that comes
// in: it would be in vain, a thousand times for a thousand keys. It is when the
// last has come; or, since what it asks may depend on those that it has, some
// time after the first. That time grows as long as it leads to no new question, and
// is long against what an execution takes.
const (
	leastCoalesce = 5 * time.Millisecond
	mostCoalesce  = 160 * time.Millisecond
)

// coalesce says when a template that got an answer is executed again.
type coalesce struct {
	outstanding int           // how many queries it uses that have neither an answer nor a failure
	used        int           // how many queries it used the last time
	delay       time.Duration // from the first news to the next execution
	until       time.Time     // when it is executed in any case; zero: there is no news
}

// begin notes that an execution begins. What changes from now on is news for the
// next one.
func (c *coalesce) begin() { c.until = time.Time{} }

// executed notes the end of an execution, which took so long.
func (c *coalesce) executed(outstanding, used int, took time.Duration) {
	c.delay = min(2*c.delay, mostCoalesce)
	if used > c.used || outstanding == 0 {
		c.delay = leastCoalesce
	}
	c.delay = max(c.delay, 4*took)
	c.outstanding, c.used = outstanding, used
}

// answered notes that a query has its first answer, or failed.
func (c *coalesce) answered() {
	if c.outstanding > 0 {
		c.outstanding--
	}
}

// changed notes that there is news at now.
func (c *coalesce) changed(now time.Time) {
	if c.until.IsZero() {
		c.until = now.Add(c.delay)
	}
}

// due tells whether there is news, and nothing to wait for.
func (c *coalesce) due() bool { return !c.until.IsZero() && c.outstanding == 0 }
