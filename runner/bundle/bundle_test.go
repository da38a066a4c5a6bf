package bundle

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"restencil/runner/bundle/group"
	"restencil/runner/bundle/turn"
	"restencil/runner/event"
	"restencil/runner/journal"
	"restencil/runner/probe"
	"restencil/runner/process"
	"restencil/runner/templates"
	"restencil/template"
	"restencil/watch/schedule"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// togetherMin is how long a change of a named bundle waits for what belongs to it.
const togetherMin = 10 * time.Millisecond

var errNo = errors.New("exit status 1")

// A rig runs a bundle in a bubble of fake time, with fakes for its commands. What
// a user would see is in its log: "run ARGS", and events.
type rig struct {
	t     *testing.T
	dir   string
	state string // "": there is no journal

	mu     sync.Mutex
	start  time.Time
	log    []string
	events []event.Event
	fails  map[string]error         // by the first word of a command
	takes  map[string]time.Duration // by the same
	onRun  func(args string)

	fleet    func(group.Rolling) turn.Fleet
	attempts int
	journal  *journal.Journal
	shared   *Shared
	bundle   *Bundle
	pass     int
	cancel   context.CancelFunc
}

func newRig(t *testing.T) *rig {
	return &rig{
		t: t, dir: t.TempDir(), state: t.TempDir(), start: time.Now(),
		fails: make(map[string]error), takes: make(map[string]time.Duration), onRun: func(string) {},
	}
}

func (g *rig) at(name string) string { return filepath.Join(g.dir, name) }

// spec returns a bundle of the files "a" and "b" in the rig's directory.
func (g *rig) spec(p group.Policy) group.Spec {
	retry := schedule.Backoff{Base: time.Second, Max: time.Minute}
	s := group.Spec{Name: "web", Policy: p, Reload: cmd("reload"), Retry: retry}
	for _, name := range []string{"a", "b"} {
		s.Members = append(s.Members, group.Member{Template: name + ".ctmpl", Destination: g.at(name), Perm: 0o644})
	}
	if p == group.Each {
		s.Name = g.at("a")
	}
	return s
}

func cmd(line string) process.Command {
	return process.Command{Args: strings.Fields(line), Timeout: time.Minute}
}

func probes(line string) []probe.Probe {
	return []probe.Probe{{Args: strings.Fields(line), Within: time.Nanosecond}}
}

// begin starts a bundle as a process does that starts, once a journal has put right
// what the last one left.
func (g *rig) begin(s group.Spec) {
	g.t.Helper()
	if g.state != "" {
		g.journal = journal.New(g.state, journal.Options{Generations: 5})
		if _, err := g.journal.Recover(); err != nil {
			g.t.Logf("recovery: %v", err)
		}
	}
	g.shared = &Shared{
		Stdout: NewStream(io.Discard),
		Events: g.event,
		Report: func(r Report) {
			if r.Fatal != nil {
				g.note("fatal: " + r.Fatal.Error())
			}
		},
		Attempts: g.attempts,
	}
	g.shared.Run, g.shared.InPlace = g.run, func() error { return nil }
	g.shared.State.Store(&State{Journal: g.journal, Fleet: g.fleet})
	g.bundle = New(s, g.shared)
	ctx, cancel := context.WithCancel(g.t.Context())
	g.cancel = cancel
	go g.bundle.Run(ctx)
	synctest.Wait()
}

// end ends the process.
func (g *rig) end() {
	g.cancel()
	<-g.bundle.done
	if g.journal != nil {
		if err := g.journal.Close(); err != nil {
			g.t.Error(err)
		}
		g.journal = nil
	}
}

// replace has another bundle take the place of this one, as a reload of the
// configuration does.
func (g *rig) replace(s group.Spec) {
	old := g.bundle
	old.Stop()
	g.bundle = New(s, g.shared, old)
	ctx, cancel := context.WithCancel(g.t.Context())
	stop := g.cancel
	g.cancel = func() { stop(); cancel() }
	go g.bundle.Run(ctx)
}

