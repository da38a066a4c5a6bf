package model

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"restencil/renderer"
	"restencil/runner/event"
	"restencil/runner/status"
	"restencil/template"
	"restencil/watch"
)

var (
	start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	key   = watch.Query{Kind: watch.KVGet, Name: "app/port"}.ID()
	web   = event.Output{Template: "web.ctmpl", Destination: "/etc/web"}
	api   = event.Output{Template: "api.ctmpl", Destination: "/etc/api"}
	errNo = errors.New("no")
)

// newModel returns the model of a named bundle "web" and a plain template "/etc/api",
// with one key that both use.
func newModel(reload ...string) *Model {
	m := New(start)
	m.Apply(start, event.Loaded{Templates: []event.Output{web, api}})
	m.Apply(start, event.Planned{Bundles: []event.Bundle{
		{Name: "web", Named: true, Members: []event.Output{web}, Reload: reload},
		{Name: "/etc/api", Members: []event.Output{api}, Reload: reload},
	}})
	m.Apply(start, event.Watched{Added: []watch.ID{key}})
	return m
}

// at is a moment so many seconds after the start.
func at(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }

// since is that the key is missing since so many seconds after the start.
func since(seconds int) event.Waits {
	return event.Waits{Since: at(seconds)}
}

func executed(o event.Output, e event.Executed) event.Executed {
	e.Template, e.Destination, e.Used = o.Template, o.Destination, []watch.ID{key}
	return e
}

func rendered(o event.Output) event.Rendered {
	return event.Rendered{Template: o.Template, Destination: o.Destination, Change: renderer.Replaced}
}

func stepping(bundle string, step event.Step) event.Stepping {
	return event.Stepping{Bundles: []string{bundle}, Step: step}
}

