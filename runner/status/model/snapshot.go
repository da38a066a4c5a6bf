package model

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"sort"
	"time"

	"restencil/runner/event"
	"restencil/runner/status"
	"restencil/watch"
)

// Snapshot returns the state at now. The inspections are what the sources say of
// themselves, nil for nothing.
func (m *Model) Snapshot(now time.Time, inspections map[watch.Store]watch.Inspection) status.Status {
	return m.status(now, inspections, false)
}

// Overview is Snapshot with only those queries that fail. It costs a part of that
// where there are thousands.
func (m *Model) Overview(now time.Time, inspections map[watch.Store]watch.Inspection) status.Status {
	return m.status(now, inspections, true)
}

// status returns the state at now; with failing, only those queries that fail.
func (m *Model) status(now time.Time, inspections map[watch.Store]watch.Inspection, failing bool) status.Status {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.takeIn()
	f := &m.facts
	s := status.Status{
		Time: now, Began: f.began, Ready: f.ready,
		Problems: []status.Problem{}, Bundles: []status.Bundle{}, Queries: []status.Query{}, Leases: []status.Lease{}, Changes: []status.Change{},
	}
	for _, b := range f.bundles {
		s.Bundles = append(s.Bundles, f.bundle(b))
	}
	for _, c := range slices.Backward(f.changes) {
		s.Changes = append(s.Changes, f.change(c))
	}
	kept := make(map[watch.ID]string)
	for store, i := range inspections {
		maps.Copy(kept, i.Kept)
		for _, l := range i.Leases {
			s.Leases = append(s.Leases, f.lease(store, l))
		}
	}
	for id, q := range f.queries {
		if !q.Ends.IsZero() {
			s.Leases = append(s.Leases, f.lease(id.Value().Store(), watch.Lease{Query: id, Ends: q.Ends}))
		}
		if !failing || q.Failure != nil {
			s.Queries = append(s.Queries, f.query(q, kept[id]))
		}
	}
	setUsers(&s)
	// slices.SortFunc is compiled again for each type, 25 KB for one of this size.
	sort.Slice(s.Queries, func(i, j int) bool {
		a, b := &s.Queries[i], &s.Queries[j]
		return cmp.Or(cmp.Compare(a.Store, b.Store), cmp.Compare(a.Query, b.Query)) < 0
	})
	sort.Slice(s.Leases, func(i, j int) bool {
		a, b := &s.Leases[i], &s.Leases[j]
		return cmp.Or(a.Ends.Compare(b.Ends), cmp.Compare(a.Query, b.Query)) < 0
	})
	s.Stores = f.stores(inspections)
	s.Child = f.child.snapshot()
	s.SetProblems(f.journal, f.config.err, f.config.since)
	return s
}

// setUsers fills in which templates use each query.
func setUsers(s *status.Status) {
	if len(s.Queries) == 0 {
		return
	}
	queries := make(map[string]*status.Query, len(s.Queries))
	for i := range s.Queries {
		queries[s.Queries[i].Query] = &s.Queries[i]
	}
	for _, b := range s.Bundles {
		for _, t := range b.Templates {
			for _, name := range t.Queries {
				if q := queries[name]; q != nil {
					q.Templates = append(q.Templates, cmp.Or(t.Destination, t.Name))
				}
			}
		}
	}
}

// bundle returns b, in the state that says most: what is wrong with it first.
func (f *facts) bundle(b *bundleState) status.Bundle {
	out := status.Bundle{Name: b.Name, Named: b.Named, State: status.Applied, Since: b.applied, Applied: b.applied, Reload: b.Reload, Templates: []status.Template{}}
	var waits, fails *status.Template // the first that does; waits rather for data
	var failed event.Failed
	var loaded time.Time
	for _, t := range b.templates {
		out.Templates = append(out.Templates, f.templateOf(t))
		if !b.List && !t.rendered.Removed {
			out.Files++
		}
	}
	for i := range out.Templates {
		switch t := &out.Templates[i]; {
		case t.Error != "" && fails == nil:
			fails, failed = t, b.templates[i].failed
		case waits == nil && t.Rendered.IsZero(), len(t.Waits) > 0 && (waits == nil || len(waits.Waits) == 0):
			waits, loaded = t, b.templates[i].loaded
		}
	}
	c := cmp.Or(b.change, b.last)
	if c != nil {
		last := f.change(c)
		out.Last = &last
	}
	switch {
	case b.hasTurn:
		out.Turn = "own"
	case b.turn.Rolling != "":
		out.Turn = "waiting"
	case b.Rolling:
		out.Turn = "none"
	}
	switch {
	case b.change != nil && b.failure.Err == nil:
		at := last(b.change)
		out.State, out.Since, out.Step = status.Changing, b.change.at[at], string(steps[at])
	case b.held.Reason != "":
		out.State, out.Since, out.Why, out.Accept = status.Held, b.heldSince, b.held.Reason, true
		setFailure(&out, b)
	case b.failure.Err != nil:
		out.State, out.Since, out.Why = status.Failed, b.failing, b.failure.Err.Error()
		if b.failure.RolledBack {
			out.State = status.RolledBack
		}
		setFailure(&out, b)
		out.Accept = b.failure.Step == event.Check || b.failure.Step == event.Verify
	case fails != nil:
		out.State, out.Since, out.Why, out.Attempt, out.NextAt = status.Failed, fails.Since, fails.Error, fails.Attempt, fails.NextAt
		out.Step = cmp.Or(string(failed.Step), string(steps[execute]))
	case waits != nil && (len(waits.Waits) > 0 || b.turn.Rolling == ""):
		out.State, out.Since = status.Waiting, cmp.Or(waits.Since, loaded)
		if len(waits.Waits) > 0 {
			out.Why = waits.Waits[0].Name + ": " + waits.Waits[0].Reason
		}
	case b.turn.Rolling != "":
		out.State, out.Since, out.Why = status.Settling, b.settling, "it waits for its turn: "+b.turn.Rolling
		if b.turn.Holders != "" {
			out.Why += "; it is that of " + b.turn.Holders
		}
		if b.turn.Err != nil {
			out.Why, out.Stuck = b.turn.Err.Error(), true
		}
	case !b.settles.IsZero():
		out.State, out.Since, out.NextAt = status.Settling, b.settling, b.settles
	}
	return out
}