func (g *rig) run(ctx context.Context, c process.Command) (string, error) {
	line := strings.Join(c.Args, " ")
	g.note("run " + line)
	g.mu.Lock()
	err, takes, onRun := g.fails[c.Args[0]], g.takes[c.Args[0]], g.onRun
	g.mu.Unlock()
	onRun(line)
	select {
	case <-time.After(takes):
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
	if err != nil {
		return c.Args[0] + " says no", err
	}
	return "", nil
}

func (g *rig) note(text string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.log = append(g.log, text)
}

func (g *rig) event(e event.Event) {
	g.mu.Lock()
	g.events = append(g.events, e)
	g.mu.Unlock()
	switch e := e.(type) {
	case event.BundleFailed:
		text := string(e.Step) + " failed"
		if e.RolledBack {
			text += ", rolled back"
		}
		if e.RollbackErr != nil {
			text += ": " + strings.ReplaceAll(e.RollbackErr.Error(), g.dir, "DIR")
		}
		g.note(text)
	case event.BundleHeld:
		g.note("held: " + e.Reason)
	case event.BundleReleased:
		g.note("released")
	case event.CommandFailed:
		g.note("command failed")
	case event.JournalFailed:
		g.note("journal: " + e.Err.Error())
	case event.Failed:
		g.note("failed")
	}
}

// offer offers outputs of the members, in order; "" is none. It waits for what can
// be done at once, and for what a bundle waits by itself.
func (g *rig) offer(contents ...string) {
	g.pass++
	g.bundle.Offer(Offer{Pass: g.pass, Outputs: outputs(contents...)}, 0)
	sleep(togetherMin)
}

// outputs returns outputs of the members, in order; "" is none.
func outputs(contents ...string) map[int]templates.Result {
	all := make(map[int]templates.Result)
	for i, text := range contents {
		if text != "" {
			all[i] = templates.Result{Output: &template.Result{Content: []byte(text), Sum: template.NewSum([]byte(text), nil)}}
		}
	}
	return all
}

func sleep(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (g *rig) set(do func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	do()
}

// happened wants just this in the log since the last call.
func (g *rig) happened(want ...string) {
	g.t.Helper()
	g.mu.Lock()
	defer g.mu.Unlock()
	if !slices.Equal(g.log, want) {
		g.t.Errorf("what happened:\n%s\nwant:\n%s", strings.Join(g.log, "\n"), strings.Join(want, "\n"))
	}
	g.log = nil
}

// holds wants the files to hold this, in order, and nothing beside them.
func (g *rig) holds(want ...string) {
	g.t.Helper()
	entries, err := os.ReadDir(g.dir)
	if err != nil {
		g.t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		text, err := os.ReadFile(g.at(e.Name()))
		if err != nil {
			g.t.Error(err)
		}
		got = append(got, string(text))
	}
	if !slices.Equal(got, want) {
		g.t.Errorf("the files hold %q, want %q (of %v)", got, want, entries)
	}
}

// owed tells whether the journal says that the command is owed.
func (g *rig) owed() bool {
	g.t.Helper()
	if g.journal == nil {
		return false
	}
	st, err := g.journal.State(g.bundle.spec.Key())
	if err != nil {
		g.t.Error(err)
	}
	return st.Owed()
}

func TestFailureAfterTheSwap(t *testing.T) {
	tests := []struct {
		name    string
		arrange func(*rig, *group.Spec)
		first   bool // nothing was there before
		log     []string
		back    bool // the old files are
		owed    bool
	}{
		{
			name: "reload", arrange: func(g *rig, s *group.Spec) {}, owed: true,
			log: []string{"run reload", "reload failed"},
		},
		{
			name: "reload, back", back: true, arrange: func(g *rig, s *group.Spec) {
				s.Rollback = true
				g.onRun = func(string) { g.set(func() { delete(g.fails, "reload") }) }
			},
			log: []string{"run reload", "run reload", "reload failed, rolled back"},
		},
		{
			name: "reload, back, reload", back: true, owed: true, arrange: func(g *rig, s *group.Spec) { s.Rollback = true },
			log: []string{"run reload", "run reload", "reload failed, rolled back: reloading with the old files: exit status 1"},
		},
		{
			name: "reload, first", first: true, owed: true, arrange: func(g *rig, s *group.Spec) { s.Rollback = true },
			log: []string{"run reload", "reload failed"},
		},
		{
			name: "verify", owed: true, arrange: func(g *rig, s *group.Spec) { delete(g.fails, "reload") },
			log: []string{"run reload", "run probe", "verify failed"},
		},
		{
			name: "verify, back", back: true, arrange: func(g *rig, s *group.Spec) {
				delete(g.fails, "reload")
				s.Rollback = true
			},
			log: []string{"run reload", "run probe", "run reload", "verify failed, rolled back"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newRig(t)
				s := g.spec(group.Together)
				s.Verify = probes("probe")
				if !tt.first {
					g.begin(s)
					g.offer("old a", "old b")
					g.end()
					g.log = nil
				}
				g.fails["reload"], g.fails["probe"] = errNo, errNo
				tt.arrange(g, &s)
				g.begin(s)
				defer g.end()
				g.offer("new a", "new b")
				g.happened(tt.log...)
				want := "new "
				if tt.back {
					want = "old "
				}
				g.holds(want+"a", want+"b")
				if g.owed() != tt.owed {
					t.Errorf("owed: %v, want %v", g.owed(), tt.owed)
				}
				e := g.events[len(g.events)-1].(event.BundleFailed)
				if !errors.Is(e.Err, errNo) && !strings.Contains(e.Err.Error(), errNo.Error()) || !strings.HasSuffix(e.Output, " says no") {
					t.Errorf("told %+v", e)
				}
			})
		})
	}
}

