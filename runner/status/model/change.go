package model

import (
	"slices"
	"time"

	"restencil/renderer"
	"restencil/runner/event"
	"restencil/watch"
)

// steps are those of a change, in order.
var steps = [...]event.Step{"seen", "execute", event.Stage, event.Check, event.Swap, event.Reload, event.Verify, event.Rollback}

// Places in steps.
const (
	seen    = 0 // when the first answer came that led to the change
	execute = 1 // when the execution ended that led to it
	reload  = 5
)

const mostChanges = 256 // that are kept

// A change is one of a bundle.
type change struct {
	number     int
	bundle     string
	at         [len(steps)]time.Time // when each began; zero: it did not
	took       time.Duration         // the execution
	ended      time.Time             // zero: it is under way
	reason     string                // as in Cause
	causes     []watch.ID
	more       int
	outcome    string
	err        error
	generation int // as in event.BundleApplied
	files      []string
}

// step notes that a change of b comes to a step, which may be the first.
func (m *Model) step(now time.Time, b *bundleState, e event.Stepping) {
	switch {
	case e.Step == event.Applied:
		b.applied, b.settles = now, time.Time{}
		m.end(now, b, "applied", nil)
		return
	case e.Step == event.Stage:
		m.end(now, b, "replaced", nil)
		b.change = m.begin(b, e.Back)
		b.staged, b.settles = now, time.Time{}
	case b.change == nil: // a command that is run again, or for what another process left
		b.change = &change{bundle: b.Name, reason: "other"}
	}
	for i, s := range steps {
		if s == e.Step {
			b.change.at[i] = now
		}
	}
}

// begin returns a change of b, to which the executions have led since the one
// before.
func (m *Model) begin(b *bundleState, back bool) *change {
	c := &change{bundle: b.Name, reason: "other"}
	if back {
		c.reason = "rollback"
		return c
	}
	for _, t := range b.templates {
		switch {
		case !t.right.IsZero():
		case !t.added:
			c.reason = "start"
		case c.reason == "other":
			c.reason = "list"
		}
		if t.at.After(b.staged) {
			m.cause(c, t.executed.Causes, t.executed.More)
			if t.at.After(c.at[execute]) {
				c.at[execute], c.took = t.at, t.executed.Took
			}
		}
	}
	switch {
	case c.reason != "other":
	case len(c.causes) > 0:
		c.reason = "data"
	case b.failure.Err != nil && b.last != nil && c.at[execute].IsZero(): // once more
		c.reason, c.causes, c.more = b.last.reason, slices.Clip(b.last.causes), b.last.more
	}
	return c
}

// cause notes that new answers to these queries, and to some more, led to c.
func (m *Model) cause(c *change, queries []watch.ID, more int) {
	c.more += more
	for _, id := range queries {
		switch at := m.queries[id].Time; {
		case slices.Contains(c.causes, id):
			continue
		case c.at[seen].IsZero() || at.Before(c.at[seen]):
			c.at[seen] = at
		}
		if len(c.causes) < most {
			c.causes = append(c.causes, id)
		} else {
			c.more++
		}
	}
}

// render notes, in the change of its bundle that is under way, that the file of t
// is in place.
func (m *Model) render(t *templateState) {
	if t.bundle == nil || t.bundle.change == nil || t.rendered.Change == renderer.Unchanged {
		return
	}
	c := t.bundle.change
	c.files = append(c.files, t.Destination)
	m.cause(c, t.rendered.Causes, 0)
	switch {
	case t.rendered.Drifted:
		c.reason = "drift"
	case t.rendered.Removed && c.reason == "other":
		c.reason = "list"
	}
}

// end notes the end of the change of b that is under way, if there is one. What
// changed no file, ran no command and did not fail is not kept.
func (m *Model) end(now time.Time, b *bundleState, outcome string, err error) {
	if b == nil || b.change == nil {
		return
	}
	c := b.change
	b.change = nil
	if len(c.files) == 0 && err == nil && c.at[reload].IsZero() {
		return
	}
	c.ended, c.outcome, c.err = now, outcome, err
	b.last = c
	c.number = 1
	if n := len(m.changes); n > 0 {
		c.number += m.changes[n-1].number
	}
	m.changes = append(m.changes, c) // beyond what a copy has
	m.changes = m.changes[max(0, len(m.changes)-mostChanges):]
	if m.listener != nil {
		m.listener.Changed(m.change(c))
	}
}
