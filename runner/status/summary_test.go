package status

import (
	"errors"
	"testing"
	"time"

	"restencil/runner"
)

func TestSummary(t *testing.T) {
	out := func(name string) runner.Output { return runner.Output{Template: name, Destination: "/etc/" + name} }
	rendered := func(name string) runner.Event {
		return runner.Rendered{Template: name, Destination: "/etc/" + name}
	}
	failure := errors.New("no")
	var s Summary
	for _, step := range []struct {
		event runner.Event
		want  string
	}{
		{runner.Failed{Template: "a", Destination: "/etc/a", Err: failure}, "0 files in step"}, // in New, before Run
		{runner.Loaded{Templates: []runner.Output{out("a"), out("b"), out("c")}}, "waiting for 2 of 3 templates; errors in 1 of 3 templates"},
		{runner.Recovered{Template: "a", Destination: "/etc/a"}, "waiting for 2 of 3 templates"},
		{rendered("a"), "waiting for 2 of 3 templates"},
		{rendered("b"), "waiting for 1 of 3 templates"},
		{rendered("c"), "3 files in step"},
		{runner.Ready{}, "3 files in step"},
		{runner.Waiting{Template: "b", Destination: "/etc/b"}, "waiting for 1 of 3 templates"},
		{runner.Waiting{Template: "b", Destination: "/etc/b"}, "waiting for 1 of 3 templates"},
		{runner.StoreAway{Store: "consul", Err: failure}, "waiting for 1 of 3 templates; no answers from consul"},
		{runner.StoreAway{Store: "consul", Err: failure}, "waiting for 1 of 3 templates; no answers from consul"},
		{runner.StoreAway{Store: "vault", Err: failure}, "waiting for 1 of 3 templates; no answers from consul, vault"},
		{runner.StoreBack{Store: "consul"}, "waiting for 1 of 3 templates; no answers from vault"},
		{runner.StoreBack{Store: "vault"}, "waiting for 1 of 3 templates"},
		{rendered("b"), "3 files in step"},
		{runner.CommandFailed{Args: []string{"x"}, Err: failure}, "1 failed command"},
		{runner.CommandFailed{Args: []string{"x"}, Err: failure}, "1 failed command"},
		{runner.CommandFailed{Args: []string{"y"}, Err: failure}, "2 failed commands"},
		{runner.CommandDone{Args: []string{"x"}}, "1 failed command"},
		{runner.CommandDone{Args: []string{"y"}}, "3 files in step"},
		{runner.ChildEnded{Code: 1, RetryIn: time.Second}, "the child has ended and will be started again"},
		{runner.ChildStarted{}, "3 files in step"},
		{runner.ChildEnded{Asked: true}, "3 files in step"},
		{runner.CommandFailed{Args: []string{"y"}, Err: failure}, "1 failed command"},
		{runner.Loaded{Templates: []runner.Output{out("a"), out("d")}}, "waiting for 1 of 2 templates"},
		{rendered("b"), "waiting for 1 of 2 templates"}, // which is no more
		{rendered("d"), "2 files in step"},
		{runner.Loaded{Templates: []runner.Output{out("a")}}, "1 file in step"},
	} {
		s.Event(step.event)
		if got := s.String(); got != step.want {
			t.Errorf("after %T: %q, want %q", step.event, got, step.want)
		}
	}
}