// A program that has read bad files does not go on with them: the old files, once
// they are back, are reloaded until that succeeds.
func TestOldFilesAreReloadedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		s := g.spec(group.Together)
		s.Verify, s.Rollback = probes("probe"), true
		g.begin(s)
		defer g.end()
		g.offer("old a", "old b")
		g.log = nil
		g.set(func() {
			g.fails["probe"] = errNo
			g.onRun = func(line string) {
				if line == "probe" {
					g.set(func() { g.fails["reload"] = errNo })
				}
			}
		})
		g.offer("new a", "new b")
		g.happened("run reload", "run probe", "run reload", "verify failed, rolled back: reloading with the old files: exit status 1")
		sleep(time.Second)
		g.happened("run reload", "command failed")
		g.set(func() { delete(g.fails, "reload") })
		sleep(3 * time.Second)
		g.happened("run reload")
		g.holds("old a", "old b")
		if g.owed() {
			t.Error("a reload is owed still")
		}
	})
}

// What cannot be put back is said, and the old content is not thrown away.
func TestRollbackThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		s := g.spec(group.Together)
		s.Rollback = true
		g.begin(s)
		defer g.end()
		g.offer("old a", "old b")
		g.log = nil
		g.set(func() {
			g.fails["reload"] = errNo
			g.onRun = func(string) {
				if err := errors.Join(os.Remove(g.at("b")), os.Mkdir(g.at("b"), 0o755)); err != nil {
					t.Error(err)
				}
				g.onRun = func(string) {}
			}
		})
		g.offer("new a", "new b")
		if len(g.log) != 2 || !strings.HasPrefix(g.log[1], "reload failed: ") {
			t.Errorf("what happened: %q", g.log)
		}
		kept, err := filepath.Glob(g.at(".b.*"))
		var texts []string
		for _, path := range kept {
			text, _ := os.ReadFile(path)
			texts = append(texts, string(text))
		}
		if !slices.Contains(texts, "old b") || !g.owed() {
			t.Errorf("beside the file are %q (%v); owed: %v", texts, err, g.owed())
		}
	})
}

// A reload that fails is tried again for ever, after a delay that grows visibly.
func TestReloadIsRetried(t *testing.T) {
	for _, p := range []group.Policy{group.Together, group.Each} {
		synctest.Test(t, func(t *testing.T) {
			g := newRig(t)
			g.begin(g.spec(p))
			defer g.end()
			g.fails["reload"] = errNo
			var at []time.Duration
			g.onRun = func(string) { at = append(at, time.Since(g.start)) }
			g.offer("a", "b")
			sleep(time.Hour)
			for i := 1; i < len(at); i++ {
				most := min(time.Second<<min(i-1, 10), time.Minute)
				if d := at[i] - at[i-1]; d < most/2 || d > most {
					t.Errorf("retry %d after %v, want between %v and %v", i, d, most/2, most)
				}
			}
			if len(at) < 60 || !g.owed() {
				t.Errorf("%d runs in an hour; owed: %v", len(at), g.owed())
			}
			g.set(func() { delete(g.fails, "reload") })
			sleep(time.Minute)
			n := len(at)
			sleep(time.Hour)
			if len(at) != n || g.owed() {
				t.Errorf("%d runs after one that succeeded; owed: %v", len(at)-n, g.owed())
			}
		})
	}
}