// Each case applies events, one a second, and looks at bundle "web" 100 s after the
// start.
func TestBundle(t *testing.T) {
	up := event.Updated{Updates: []event.Update{{Query: key, Version: 1, Time: start, Size: 4}}}
	good := []event.Event{up, executed(web, event.Executed{}), stepping("web", event.Stage), stepping("web", event.Swap), rendered(web)}
	with := func(more ...event.Event) []event.Event { return append(good[:len(good):len(good)], more...) }
	failed := event.BundleFailed{Bundle: "web", Step: event.Check, Err: errors.New("unknown directive\nmore"), Attempt: 1, RetryIn: 200 * time.Second}
	for _, tt := range []struct {
		name   string
		events []event.Event
		state  status.State
		line   string
		do     string // what it contains
	}{
		{"nothing yet", nil, status.Waiting, "web: waiting since 1m40s: web.ctmpl is not rendered yet", "explain web"},
		{
			"a key that does not exist",
			[]event.Event{
				event.Updated{Updates: []event.Update{{Query: key, Version: 1}}},
				executed(web, event.Executed{Missing: []watch.ID{key}, Waits: since(1)}),
				event.Waiting{Template: web.Template, Destination: web.Destination, For: []event.Missing{{Query: key.Value(), Since: at(1), At: template.Position{Name: "web.ctmpl", Line: 3, Column: 4}}}},
			},
			status.Waiting, "web: waiting since 1m39s for consul key app/port: it does not exist", "web.ctmpl:3:4",
		},
		{
			"a key that is refused",
			[]event.Event{
				event.Updated{Updates: []event.Update{{Query: key, Failure: &watch.Failure{Err: errors.New("403"), Since: start, Attempts: 1}}}},
				executed(web, event.Executed{Missing: []watch.ID{key}, Waits: since(1)}),
				event.Waiting{Template: web.Template, Destination: web.Destination, For: []event.Missing{{Query: key.Value(), Since: at(1), At: template.Position{Name: "web.ctmpl", Line: 3, Column: 4}}}},
			},
			status.Waiting, "web: waiting since 1m39s for consul key app/port: 403", "web.ctmpl:3:4 asks for it; retrying: check that it exists, that the store is up and that the token may read it",
		},
		{"under way", good[:3], status.Changing, "web: a change is under way since 1m38s: stage", ""},
		{"applied", with(event.BundleApplied{Bundle: "web"}), status.Applied, "web: applied 1m35s ago", ""},
		{"in step already", with(stepping("web", event.Applied)), status.Applied, "web: applied 1m35s ago", ""},
		{"settling", with(event.BundleApplied{Bundle: "web"}, event.Settling{Bundle: "web", Until: at(110)}), status.Settling, "web: a change waits until its data is quiet, 10s more", ""},
		{"taken back", with(event.BundleApplied{Bundle: "web"}, event.Settling{Bundle: "web", Until: at(110)}, event.Settling{Bundle: "web"}), status.Applied, "web: applied 1m35s ago", ""},
		{"check failed", with(failed), status.Failed, "web: check failed: unknown directive", "attempt 2 is made in 1m45s"},
		{"tried again", with(failed, stepping("web", event.Stage), stepping("web", event.Check)), status.Failed, "web: check failed: unknown directive", "the files stay as they are; attempt 2 is under way"},
		{"held", with(failed, event.BundleHeld{Bundle: "web", Reason: "check failed: no", Rejected: true}), status.Held, "web: change held since 1m34s: check failed: no", "restencil accept web"},
		{"held by a guard", with(event.BundleApplied{Bundle: "web"}, event.BundleHeld{Bundle: "web", Reason: "it would be empty"}), status.Held, "web: change held since 1m34s: it would be empty", "restencil accept web"},
		{
			"another change is held", with(event.BundleApplied{Bundle: "web"}, event.BundleHeld{Bundle: "web", Reason: "it would be empty"}, event.BundleHeld{Bundle: "web", Reason: "it would have 1 line"}),
			status.Held, "web: change held since 1m33s: it would have 1 line", "restencil accept web",
		},
		{"released", with(event.BundleApplied{Bundle: "web"}, event.BundleHeld{Bundle: "web", Reason: "it would be empty"}, event.BundleReleased{Bundle: "web"}, event.BundleApplied{Bundle: "web"}), status.Applied, "web: applied 1m32s ago", ""},
		{
			"rolled back", with(stepping("web", event.Verify), event.BundleFailed{Bundle: "web", Step: event.Verify, Err: errNo, RolledBack: true, Attempt: 1}),
			status.RolledBack, "web: verify failed, and the old files are back: no", "restencil diff web",
		},
		{
			"the first change waits for its turn", append(good[:2:2], event.WaitsForTurn{Bundle: "web", Rolling: "at most 1"}),
			status.Settling, "web: a change has waited since 1m38s: it waits for its turn: at most 1", "",
		},
		{
			"it is the turn of others", append(good[:2:2], event.WaitsForTurn{Bundle: "web", Rolling: "at most 1"}, event.WaitsForTurn{Bundle: "web", Rolling: "at most 1", Holders: "a, b"}),
			status.Settling, "web: a change has waited since 1m38s: it waits for its turn: at most 1; it is that of a, b", "",
		},
		{"it is its turn", with(event.BundleApplied{Bundle: "web"}, event.WaitsForTurn{Bundle: "web", Rolling: "at most 1"}, event.WaitsForTurn{Bundle: "web", Over: true}), status.Applied, "web: applied 1m35s ago", ""},
		{"others could not be stopped", with(event.BundleApplied{Bundle: "web"}, event.WaitsForTurn{Bundle: "web", Rolling: "at most 1", Err: errNo}), status.Applied, "web: applied 1m35s ago", ""},
		{
			"it cannot ask for its turn", with(event.BundleApplied{Bundle: "web"}, event.WaitsForTurn{Bundle: "web", Rolling: "at most 1"}, event.WaitsForTurn{Bundle: "web", Rolling: "at most 1", Err: errNo, RetryIn: time.Second}),
			status.Settling, "web: a change has waited since 1m34s: no", "that its token may write sessions",
		},
		{"the template fails", []event.Event{event.Failed{Template: web.Template, Destination: web.Destination, Err: errNo, Attempt: 1, RetryIn: 101 * time.Second}}, status.Failed, "web: not rendered: no", "attempt 2 is made in 1s"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := newModel("reload")
			for i, e := range tt.events {
				m.Apply(at(i), e)
			}
			s := m.Snapshot(at(100), nil)
			b := s.Bundles[0]
			if b.State != tt.state || b.Line(s.Time) != tt.line || !strings.Contains(b.Do(s.Time), tt.do) {
				t.Errorf("%q\n%s\n%s\nwant %q\n%s\n%s", b.State, b.Line(s.Time), b.Do(s.Time), tt.state, tt.line, tt.do)
			}
		})
	}
}

