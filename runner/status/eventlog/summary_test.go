package eventlog

import (
	"errors"
	"testing"
	"time"

	"restencil/runner/event"
)

func TestSummary(t *testing.T) {
	out := func(name string) event.Output { return event.Output{Template: name, Destination: "/etc/" + name} }
	rendered := func(name string) event.Event {
		return event.Rendered{Template: name, Destination: "/etc/" + name}
	}
	failure := errors.New("no")
	var s Summary
	for _, step := range []struct {
		event event.Event
		want  string
	}{
		{event.Failed{Template: "a", Destination: "/etc/a", Err: failure}, "0 files in step"}, // in New, before Run
		{event.Loaded{Templates: []event.Output{out("a"), out("b"), out("c")}}, "waiting for 2 of 3 templates; errors in 1 of 3 templates"},
		{event.Recovered{Template: "a", Destination: "/etc/a"}, "waiting for 2 of 3 templates"},
		{rendered("a"), "waiting for 2 of 3 templates"},
		{rendered("b"), "waiting for 1 of 3 templates"},
		{rendered("c"), "3 files in step"},
		{event.Ready{}, "3 files in step"},
		{event.Waiting{Template: "b", Destination: "/etc/b"}, "waiting for 1 of 3 templates"},
		{event.Waiting{Template: "b", Destination: "/etc/b"}, "waiting for 1 of 3 templates"},
		{event.StoreAway{Store: "consul", Err: failure}, "waiting for 1 of 3 templates; consul: no answers"},
		{event.StoreAway{Store: "consul", Err: failure}, "waiting for 1 of 3 templates; consul: no answers"},
		{event.StoreAway{Store: "vault", Err: failure}, "waiting for 1 of 3 templates; consul, vault: no answers"},
		{event.StoreBack{Store: "consul"}, "waiting for 1 of 3 templates; vault: no answers"},
		{event.StoreBack{Store: "vault"}, "waiting for 1 of 3 templates"},
		{rendered("b"), "3 files in step"},
		{event.CommandFailed{Args: []string{"x"}, Err: failure}, "1 failed command"},
		{event.CommandFailed{Args: []string{"x"}, Err: failure}, "1 failed command"},
		{event.CommandFailed{Args: []string{"y"}, Err: failure}, "2 failed commands"},
		{event.CommandDone{Args: []string{"x"}}, "1 failed command"},
		{event.CommandDone{Args: []string{"y"}}, "3 files in step"},
		{event.ChildEnded{Code: 1, RetryIn: time.Second}, "the child has ended and will be started again"},
		{event.ChildStarted{}, "3 files in step"},
		{event.ChildEnded{Asked: true}, "3 files in step"},
		{event.CommandFailed{Args: []string{"y"}, Err: failure}, "1 failed command"},
		{event.Loaded{Templates: []event.Output{out("a"), out("d")}}, "waiting for 1 of 2 templates"},
		{rendered("b"), "waiting for 1 of 2 templates"}, // which is no more
		{rendered("d"), "2 files in step"},
		{event.Loaded{Templates: []event.Output{out("a")}}, "1 file in step"},
	} {
		s.Event(step.event)
		if got := s.String(); got != step.want {
			t.Errorf("after %T: %q, want %q", step.event, got, step.want)
		}
	}
}