// What was proven bad is tried once more, and then held: it is tried rarely, and
// at once when there is other data or somebody accepts it. A restart changes
// nothing about that.
func TestProvenBadIsHeld(t *testing.T) {
	for _, tt := range []struct {
		name string
		spec func(*group.Spec)
		bad  string // what fails
	}{
		{"verify", func(s *group.Spec) { s.Verify, s.Rollback = probes("probe"), true }, "probe"},
		{"check", func(s *group.Spec) { s.Check = cmd("check") }, "check"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newRig(t)
				s := g.spec(group.Together)
				tt.spec(&s)
				var at []time.Duration
				g.onRun = func(line string) {
					if line == tt.bad {
						at = append(at, time.Since(g.start).Truncate(time.Second))
					}
				}
				// tried wants it to have been tried at these times since the start.
				tried := func(want ...time.Duration) {
					t.Helper()
					if !slices.Equal(at, want) {
						t.Errorf("tried at %v, want %v", at, want)
					}
					at, g.start = nil, time.Now()
				}
				g.begin(s)
				g.offer("old a", "old b")
				tried(0)
				g.fails[tt.bad] = errNo
				g.offer("bad a", "bad b")
				sleep(time.Hour)
				const second, minute = 10 * time.Second, 5*time.Minute + 10*time.Second
				tried(0, second, minute, minute+10*time.Minute, minute+30*time.Minute)
				g.holds("old a", "old b")
				reason := "held: " + tt.name + " failed: "
				if n := strings.Count(strings.Join(g.log, "\n"), reason); n != 1 {
					t.Errorf("told %d times that it is held: %q", n, g.log)
				}

				g.end()
				g.set(func() { g.log = nil })
				g.begin(s)
				g.offer("bad a", "bad b")
				sleep(time.Minute)
				tried()
				if len(g.log) != 2 || !strings.HasPrefix(g.log[0], tt.name+" failed") || !strings.HasPrefix(g.log[1], reason) {
					t.Errorf("after a restart: %q", g.log)
				}
				if err := g.bundle.Accept(t.Context(), "web"); err != nil {
					t.Error(err)
				}
				sleep(time.Minute)
				tried(0)
				g.offer("other a", "other b")
				tried(0)
				g.set(func() { delete(g.fails, tt.bad) })
				g.offer("good a", "good b")
				tried(0)
				g.holds("good a", "good b")
				g.end()
			})
		})
	}
}

// What a verify rejected that the configuration has no more is not held after a restart:
// it has been applied since.
func TestRejectedBeforeAReload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		g.fails["probe"] = errNo
		s := g.spec(group.Together)
		g.begin(s)
		g.offer("old a", "old b")
		strict := s
		strict.Verify, strict.Rollback = probes("probe"), true
		g.replace(strict)
		g.offer("new a", "new b")
		sleep(time.Minute) // it is held
		g.holds("old a", "old b")
		g.replace(s)
		g.offer("new a", "new b")
		g.holds("new a", "new b")
		g.end()
		g.set(func() { g.log = nil })
		g.begin(s)
		g.offer("new a", "new b")
		sleep(time.Minute)
		g.happened()
		g.end()
	})
}

// A clock that was wrong when a change was held does not hold it for longer.
func TestHeldUntilTooLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		s := g.spec(group.Together)
		s.Check = cmd("check")
		g.fails["check"] = errNo
		g.begin(s)
		g.offer("bad a", "bad b")
		sleep(time.Minute)
		st, err := g.journal.State("web")
		st.Verdict.Retry = time.Now().AddDate(10, 0, 0)
		if err := errors.Join(err, g.journal.Remember("web", st.Verdict)); err != nil {
			t.Fatal(err)
		}
		g.end()
		g.begin(s)
		defer g.end()
		g.offer("bad a", "bad b")
		g.set(func() { g.log = nil })
		sleep(2 * time.Hour)
		if !slices.Contains(g.log, "run check") {
			t.Errorf("it was not tried again: %q", g.log)
		}
	})
}