func setFailure(out *status.Bundle, b *bundleState) {
	f := b.failure
	if f.Err != nil {
		out.Step, out.Output, out.Attempt, out.NextAt, out.Kept = string(f.Step), f.Output, f.Attempt, b.retry, f.Kept
		if b.change != nil { // that attempt is under way
			out.NextAt = time.Time{}
		}
	}
}

func (f *facts) templateOf(t *templateState) status.Template {
	out := status.Template{
		Name: t.Template, Destination: t.Destination,
		Executed: t.at, Took: t.executed.Took.Seconds(), Rendered: t.right, Since: t.slow,
		Queries: []string{},
	}
	out.More = max(0, len(t.executed.Missing)-most)
	if r := t.rendered; !t.right.IsZero() {
		out.Cause = f.causeOf("other", r.Causes, r.More)
		switch {
		case r.Drifted:
			out.Cause.Reason = "drift"
		case len(r.Causes) > 0:
			out.Cause.Reason = "data"
		case r.Removed, r.First && t.added:
			out.Cause.Reason = "list"
		case r.First:
			out.Cause.Reason = "start"
		}
	}
	for _, id := range firstOf(t.executed.Missing) {
		up := f.queries[id]
		w := f.missing(t, id, up.Version > 0, up.Failure)
		w.Fails = up.Failure != nil || up.Version == 0
		out.Waits, out.Since = append(out.Waits, w), t.executed.Waits.Since
	}
	for _, id := range firstOf(t.executed.Gone) {
		out.WouldWait = append(out.WouldWait, f.missing(t, id, true, nil))
	}
	for _, id := range t.executed.Gone {
		out.Gone = append(out.Gone, id.Value().String())
	}
	if f := t.failed; f.Err != nil {
		out.Error, out.Attempt, out.Since = f.Err.Error(), f.Attempt, t.failing
		if f.RetryIn > 0 {
			out.NextAt = t.failedAt.Add(f.RetryIn)
		}
	}
	if t.exposed {
		out.Warnings = append(out.Warnings, "it holds secrets, and everybody on this machine can read it")
	}
	if t.unstable {
		out.Warnings = append(out.Warnings, "its output differs each time, without new data")
	}
	for _, id := range t.executed.Used {
		out.Queries = append(out.Queries, id.Value().String())
	}
	return out
}

// missing returns a query that t misses, with what the last report of that says.
func (f *facts) missing(t *templateState, id watch.ID, known bool, failure *watch.Failure) status.Missing {
	out := status.Missing{Query: id.Value().String(), Name: f.name(id), Since: t.executed.Waits.Of(id)}
	out.Reason = event.WhyMissing(id.Value(), known, failure)
	for _, m := range t.waiting.For {
		if m.Query.ID() == id && m.At.Name != "" {
			out.At = m.At.String()
		}
	}
	return out
}

func (f *facts) causeOf(reason string, queries []watch.ID, more int) status.Cause {
	c := status.Cause{Reason: reason, More: more}
	for _, id := range queries {
		c.Queries = append(c.Queries, id.Value().String())
		c.Names = append(c.Names, f.name(id))
	}
	return c
}

// name returns what a query asks for, in plain words.
func (f *facts) name(id watch.ID) string { return id.Value().Describe(f.local != "") }

