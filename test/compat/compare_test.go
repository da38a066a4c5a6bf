package compat

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/consul/api"
)

// failed is the exit code of a program whose template failed.
const failed = 14

// compareRendered wants both programs to render each template, to the same.
func (r *rig) compareRendered(t *testing.T, sources []source) {
	if len(sources) == 0 {
		return
	}
	want := r.oracle.renderAll(t, sources)
	got := r.ours.renderAll(t, sources)
	for i, s := range sources {
		switch {
		case !want[i].ok:
			t.Errorf("%s\n%s\nconsul-template: %v", s.name, s.text, want[i])
		case got[i] != want[i]:
			t.Errorf("%s\n%s\nconsul-template: %v\nrestencil:       %v%s", s.name, s.text, want[i], got[i], lineDiff(want[i], got[i]))
		}
	}
}

// lineDiff shows where two results of several lines differ.
func lineDiff(want, got result) string {
	if !want.ok || !got.ok || strings.Count(want.text, "\n") < 2 {
		return ""
	}
	return "\n" + cmp.Diff(strings.Split(want.text, "\n"), strings.Split(got.text, "\n"))
}

// compareFailure wants both programs to refuse the template.
func (r *rig) compareFailure(t *testing.T, s source) {
	for _, p := range []program{r.oracle, r.ours} {
		run := p.prepare(t, []source{s})
		end := p.once(t.Context(), run)
		text, ok := run.rendered(0)
		switch {
		case ok:
			t.Errorf("%s\n%s renders it, to %q; want exit %d", s.name, p.name, text, failed)
		case end.exit != failed:
			t.Errorf("%s\n%s ends with exit %d, want %d\n%s", s.name, p.name, end.exit, failed, end.reason())
		}
	}
}

// compareAlone compares all that a process does with a template: how it ends,
// what it prints, and every file that it leaves behind.
func (r *rig) compareAlone(t *testing.T, s source, args ...string) {
	type outcome struct {
		Exit   int
		Stdout string
		Files  map[string]string
	}
	outcomes := make([]outcome, 0, 2)
	for _, p := range []program{r.oracle, r.ours} {
		run := p.prepare(t, []source{s})
		end := p.once(t.Context(), run, args...)
		files, err := run.files()
		if err != nil {
			t.Fatal(err)
		}
		outcomes = append(outcomes, outcome{end.exit, end.stdout, files})
	}
	if diff := cmp.Diff(outcomes[0], outcomes[1]); diff != "" {
		t.Errorf("%s\n%s\nfrom consul-template (-) to restencil (+):\n%s", s.name, s.text, diff)
	}
}

// compareWaiting wants both programs to hold back each template until the keys
// in late are there, and then to render the same.
func (r *rig) compareWaiting(t *testing.T, sources []source) {
	if len(sources) == 0 {
		return
	}
	runs := []*waitingRun{r.oracle.startWaiting(t, sources), r.ours.startWaiting(t, sources)}
	for _, w := range runs {
		w.holdBack(t)
	}
	for key, value := range late {
		put(t, r.agent.Client(), &api.KVPair{Key: key, Value: []byte(value)})
	}
	for _, w := range runs {
		w.finish(t)
	}
	for i, s := range sources {
		want, wantOK := runs[0].rendered(i)
		got, gotOK := runs[1].rendered(i)
		if !wantOK || !gotOK || got != want {
			t.Errorf("%s\nconsul-template: %q\nrestencil:       %q", s.name, want, got)
		}
	}
}

// late are the keys that templates wait for.
var late = map[string]string{
	"late/key":     "here at last",
	"late/empty":   "",
	"late/dir/a":   "1",
	"late/dir/b":   "2",
	"late/größe":   "Höhe",
	"late/pointer": "app/name",
}

// sentinel renders once the program has the answers that there are.
var sentinel = source{name: "sentinel", text: `{{ key "app/name" }}`}

// A waitingRun is a process under way whose templates wait.
type waitingRun struct {
	run
	program program
	done    chan ending
}

func (p program) startWaiting(t *testing.T, sources []source) *waitingRun {
	w := &waitingRun{program: p, done: make(chan ending, 1)}
	w.run = p.prepare(t, append([]source{sentinel}, sources...))
	go func() { w.done <- p.once(t.Context(), w.run) }()
	return w
}

// rendered returns what template i was rendered to, not counting the sentinel.
func (w *waitingRun) rendered(i int) (string, bool) { return w.run.rendered(i + 1) }

// holdBack waits until the sentinel is rendered, and then as long again as a
// template that does not wait would need, and more: no other may be rendered.
func (w *waitingRun) holdBack(t *testing.T) {
	const grace = 500 * time.Millisecond
	deadline := time.Now().Add(timeout)
	for _, ok := w.run.rendered(0); !ok && time.Now().Before(deadline); _, ok = w.run.rendered(0) {
		time.Sleep(5 * time.Millisecond)
	}
	select {
	case end := <-w.done:
		t.Errorf("%s ended with exit %d while it had to wait\n%s", w.program.name, end.exit, end.reason())
		w.done <- end
	case <-time.After(grace):
	}
	for i, s := range w.sources[1:] {
		if text, ok := w.rendered(i); ok {
			t.Errorf("%s\n%s rendered it to %q", s.name, w.program.name, text)
		}
	}
}

func (w *waitingRun) finish(t *testing.T) {
	if end := <-w.done; end.exit != 0 {
		t.Errorf("%s ended with exit %d\n%s", w.program.name, end.exit, end.reason())
	}
}