// The same is true of a file that goes in place by itself.
func TestProvenBadFileIsHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		s := g.spec(group.Each)
		s.Members[0].Check = cmd("check")
		g.begin(s)
		defer g.end()
		g.offer("old", "b")
		g.happened("run check", "run reload")
		g.fails["check"] = errNo
		g.offer("bad", "new b")
		g.happened("run check", "check failed", "run reload")
		sleep(time.Minute)
		g.happened("run check", "check failed", "held: check failed: exit status 1")
		g.holds("old", "new b")
		g.set(func() { delete(g.fails, "check") })
		if err := g.bundle.Accept(t.Context(), g.at("a")); err != nil {
			t.Error(err)
		}
		sleep(time.Second)
		g.happened("run check", "released", "run reload")
		g.holds("bad", "new b")
	})
}

// Whatever ends the process during a change, the next one starts with the files
// of before where it was not known whether the new ones are any good, and else
// owes the command. It then makes the change. Where nothing remembers a change, as with
// -once, the process that ends puts the files back itself, and has them loaded.
func TestEndDuringAChange(t *testing.T) {
	for _, tt := range []struct {
		during   string
		rollback bool
		holds    string
		owed     bool
		forgets  bool
		told     string
	}{
		{"check", true, "old ", false, false, ""},
		{"reload", true, "old ", true, false, "reload failed: restencil is ending, and its next start puts the old files back (the new files stay)"},
		{"reload", false, "new ", true, false, ""},
		{"probe", true, "old ", true, false, "verify failed: restencil is ending, and its next start puts the old files back (the new files stay)"},
		{"probe", false, "new ", true, false, ""},
		{"reload", true, "old ", false, true, "reload failed: restencil is ending (going back to the old files failed, too: reloading with the old files: context deadline exceeded)"},
		{"probe", true, "old ", false, true, "verify failed: restencil is ending (the old files are back)"},
	} {
		t.Run(fmt.Sprint(tt.during, " rollback ", tt.rollback, " forgets ", tt.forgets), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newRig(t)
				if tt.forgets {
					g.state = ""
				}
				s := g.spec(group.Together)
				s.Check, s.Verify, s.Rollback = cmd("check"), probes("probe"), tt.rollback
				g.begin(s)
				g.offer("old a", "old b")
				g.set(func() { g.takes[tt.during] = time.Hour })
				g.offer("new a", "new b")
				g.end()
				told := ""
				if e, ok := g.events[len(g.events)-1].(event.BundleFailed); ok {
					told = fmt.Sprintf("%s failed: %v (%s)", e.Step, e.Err, e.Files())
				}
				if told != tt.told {
					t.Errorf("told %q, want %q", told, tt.told)
				}
				if n := strings.Count(strings.Join(g.log, " "), "run reload"); tt.forgets && n != 3 {
					t.Errorf("the old files, the new and the old again: %q", g.log)
				}
				g.log, g.takes = nil, map[string]time.Duration{}

				g.begin(s)
				g.holds(tt.holds+"a", tt.holds+"b")
				if g.owed() != tt.owed {
					t.Errorf("owed: %v, want %v", g.owed(), tt.owed)
				}
				g.offer("new a", "new b")
				g.holds("new a", "new b")
				if n := strings.Count(strings.Join(g.log, " "), "run reload"); n != 1 || g.owed() {
					t.Errorf("then: %q; owed: %v", g.log, g.owed())
				}
				g.end()
			})
		})
	}
}

// What fails in a bundle that a reload of the configuration removes meanwhile is not
// tried again, and nothing says so.
func TestRemovedDuringAChange(t *testing.T) {
	for _, tt := range []struct {
		policy        group.Policy
		during        string
		removed, told bool
	}{
		{group.Together, "probe", true, false},
		{group.Together, "probe", false, true},
		{group.Each, "reload", true, false},
		{group.Each, "reload", false, true},
	} {
		t.Run(fmt.Sprint(tt.during, " removed ", tt.removed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newRig(t)
				s := g.spec(tt.policy)
				if tt.policy == group.Together {
					s.Verify = probes("probe")
				}
				g.begin(s)
				g.set(func() { g.fails[tt.during], g.takes[tt.during] = errNo, time.Minute })
				g.offer("a", "b")
				if s.MinInterval = time.Second; tt.removed {
					g.bundle.Stop()
				} else {
					g.replace(s)
				}
				sleep(time.Minute)
				told, failures := false, 0
				for _, e := range g.events {
					switch e := e.(type) {
					case event.BundleFailed:
						told, failures = e.RetryIn > 0, failures+1
					case event.CommandFailed:
						told, failures = e.RetryIn > 0, failures+1
					}
				}
				if told != tt.told || failures != 1 {
					t.Errorf("%d failures; told of another attempt: %v, want %v", failures, told, tt.told)
				}
				g.end()
			})
		})
	}
}

