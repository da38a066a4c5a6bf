package model

import (
	"errors"
	"testing"
	"time"

	"restencil/runner/event"
	"restencil/watch"
)

func TestSummary(t *testing.T) {
	out := func(name string) event.Output { return event.Output{Template: name, Destination: "/etc/" + name} }
	rendered := func(name string) event.Event {
		return event.Rendered{Template: name, Destination: "/etc/" + name}
	}
	waits := event.Executed{Template: "b", Destination: "/etc/b", Missing: []watch.ID{watch.Query{Kind: watch.KVGet, Name: "k"}.ID()}}
	complete := event.Executed{Template: "b", Destination: "/etc/b"}
	failure := errors.New("no")
	x, y := []string{"/etc/a", "/etc/b"}, []string{"/etc/c"}
	m := New(time.Now())
	for i, step := range []struct {
		event event.Event
		want  string
	}{
		{event.Ready{}, "0 files in step"}, // before Run
		{event.Loaded{Templates: []event.Output{out("a"), out("b"), out("c")}}, "waiting for 3 of 3 templates"},
		{event.Planned{Bundles: []event.Bundle{
			{Name: "/etc/a", Members: []event.Output{out("a")}, Reload: []string{"x"}},
			{Name: "/etc/b", Members: []event.Output{out("b")}, Reload: []string{"x"}},
			{Name: "/etc/c", Members: []event.Output{out("c")}, Reload: []string{"y"}},
		}}, "waiting for 3 of 3 templates"},
		{event.Failed{Template: "a", Destination: "/etc/a", Err: failure}, "waiting for 2 of 3 templates; errors in 1 of 3 templates"},
		{event.Recovered{Template: "a", Destination: "/etc/a"}, "waiting for 3 of 3 templates"},
		{rendered("a"), "waiting for 2 of 3 templates"},
		{rendered("b"), "waiting for 1 of 3 templates"},
		{rendered("c"), "3 files in step"},
		{waits, "waiting for 1 of 3 templates"},
		{event.StoreAway{Store: "consul", Err: failure}, "waiting for 1 of 3 templates; consul: no answers"},
		{event.StoreAway{Store: "consul", Part: "datacenter dc2", Err: failure}, "waiting for 1 of 3 templates; consul, consul, datacenter dc2: no answers"},
		{event.StoreBack{Store: "consul"}, "waiting for 1 of 3 templates; consul, datacenter dc2: no answers"},
		{event.StoreBack{Store: "consul", Part: "datacenter dc2"}, "waiting for 1 of 3 templates"},
		{complete, "3 files in step"},
		{event.CommandFailed{Args: []string{"x"}, Files: x, Err: failure}, "1 failed command"},
		{event.CommandFailed{Args: []string{"y"}, Files: y, Err: failure}, "2 failed commands"},
		{event.CommandDone{Args: []string{"x"}, Files: x}, "1 failed command"},
		{event.CommandDone{Args: []string{"y"}, Files: y}, "3 files in step"},
		{event.ChildEnded{Code: 1, RetryIn: time.Second}, "the child has ended and will be started again"},
		{event.ChildStarted{}, "3 files in step"},
		{event.ChildEnded{}, "3 files in step"},
		{event.Loaded{Templates: []event.Output{out("a"), out("d")}}, "waiting for 1 of 2 templates"},
		{rendered("b"), "waiting for 1 of 2 templates"}, // which is no more
		{rendered("d"), "2 files in step"},
		{event.Rendered{Template: "d", Destination: "/etc/d", Removed: true}, "1 file in step"},
		{event.Planned{Bundles: []event.Bundle{{Name: "/etc/a", Members: []event.Output{out("a")}, List: true}}}, "0 files in step"},
	} {
		m.Apply(time.Now(), step.event)
		if got := m.Summary(); got != step.want {
			t.Errorf("step %d, after %T: %q, want %q", i, step.event, got, step.want)
		}
	}
}
