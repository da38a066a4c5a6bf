package progress

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"restencil/renderer"
	"restencil/runner/event"
	"restencil/runner/status"
)

func TestLines(t *testing.T) {
	began := time.Date(2026, 11, 29, 10, 0, 0, 0, time.UTC)
	s := status.Status{Began: began, Time: began.Add(2500 * time.Millisecond), Bundles: []status.Bundle{
		{Name: "a", State: status.Applied, Since: began},
		{Name: "b", State: status.Applied}, // not yet
		{Name: "c", State: status.Waiting, Since: began, Templates: []status.Template{{Lacks: status.Lacks{Waits: []status.Missing{{Name: "key x", Reason: "it does not exist"}}}}}},
		{Name: "d", State: status.Changing, Since: began, Progress: status.Progress{Step: "reload"}},
	}}
	want := "3 of 4 not done, after 2s:\n  b: under way\n  c: waiting since 3s for key x: it does not exist\n  d: a change is under way since 3s: reload"
	if got := strings.Join(Lines(s), "\n"); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	for i := range 50 {
		s.Bundles = append(s.Bundles, status.Bundle{Name: fmt.Sprint(i), State: status.Waiting})
	}
	if got := Lines(s); len(got) != maxLines || got[maxLines-1] != "  and 45 more" {
		t.Errorf("%d lines: %q", len(got), got)
	}
	if got := Lines(status.Status{Bundles: s.Bundles[:1]}); got != nil {
		t.Errorf("%q", got)
	}
}

// TestShow: the block is rewritten in place, only when it has changed, and what others
// write stands above it.
func TestShow(t *testing.T) {
	var b bytes.Buffer
	p := New(&b)
	step := func(name, want string, do func()) {
		t.Helper()
		b.Reset()
		do()
		if b.String() != want {
			t.Errorf("%s: %q\nwant %q", name, b.String(), want)
		}
	}
	line := func(text string) string { return "\x1b[?7l" + text + "\x1b[?7h\x1b[K\n" }
	step("first", "\r"+line("x")+line(`y\x1b[2J`)+"\x1b[J", func() { p.show([]string{"x", "y\x1b[2J"}) })
	step("the same", "", func() { p.show([]string{"x", "y\x1b[2J"}) })
	step("shorter", "\r\x1b[2A"+line("z")+"\x1b[J", func() { p.show([]string{"z"}) })
	step("a line of the log", "\r\x1b[1A\x1b[Jlog\n"+line("z"), func() { fmt.Fprintln(p.Above(&b), "log") })
	step("half a line", "\r\x1b[1A\x1b[Jha", func() { fmt.Fprint(p.Above(&b), "ha") })
	step("not behind that", "", func() { p.show([]string{"z"}) })
	step("the other half", "lf\n", func() { fmt.Fprintln(p.Above(&b), "lf") })
	step("again", "\r"+line("z")+"\x1b[J", func() { p.show([]string{"z"}) })
	step("the end", "\r\x1b[1A\x1b[J", func() { p.show(nil) })
}

func TestSummary(t *testing.T) {
	p := New(nil)
	for i, change := range []renderer.Change{renderer.Replaced, renderer.Replaced, renderer.Repaired, renderer.Unchanged} {
		p.Apply(event.Rendered{Destination: fmt.Sprint("/", i), Change: change})
	}
	p.Apply(event.Rendered{Destination: "/{{ . }}", Change: renderer.Unchanged, List: true})
	for range 7 {
		p.Apply(event.CommandEnded{Args: []string{"true"}})
	}
	p.Apply(event.CommandEnded{Args: []string{"nginx", "-t"}, Err: errors.New("no")})
	want := "wrote 2 files: /0, /1\nset mode or owner of 1 file: /2\nleft unchanged 1 file: /3\nran 7 commands: true, true, true, true, true and 2 more\nfailed to run 1 command: nginx -t\n"
	if got := p.Summary(); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}