// A bundle that gets elements later waits since then, for the element that lacks data.
func TestNewElementsWait(t *testing.T) {
	m := newModel()
	m.Apply(at(1), rendered(web))
	complete, lacking := event.Output{Template: "e", Destination: "/etc/e/1"}, event.Output{Template: "e", Destination: "/etc/e/2"}
	m.Apply(at(40), event.Loaded{Templates: []event.Output{web, complete, lacking}})
	m.Apply(at(40), event.Planned{Bundles: []event.Bundle{{Name: "web", Named: true, Members: []event.Output{web, complete, lacking}}}})
	line := func() string {
		s := m.Snapshot(at(100), nil)
		return s.Bundles[0].Line(s.Time)
	}
	if got, want := line(), "web: waiting since 1m0s: e for /etc/e/1 is not rendered yet"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	m.Apply(at(41), executed(complete, event.Executed{}))
	m.Apply(at(42), event.Slow{Template: lacking.Template, Destination: lacking.Destination, Since: at(40)})
	if got, want := line(), "web: waiting since 1m0s: e for /etc/e/2 is being executed since 1m0s"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	m.Apply(at(41), event.Updated{Updates: []event.Update{{Query: key, Version: 1}}})
	m.Apply(at(41), executed(lacking, event.Executed{Missing: []watch.ID{key}, Waits: since(41)}))
	if got, want := line(), "web: waiting since 59s for consul key app/port: it does not exist"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// A turn is seen by who looks again, too, and is a problem where it cannot be had.
func TestTurnIsSeen(t *testing.T) {
	m := newModel("reload")
	m.Apply(start, event.Planned{Bundles: []event.Bundle{{Name: "web", Named: true, Members: []event.Output{web}, Rolling: true}}})
	for _, e := range []event.Event{executed(web, event.Executed{}), stepping("web", event.Stage), rendered(web), event.BundleApplied{Bundle: "web"}} {
		m.Apply(start, e)
	}
	for i, want := range []string{
		"it waits for its turn: at most 1", "no", "", "",
	} {
		e := event.WaitsForTurn{Bundle: "web", Rolling: "at most 1"}
		switch i {
		case 1:
			e.Err, e.RetryIn = errNo, time.Second
		case 2:
			e.Over, e.Has = true, true
		case 3:
			e.Over = true
		}
		m.Apply(at(2), e)
		s := m.Overview(at(3), nil)
		if got := s.Bundles[0].Why; got != want {
			t.Errorf("%+v: the bundle waits because %q, want %q", e, got, want)
		}
		if got, want := s.Bundles[0].Turn, []string{"waiting", "waiting", "own", "none"}[i]; got != want {
			t.Errorf("%+v: the turn is %q, want %q", e, got, want)
		}
		told := slices.ContainsFunc(s.Problems, func(p status.Problem) bool { return p.Bundle == "web" })
		if told != (e.Err != nil) {
			t.Errorf("%+v: the problems are %+v", e, s.Problems)
		}
	}
}

// What to do where the file of a plain template cannot be written.
func TestUnwritable(t *testing.T) {
	m := newModel()
	m.Apply(at(1), event.Failed{Template: api.Template, Destination: api.Destination, Step: event.Stage, Err: errors.New("no space left"), Attempt: 1})
	s := m.Snapshot(at(2), nil)
	b := s.Bundles[1]
	if line, do := b.Line(s.Time), b.Do(s.Time); line != "/etc/api: not rendered: no space left" || !strings.Contains(do, "check that its directory is writable and has room") {
		t.Errorf("%s\n%s", line, do)
	}
}

// A change of a plain template goes on until its command has been run, and its
// steps and causes are known.
func TestTimeline(t *testing.T) {
	m := newModel("reload", "-x")
	m.Apply(at(0), event.Updated{Updates: []event.Update{{Query: key, Version: 1, Time: at(0)}}})
	m.Apply(at(1), executed(api, event.Executed{Took: time.Second, Causes: []watch.ID{key}}))
	first := rendered(api)
	first.Causes = []watch.ID{key}
	m.Apply(at(2), stepping("/etc/api", event.Stage))
	m.Apply(at(3), stepping("/etc/api", event.Swap))
	m.Apply(at(4), first)
	m.Apply(at(5), event.CommandStarted{Args: []string{"reload", "-x"}, Files: []string{"/etc/api"}})
	if b := m.Snapshot(at(6), nil).Bundles[1]; b.State != status.Changing || b.Step != "reload" {
		t.Errorf("while the command runs the state is %q, %q", b.State, b.Step)
	}
	m.Apply(at(7), event.CommandDone{Args: []string{"reload", "-x"}, Files: []string{"/etc/api"}})
	s := m.Snapshot(at(8), nil)
	if len(s.Changes) != 1 {
		t.Fatalf("%d changes, want 1", len(s.Changes))
	}
	c, text := s.Changes[0], ""
	for _, step := range c.Steps {
		text += step.Name + " " + time.Duration(step.Took*1e9).String() + " "
	}
	if want := "seen 0s execute 1s stage 1s swap 2s reload 2s "; text != want {
		t.Errorf("steps %q, want %q", text, want)
	}
	if c.Outcome != "applied" || c.Took != 7 || len(c.Cause.Queries) != 1 || c.Cause.Queries[0] != "kv.get(app/port)" || len(c.Files) != 1 {
		t.Errorf("%+v", c)
	}

	// What changes nothing is no change.
	m.Apply(at(9), stepping("/etc/api", event.Stage))
	m.Apply(at(9), stepping("/etc/api", event.Swap))
	m.Apply(at(9), stepping("/etc/api", event.Applied))
	if n := len(m.Snapshot(at(9), nil).Changes); n != 1 {
		t.Errorf("%d changes, want 1", n)
	}

	// A failed command is the bundle's failure, until it succeeds.
	m.Apply(at(10), event.CommandFailed{Args: []string{"reload", "-x"}, Files: []string{"/etc/api"}, Err: errNo, Attempt: 1, RetryIn: time.Minute})
	if b := m.Snapshot(at(11), nil).Bundles[1]; b.State != status.Failed || b.Step != "reload" || !b.NextAt.Equal(at(70)) {
		t.Errorf("%+v", b)
	}
	m.Apply(at(70), event.CommandStarted{Files: []string{"/etc/api"}})
	m.Apply(at(71), event.CommandDone{Files: []string{"/etc/api"}})
	if s := m.Snapshot(at(72), nil); s.Bundles[1].State != status.Applied || len(s.Changes) != 2 {
		t.Errorf("%+v", s.Bundles[1])
	}
}

// A change that is under way while its bundle gets other elements, or another
// configuration, has its own causes and steps, and the next one has its own.
func TestTimelineOfAReplacedBundle(t *testing.T) {
	m := newModel("reload")
	other := watch.Query{Kind: watch.KVGet, Name: "other"}.ID()
	m.Apply(at(0), event.Watched{Added: []watch.ID{other}})
	m.Apply(at(1), event.Updated{Updates: []event.Update{{Query: other, Version: 1, Time: at(1)}}})
	m.Apply(at(1), executed(web, event.Executed{Causes: []watch.ID{other}}))
	m.Apply(at(2), stepping("web", event.Stage))
	m.Apply(at(3), stepping("web", event.Reload))
	element := event.Output{Template: "e", Destination: "/etc/e/1"}
	m.Apply(at(4), event.Loaded{Templates: []event.Output{web, element}})
	m.Apply(at(4), event.Planned{Bundles: []event.Bundle{{Name: "web", Named: true, Members: []event.Output{web, element}}}})
	m.Apply(at(5), rendered(web))
	m.Apply(at(5), event.BundleApplied{Bundle: "web"})
	m.Apply(at(6), event.Updated{Updates: []event.Update{{Query: key, Version: 1, Time: at(6)}}})
	m.Apply(at(6), executed(element, event.Executed{Causes: []watch.ID{key}}))
	m.Apply(at(7), stepping("web", event.Stage))
	m.Apply(at(8), rendered(element))
	m.Apply(at(8), event.BundleApplied{Bundle: "web"})
	for i, want := range []string{"2s for kv.get(app/port)", "4s for kv.get(other)"} {
		c := m.Snapshot(at(9), nil).Changes[i]
		if got := fmt.Sprintf("%vs for %s", c.Took, strings.Join(c.Cause.Queries, ", ")); got != want {
			t.Errorf("change %d: %s, want %s", i, got, want)
		}
	}
}

// What a file is made of and has gone is a problem, for a restart would wait for it.
func TestGone(t *testing.T) {
	m := newModel()
	both := []event.Output{web, api}
	for _, o := range both {
		m.Apply(at(1), executed(o, event.Executed{}))
		m.Apply(at(1), rendered(o))
	}
	if s := m.Snapshot(at(2), nil); !s.Well {
		t.Fatalf("%+v", s.Problems)
	}
	m.Apply(at(3), executed(web, event.Executed{Gone: []watch.ID{key}, Waits: since(3)}))
	m.Apply(at(4), event.Waiting{Template: web.Template, Destination: web.Destination, For: []event.Missing{{Query: key.Value(), Since: at(3), At: template.Position{Name: "web.ctmpl", Line: 3, Column: 4}, Gone: true}}, Rendered: true})
	m.Apply(at(5), executed(web, event.Executed{Gone: []watch.ID{key}, Waits: since(3)}))
	want := status.Problem{
		Bundle: "web", Since: at(3),
		Line: "/etc/web: needs consul key app/port, which has gone since 7s: it does not exist",
		Do:   "the file stays as it is, but a restart would wait for it; web.ctmpl:3:4 asks for it: add it to the store, or give the template a default; see: restencil explain web",
	}
	for i, s := range []status.Status{m.Snapshot(at(10), nil), m.Overview(at(10), nil)} {
		if len(s.Problems) != 1 || s.Problems[0] != want || s.Well || s.Bundles[0].State != status.Applied {
			t.Errorf("%d: %+v", i, s.Problems)
		}
	}
	m.Apply(at(11), executed(web, event.Executed{}))
	if s := m.Overview(at(12), nil); !s.Well {
		t.Errorf("it is back, but %+v", s.Problems)
	}
}

// The timeline is bounded.
func TestTimelineIsBounded(t *testing.T) {
	m := newModel()
	for i := range 1000 {
		m.Apply(at(i), stepping("web", event.Stage))
		m.Apply(at(i), rendered(web))
		m.Apply(at(i), event.BundleApplied{Bundle: "web"})
	}
	s := m.Snapshot(at(1000), nil)
	if n := len(s.Changes); n != 256 || s.Changes[0].Number != 1000 || s.Changes[255].Number != 745 {
		t.Errorf("%d changes, from %d to %d", n, s.Changes[0].Number, s.Changes[n-1].Number)
	}
}

// Stores, queries and leases.
func TestStores(t *testing.T) {
	m := newModel()
	m.Apply(at(1), event.Updated{Updates: []event.Update{{Query: key, Version: 1, Index: 7, Time: at(1), Size: 4}}})
	secret := watch.Query{Kind: watch.VaultRead, Name: "none"}.ID()
	m.Apply(at(1), event.Watched{Added: []watch.ID{secret}})
	if st := m.Snapshot(at(1), nil).Stores[1]; st.State != "unknown" {
		t.Errorf("%+v: nobody has answered", st)
	}
	failure := &watch.Failure{Err: &watch.Error{Query: key.Value(), Err: errors.New("refused")}, Since: at(2), Attempts: 3}
	m.Apply(at(2), event.Updated{Updates: []event.Update{{Query: key, Version: 1, Index: 7, Time: at(1), Size: 4, Failure: failure}}})
	m.Apply(at(2), event.StoreAway{Store: watch.Consul, Err: failure.Err})
	s := m.Snapshot(at(10), map[watch.Store]watch.Inspection{watch.Consul: {
		Kept: map[watch.ID]string{key: "a blocking query of its own"}, Counts: watch.Counts{Requests: 5},
		Leases: []watch.Lease{{Query: key, Ends: at(60)}},
	}})
	if q := s.Queries[0]; q.State != "failing" || q.Kept != "a blocking query of its own" || q.Error != "refused" || q.Index != 7 || q.Size != 4 || q.Attempts != 3 {
		t.Errorf("%+v", q)
	}
	refusal := &watch.Failure{Err: &watch.Error{Query: key.Value(), Class: watch.Denied, Err: errors.New("no secret exists")}}
	m.Apply(at(2), event.Updated{Updates: []event.Update{{Query: secret, Failure: refusal}}})
	if st := m.Snapshot(at(10), nil).Stores[1]; st.State != "answering" || st.Failing != 1 {
		t.Errorf("%+v: who refuses has answered", st)
	}
	m.Apply(at(2), event.Watched{Dropped: []watch.ID{secret}})
	if st := s.Stores[0]; st.State != "away" || st.Requests != 5 || st.Queries != 1 || st.Failing != 1 {
		t.Errorf("%+v", st)
	}
	if line, want := s.Problems[0].Line, "consul: no answers since 8s: refused"; s.Well || line != want {
		t.Errorf("%q, want %q", line, want)
	}
	m.Apply(at(20), event.JournalFailed{Err: errNo})
	if s := m.Snapshot(at(20), nil); !strings.Contains(s.Problems[len(s.Problems)-1].Line, "state directory: no") {
		t.Errorf("%+v", s.Problems)
	}
	m.Apply(at(20), event.JournalRecovered{})
	m.Apply(at(20), event.StoreBack{Store: watch.Consul})
	m.Apply(at(20), event.Updated{Updates: []event.Update{{Query: key, Version: 2, Time: at(20)}}})
	s = m.Snapshot(at(30), nil)
	if len(s.Problems) != 2 { // that the two bundles wait
		t.Errorf("%+v", s.Problems)
	}
	if q := s.Queries[0]; q.State != "current" || q.Error != "refused" || s.Stores[0].State != "answering" {
		t.Errorf("%+v, %+v: the last error stays", q, s.Stores[0])
	}
}

// What is taken in while nobody looks costs no memory.
func TestApplyAllocatesNothing(t *testing.T) {
	m := newModel()
	var events []event.Event
	events = append(events,
		event.Updated{Updates: []event.Update{{Query: key, Version: 1, Time: start}}},
		executed(web, event.Executed{}),
		event.Settling{Bundle: "web", Until: at(5)},
	)
	n := testing.AllocsPerRun(100, func() {
		for _, e := range events {
			m.Apply(start, e)
		}
	})
	if n > 0 {
		t.Errorf("%v allocations for %d events", n, len(events))
	}
}

func BenchmarkApply(b *testing.B) {
	m := newModel("reload")
	events := []event.Event{
		event.Updated{Updates: []event.Update{{Query: key, Version: 1, Time: start}}},
		executed(web, event.Executed{Causes: []watch.ID{key}}),
		stepping("web", event.Stage), stepping("web", event.Check), stepping("web", event.Swap), rendered(web),
		stepping("web", event.Reload), event.BundleApplied{Bundle: "web"},
	}
	b.ReportAllocs()
	for b.Loop() {
		for _, e := range events {
			m.Apply(start, e)
		}
	}
}

// A child that a reload has removed is shown until it has ended; one that is replaced is
// shown after that, too.
func TestChildRemoved(t *testing.T) {
	m := newModel()
	step := func(want string, events ...event.Event) {
		t.Helper()
		for _, e := range events {
			m.Apply(start, e)
		}
		got := "none"
		if c := m.Snapshot(start, nil).Child; c != nil {
			got = c.State
		}
		if got != want {
			t.Errorf("after %T the child is %s, want %s", events[len(events)-1], got, want)
		}
	}
	step("none", event.Planned{Childless: true})
	step("running", event.Planned{}, event.ChildStarted{Args: []string{"app"}})
	step("ended", event.ChildEnding{}, event.ChildEnded{Args: []string{"app"}})
	step("running", event.ChildStarted{Args: []string{"app"}})
	step("ending", event.Planned{Childless: true}, event.ChildEnding{})
	step("none", event.ChildEnded{Args: []string{"app"}})
	step("running", event.Planned{}, event.ChildStarted{Args: []string{"app"}})
}
