package group

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"restencil/renderer"
	"restencil/runner/event"
	"restencil/runner/guard"
	"restencil/runner/templates"
	"restencil/template"
	"restencil/watch/schedule"
)

// A table drives a Set of the files "a" and "b" by a clock of its own.
type table struct {
	t   *testing.T
	dir string
	set *Set
	now time.Time

	events []string // their types
}

func newTable(t *testing.T, s Spec, once bool) *table {
	b := &table{t: t, dir: t.TempDir(), now: time.Unix(1000, 0)}
	s.Name, s.Retry = "web", schedule.Backoff{Base: time.Second, Max: time.Minute}
	for _, name := range []string{"a", "b"} {
		s.Members = append(s.Members, Member{Template: name + ".ctmpl", Destination: filepath.Join(b.dir, name)})
	}
	b.set = NewSet(s, once, func(e event.Event) {
		b.events = append(b.events, strings.TrimPrefix(fmt.Sprintf("%T", e), "event."))
	})
	return b
}

// take has outputs taken, in the order of the members, and some time go by.
func (b *table) take(wait time.Duration, contents ...string) {
	for i, text := range contents {
		b.set.Take(i, templates.Result{Output: &template.Result{Content: []byte(text), Sum: template.NewSum([]byte(text), nil)}}, b.now)
	}
	b.now = b.now.Add(wait)
}

// make makes what is due, and returns the contents.
func (b *table) make(fail Outcome) (contents []string) {
	b.t.Helper()
	for _, t := range b.set.Due(b.now, false, time.Time{}) {
		o := fail
		for _, w := range t.Wants {
			contents = append(contents, string(w.Place.Content))
			res := Result{Replaced: true}
			if o.placed() {
				res.Change = renderer.Replaced
				if err := os.WriteFile(w.Place.Path, w.Place.Content, 0o600); err != nil {
					b.t.Error(err)
				}
			}
			o.Results = append(o.Results, res)
		}
		b.set.Done(t, o, b.now)
	}
	return contents
}

func (b *table) due(fail Outcome, want ...string) {
	b.t.Helper()
	if got := b.make(fail); !slices.Equal(got, want) {
		b.t.Errorf("due are %q, want %q", got, want)
	}
}

// news returns the types of the new events, and the error that ends the runner.
func (b *table) news() (events []string, fatal error) {
	events, b.events = b.events, nil
	return events, b.set.News().Fatal
}

var errNo = errors.New("no")

// With the policy Together nothing is due before all outputs are there, and later
// changes wait for what belongs to them; with Each every file is by itself.
func TestDue(t *testing.T) {
	b := newTable(t, Spec{Policy: Together}, false)
	b.take(0, "1")
	b.due(Outcome{})
	b.take(0, "1", "1")
	b.due(Outcome{}, "1", "1")
	b.take(0, "2")
	b.due(Outcome{})
	if next := b.set.Next(); next != b.now.Add(togetherMin) {
		t.Errorf("the next look is in %v", next.Sub(b.now))
	}
	b.take(togetherMin, "2", "2")
	b.due(Outcome{}, "2", "2")
	b.due(Outcome{})
	b.take(togetherMin, "2", "2")
	b.due(Outcome{})

	b = newTable(t, Spec{Policy: Each}, false)
	b.take(0, "1")
	b.due(Outcome{}, "1")
	b.take(0, "1", "1")
	b.due(Outcome{}, "1")
}

// What fails is tried again; what a check rejected twice is held, until there is
// other data.
// TestTakeOverKeepsTheWait: elements that come and go neither end the wait of a change nor
// begin it again.
func TestTakeOverKeepsTheWait(t *testing.T) {
	for _, policy := range []Policy{Together, Each} {
		b := newTable(t, Spec{Policy: policy, Wait: Wait{Min: time.Second, Max: 3 * time.Second}}, false)
		spec := b.set.spec
		b.now = time.Now() // as TakeOver has it
		for i := range spec.Members {
			spec.Members[i].ElementOf, spec.Members[i].Wait = "list", spec.Wait
		}
		b.set = NewSet(spec, false, b.set.events)
		b.take(0, "1", "1")
		b.due(Outcome{}, "1", "1")
		for i := range 6 {
			b.take(0, fmt.Sprint("2", i), "1")
			old := b.set
			b.set = NewSet(spec, false, old.events)
			b.set.TakeOver(old, nil, true)
			b.now = b.now.Add(500 * time.Millisecond)
			if i < 5 {
				b.due(Outcome{})
			}
		}
		if policy == Each {
			b.due(Outcome{}, "25")
		} else {
			b.due(Outcome{}, "25", "1")
		}
	}
}

func TestFailure(t *testing.T) {
	b := newTable(t, Spec{Policy: Together}, false)
	no := Outcome{BundleFailed: event.BundleFailed{Step: event.Check, Err: errNo}}
	b.take(0, "1", "1")
	b.due(no, "1", "1")
	b.now = b.now.Add(retryDelay - 1)
	b.due(no)
	b.now = b.now.Add(1)
	b.due(no, "1", "1")
	b.now = b.now.Add(time.Minute)
	b.due(no)
	if names, _ := b.news(); !slices.Equal(names, []string{"BundleFailed", "BundleFailed", "BundleHeld"}) {
		t.Errorf("told %q", names)
	}
	b.take(0, "2", "2")
	b.due(Outcome{}, "2", "2")
	if names, _ := b.news(); !slices.Equal(names, []string{"BundleReleased", "Rendered", "Rendered", "Recovered"}) {
		t.Errorf("told %q", names)
	}
	if v := b.set.Verdict(); v.Rejected != "" {
		t.Errorf("remembered %+v", v)
	}
}

// What a check rejected in the process before is reported again, and tried again when
// that process would have done so.
func TestResume(t *testing.T) {
	no := Outcome{BundleFailed: event.BundleFailed{Step: event.Check, Err: errNo}}
	for _, tt := range []struct {
		attempts int
		resumed  []string
	}{
		{1, []string{"BundleFailed"}},
		{2, []string{"BundleFailed", "BundleHeld"}},
	} {
		before := newTable(t, Spec{Policy: Together}, false)
		before.take(0, "1", "1")
		for range tt.attempts {
			before.due(no, "1", "1")
			before.now = before.now.Add(retryDelay)
		}
		v := before.set.Verdict()
		b := newTable(t, Spec{Policy: Together}, false)
		b.dir, b.set = before.dir, NewSet(before.set.spec, false, b.set.events)
		b.now = v.Retry.Add(-2)
		b.set.Resume(v)
		b.take(0, "1", "1")
		b.due(no)
		b.due(no)
		if names, _ := b.news(); !slices.Equal(names, tt.resumed) {
			t.Errorf("after %d attempts: told %q, want %q", tt.attempts, names, tt.resumed)
		}
		b.now = v.Retry
		b.due(no, "1", "1")
		b.take(0, "2", "2")
		b.due(Outcome{}, "2", "2")
		if names, _ := b.news(); names[0] != "BundleFailed" || names[len(names)-1] != "Recovered" {
			t.Errorf("after %d attempts: told %q", tt.attempts, names)
		}
	}
}

// With once a change that is held ends the runner, with one error however often it
// is looked at.
func TestHeldOnce(t *testing.T) {
	b := newTable(t, Spec{Policy: Together, Guard: guard.Rules{MinBytes: 10}}, true)
	b.take(0, "1", "1")
	b.due(Outcome{})
	b.take(0, "1", "1")
	b.due(Outcome{})
	if _, err := b.news(); err == nil || strings.Count(err.Error(), "change held") != 1 {
		t.Errorf("error %v", err)
	}
}