// A command that was owed is run by the next process, though the templates have
// another order there, and once: it pays for all files that have it.
func TestOwedCommandIsRunOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		s := g.spec(group.Each)
		g.begin(s)
		g.fails["reload"] = errNo
		g.offer("a", "b")
		g.end()

		slices.Reverse(s.Members)
		s.Name = s.Members[0].Destination
		g.log, g.fails = nil, map[string]error{}
		g.begin(s)
		g.offer("b") // the other one waits for data
		g.happened()
		g.offer("", "a")
		g.happened("run reload")
		g.end()

		g.begin(s)
		g.offer("b", "a")
		sleep(time.Hour)
		g.happened()
		g.end()
	})
}

// The commands of a pass run in the order of their templates, also where a bundle
// has not come to look at the pass before.
func TestOrderOfCommands(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		g.state = "" // there is no journal
		spec := func(member int) group.Spec {
			s := g.spec(group.Each)
			s.Members = s.Members[member : member+1]
			s.Name, s.Reload = s.Members[0].Destination, cmd("load "+s.Members[0].Template)
			return s
		}
		g.begin(spec(0))
		a, b := g.bundle, New(spec(1), g.shared)
		a.Offer(Offer{Pass: 1}, 0)
		b.Offer(Offer{Pass: 1}, 1)
		synctest.Wait()
		a.Offer(Offer{Pass: 2, Outputs: outputs("new")}, 0)
		b.Offer(Offer{Pass: 2, Outputs: outputs("new")}, 1)
		go b.Run(t.Context())
		sleep(togetherMin)
		g.happened("run load a.ctmpl", "run load b.ctmpl")
		b.Stop()
		<-b.done
		g.end()
	})
}

// Where what was owed is not known, since the journal is damaged, the command is
// run; not again after each start.
func TestDamagedJournalRunsTheCommandOnce(t *testing.T) {
	for _, p := range []group.Policy{group.Together, group.Each} {
		synctest.Test(t, func(t *testing.T) {
			g := newRig(t)
			g.begin(g.spec(p))
			g.offer("a", "b")
			g.end()
			files, err := filepath.Glob(filepath.Join(g.state, "bundles", "*.jsonl"))
			if err != nil || len(files) != 1 {
				t.Fatal(files, err)
			}
			if err := os.WriteFile(files[0], []byte("nonsense\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			g.log = nil
			for i, want := range []int{1, 0, 0} {
				g.begin(g.spec(p))
				g.offer("a", "b")
				sleep(time.Minute)
				if len(g.log) != want {
					t.Errorf("policy %v, start %d: %q, want %d runs", p, i, g.log, want)
				}
				g.log = nil
				g.end()
			}
		})
	}
}

// A journal that cannot be written holds up nothing, and is complained about
// once for each reason.
func TestJournalThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		g.state = g.at("state")
		if err := os.WriteFile(g.state, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		g.begin(g.spec(group.Together))
		defer g.end()
		for i := range 3 {
			g.offer(fmt.Sprint("a", i), fmt.Sprint("b", i))
		}
		told := make(map[string]int)
		for _, what := range g.log {
			told[what]++
		}
		if told["run reload"] != 3 || len(told) < 2 {
			t.Errorf("what happened: %q", g.log)
		}
		for what, n := range told {
			if n > 1 && what != "run reload" {
				t.Errorf("told %d times: %s", n, what)
			}
		}
		g.holds("a2", "b2", "")
	})
}