func (f *facts) change(c *change) status.Change {
	out := status.Change{
		Number: c.number, Bundle: c.bundle, Cause: f.causeOf(c.reason, c.causes, c.more),
		Outcome: c.outcome, Generation: c.generation, Files: slices.Clone(c.files), Steps: []status.Step{},
	}
	if c.err != nil {
		out.Error = c.err.Error()
	}
	for i, at := range c.at {
		if at.IsZero() {
			continue
		}
		if n := len(out.Steps); n > 0 && i > execute+1 { // one ends where the next begins
			out.Steps[n-1].Took = at.Sub(out.Steps[n-1].At).Seconds()
		}
		out.Steps = append(out.Steps, status.Step{Name: string(steps[i]), At: at})
		if i == execute {
			out.Steps[len(out.Steps)-1].Took = c.took.Seconds()
		}
	}
	if n := len(out.Steps); n > 0 {
		out.Began = out.Steps[0].At
		if !c.ended.IsZero() {
			if last(c) > execute {
				out.Steps[n-1].Took = c.ended.Sub(out.Steps[n-1].At).Seconds()
			}
			out.Took = c.ended.Sub(out.Began).Seconds()
		}
	}
	return out
}

// last returns the place in steps of the newest step of c.
func last(c *change) int {
	for i := len(c.at) - 1; i > 0; i-- {
		if !c.at[i].IsZero() {
			return i
		}
	}
	return 0
}

func (f *facts) query(up event.Update, kept string) status.Query {
	q := up.Query.Value()
	out := status.Query{
		Query: q.String(), Name: f.name(up.Query), Store: f.store(q.Store()), Part: q.Part(), Kept: kept,
		Answered: up.Time, Answers: up.Version, Index: up.Index, Size: up.Size, Templates: []string{},
	}
	failure := up.Failure
	switch {
	case failure != nil:
		out.State, out.Failing, out.Attempts = "failing", failure.Since, failure.Attempts
	case up.Version > 0:
		out.State = "current"
	default:
		out.State = "unanswered"
	}
	if old, failed := f.ended[up.Query]; failed && failure == nil {
		failure = &old
	}
	if failure != nil {
		out.Error = event.WhyMissing(q, true, failure)
	}
	return out
}

// store returns what people call a store.
func (f *facts) store(s watch.Store) string {
	if s == watch.Consul && f.local != "" {
		return f.local
	}
	return string(s)
}

func (f *facts) lease(store watch.Store, l watch.Lease) status.Lease {
	out := status.Lease{Name: "the Vault token", Ends: l.Ends, Next: l.Next, Renew: l.Renew}
	if _, cluster := store.Split(); cluster != "" {
		out.Name = "the token of " + string(store)
	}
	if l.Query != (watch.ID{}) {
		out.Query, out.Name = l.Query.Value().String(), f.name(l.Query)
		if f := f.queries[l.Query].Failure; f != nil {
			out.Error = event.WhyMissing(l.Query.Value(), true, f)
		}
	}
	return out
}

func (f *facts) stores(inspections map[watch.Store]watch.Inspection) []status.Store {
	byName := make(map[string]*status.Store)
	get := func(name string) *status.Store {
		if byName[name] == nil {
			byName[name] = &status.Store{Name: name, State: "unknown"}
		}
		return byName[name]
	}
	for id, q := range f.queries {
		s := get(f.store(id.Value().Store()))
		s.Queries++
		if q.Failure != nil {
			s.Failing++
		}
		if q.Version > 0 || q.Failure != nil && watch.Classify(q.Failure.Err) != watch.Retry && !errors.Is(q.Failure.Err, watch.ErrNotConfigured) {
			s.State = "answering" // a refusal is an answer
		}
	}
	for store, i := range inspections {
		if s := byName[f.store(store)]; s != nil {
			s.Counts = i.Counts
		}
	}
	for p, o := range f.outages {
		s := get(string(p.store))
		if p.part != "" {
			s.Parts = append(s.Parts, status.Part{Name: p.part, Since: o.since, Error: reason(o.err)})
			continue
		}
		s.State, s.Since, s.Error = "away", o.since, reason(o.err)
	}
	all := []status.Store{}
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		s := byName[name]
		sort.Slice(s.Parts, func(i, j int) bool { return s.Parts[i].Name < s.Parts[j].Name })
		all = append(all, *s)
	}
	return all
}

// reason returns an error without the query that met it: others meet it, too.
func reason(err error) string {
	if e, ok := err.(*watch.Error); ok {
		err = e.Err
	}
	return err.Error()
}

func (c childState) snapshot() *status.Child {
	if c.command == nil || c.last && c.state == "ended" {
		return nil
	}
	out := &status.Child{Command: c.command, State: c.state, Since: c.since, Process: c.process}
	if c.state == "ended" {
		out.Why = c.ended.Exit()
		if c.ended.RetryIn > 0 {
			out.NextAt = c.since.Add(c.ended.RetryIn)
		}
	}
	return out
}