// Another bundle that takes the place of one whose command runs waits for that,
// and owes what it did not do.
func TestReplacedWhileTheCommandRuns(t *testing.T) {
	for _, p := range []group.Policy{group.Together, group.Each} {
		for _, fails := range []error{nil, errNo} {
			t.Run(fmt.Sprint(p, fails), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					g := newRig(t)
					s := g.spec(p)
					g.begin(s)
					g.set(func() { g.takes["reload"], g.fails["reload"] = 10*time.Second, fails })
					g.offer("a", "b")
					s.Reload = cmd("another")
					g.replace(s)
					g.offer("a", "b")
					g.happened("run reload")
					sleep(time.Minute)
					ran := strings.Join(g.log, ", ")
					if strings.Contains(ran, "run reload") || strings.Count(ran, "run another") > 1 || (fails != nil) != strings.Contains(ran, "run another") {
						t.Errorf("then: %s", ran)
					}
					if g.owed() {
						t.Error("something is owed in the end")
					}
					g.end()
				})
			})
		}
	}
}

// A roll-back by hand outlives a restart; other data ends it, also if it is
// followed by what was rolled back from.
func TestRollbackByHand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newRig(t)
		s := g.spec(group.Together)
		g.begin(s)
		g.offer("1", "1")
		g.offer("2", "2")
		if _, err := g.bundle.Rollback(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		sleep(time.Hour)
		g.happened("run reload", "run reload", "run reload", "held: it was rolled back")
		g.end()
		g.begin(s)
		g.offer("2", "2")
		sleep(time.Hour)
		g.happened("held: it was rolled back")
		g.holds("1", "1")
		g.offer("3", "3")
		g.offer("2", "2")
		g.happened("released", "run reload", "run reload")
		g.holds("2", "2")
		g.end()
	})
}

// A roll-back that cannot be made changes nothing. Nobody tries it again, and
// nobody says so.
func TestRollbackByHandThatFails(t *testing.T) {
	for _, tt := range []struct{ step, holds, state string }{{"check", "2", ""}, {"reload", "1", ", with the files in place"}} {
		t.Run(tt.step, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newRig(t)
				s := g.spec(group.Together)
				s.Check = cmd("check")
				g.begin(s)
				defer g.end()
				g.offer("1", "1")
				g.offer("2", "2")
				g.fails[tt.step] = errNo
				g.log, g.events = nil, nil
				_, err := g.bundle.Rollback(t.Context(), 1)
				if want := `rolling bundle "web" back to generation 1: ` + tt.step + " failed" + tt.state + ": "; err == nil || !strings.HasPrefix(err.Error(), want) {
					t.Errorf("error %v, want %s", err, want)
				}
				sleep(time.Hour)
				g.holds(tt.holds, tt.holds)
				back := tt.step == "reload" // it stays where it went
				if slices.Contains(g.log, "run reload") != back || g.owed() != back || slices.Contains(g.log, "held: it was rolled back") != back {
					t.Errorf("what happened: %q; owed: %v", g.log, g.owed())
				}
				for _, e := range g.events {
					if e, ok := e.(event.BundleFailed); ok && e.RetryIn != 0 {
						t.Errorf("it says that it is tried again in %v", e.RetryIn)
					}
				}
			})
		})
	}
}

// Where the command of a bundle changes, or its name, and something was owed, the
// new bundle owes it, and runs its own command once. The journal owes nothing in
// the end, and knows no command that nobody has any more.
func TestCommandOwedByAChangedBundle(t *testing.T) {
	for _, p := range []group.Policy{group.Together, group.Each} {
		synctest.Test(t, func(t *testing.T) {
			g := newRig(t)
			s := g.spec(p)
			g.begin(s)
			g.fails["reload"] = errNo
			g.offer("a", "b")
			old := g.bundle.spec.Key()
			s.Name, s.Reload = "other", cmd("another")
			g.set(func() { g.log = nil })
			g.replace(s)
			g.offer("a", "b")
			sleep(time.Minute)
			g.happened("run another")
			if st, err := g.journal.State(old); err != nil || st.Owed() || g.owed() {
				t.Errorf("policy %v: owed in the end: %v, by the old bundle: %v (%v)", p, g.owed(), st.Owed(), err)
			}
			names, err := g.journal.Bundles()
			if known := slices.Contains(names, old); err != nil || known != (p == group.Together) {
				t.Errorf("policy %v: the journal knows %q (%v)", p, names, err)
			}
			g.end()
			g.begin(s)
			g.offer("a", "b")
			sleep(time.Minute)
			g.happened()
			g.end()
		})
	}
}
