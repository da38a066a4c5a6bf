package runner

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"restencil/runner/event"
	"restencil/runner/process"
	"restencil/watch"
	"restencil/watch/schedule"
)

// A nursery stands in for the system, in fake time: its children do what the
// test says, and what happens to them is written down.
type nursery struct {
	mu       sync.Mutex
	start    time.Time
	events   []string
	living   []*fakeChild
	env      []string      // of the last one started
	obey     time.Duration // how long they take to end when told to; below 0: for ever
	refuse   error         // why none can be started
	immortal bool          // they cannot be killed
	viaShell bool
	remains  bool // of each one something stays until the group is told
	deaf     bool // and ignores that
}

// A fakeChild is a process that does what its nursery says.
type fakeChild struct {
	home *nursery
	end  chan struct{}

	mu     sync.Mutex
	st     process.Status
	rest   bool
	ending bool

	drained bool
}

func (n *nursery) note(format string, args ...any) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.events = append(n.events, fmt.Sprintf("%v ", time.Since(n.start))+fmt.Sprintf(format, args...))
}

func (n *nursery) spawn(args, env []string) (process.Process, error) {
	n.note("start %s", args[0])
	n.mu.Lock()
	defer n.mu.Unlock()
	n.env = env
	if n.refuse != nil {
		return nil, n.refuse
	}
	c := &fakeChild{home: n, end: make(chan struct{}), rest: n.remains}
	n.living = append(n.living, c)
	return c, nil
}

// last is the one that was started last.
func (n *nursery) last() *fakeChild {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.living[len(n.living)-1]
}

// happened wants just these events since the last call.
func (n *nursery) happened(t *testing.T, want ...string) {
	t.Helper()
	n.mu.Lock()
	defer n.mu.Unlock()
	if diff := cmp.Diff(want, n.events); diff != "" && len(want)+len(n.events) > 0 {
		t.Errorf("what happened to children (-want +got):\n%s", diff)
	}
	n.events = nil
}

// reason and files are what the last child was told.
func (n *nursery) told(name string) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, v := range slices.Backward(n.env) {
		if value, ok := strings.CutPrefix(v, name+"="); ok {
			return value
		}
	}
	return "(none)"
}

func (c *fakeChild) ID() int               { return 1 }
func (c *fakeChild) Shell() bool           { return c.home.viaShell }
func (c *fakeChild) Done() <-chan struct{} { return c.end }
func (c *fakeChild) Drain()                { c.drained = true }

func (c *fakeChild) Status() process.Status {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.st
}

func (c *fakeChild) Members(os.Signal) map[int]bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.rest {
		return nil
	}
	return map[int]bool{2: c.home.deaf}
}

func (c *fakeChild) Signal(sig os.Signal, group bool) error {
	if sig == process.NoSignal {
		return nil
	}
	who := ""
	if group {
		who = " to the group"
	}
	c.home.note("%v%s", sig, who)
	if group {
		c.mu.Lock()
		c.rest = c.home.deaf
		c.mu.Unlock()
	}
	if (sig == os.Interrupt || sig == syscall.SIGTERM) && c.home.obey >= 0 {
		time.AfterFunc(c.home.obey, func() { c.exit(process.Status{}) })
	}
	return nil
}

func (c *fakeChild) Kill() {
	c.home.note("kill")
	if c.home.immortal {
		return
	}
	c.mu.Lock()
	c.rest = false
	c.mu.Unlock()
	c.exit(process.Status{Code: 255, Signal: "killed"})
}

// exit ends the process.
func (c *fakeChild) exit(st process.Status) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.ending {
		c.ending, c.st = true, st
		close(c.end)
	}
}

// childRig starts a runner with a child.
func childRig(t *testing.T, o Options, store map[string]any) (*rig, *nursery) {
	t.Helper()
	n := &nursery{start: time.Now()}
	if o.Child == nil {
		o.Child = new(Child)
	}
	if o.Child.Args == nil {
		o.Child.Args = []string{"app"}
	}
	if o.Child.KillTimeout == 0 {
		o.Child.KillTimeout = 30 * time.Second
	}
	return newRigWith(t, o, store, func(g *rig) { g.spawn = n.spawn }), n
}

// count returns how many events are like that.
func (g *rig) count(like func(event.Event) bool) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	n := 0
	for _, e := range g.all {
		if like(e) {
			n++
		}
	}
	return n
}

// exits wants Run to end with this error.
func (g *rig) exits(want error) {
	g.t.Helper()
	synctest.Wait()
	select {
	case err := <-g.done:
		if fmt.Sprint(err) != fmt.Sprint(want) {
			g.t.Errorf("Run: %v, want %v", err, want)
		}
	default:
		g.t.Error("Run goes on")
	}
}

func TestChildStartsWhenAllIsRendered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, n := childRig(t, Options{Templates: []Template{
			tmpl("a", `{{ key "x" }}`), tmpl("b", `{{ key "y" }}`, "reload"),
		}}, map[string]any{"x": 1, "y": nil})
		defer g.stop()
		g.run = func(Command) (string, error) {
			time.Sleep(2 * time.Second)
			return "", errors.New("a command that fails holds up nothing")
		}
		sleep(time.Second)
		n.happened(t)
		g.store.set("y", 1)
		sleep(10 * time.Second)
		n.happened(t, "3s start app")
		if got, want := n.told("RESTENCIL_FILES"), g.dir+"/a\n"+g.dir+"/b"; got != want || n.told("RESTENCIL_REASON") != "start" {
			t.Errorf("told of %q, want %q", got, want)
		}
	})
}

func TestChildWithoutTemplates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, n := childRig(t, Options{}, nil)
		n.happened(t, "0s start app")
		g.stop()
		n.happened(t, "0s interrupt")
	})
}

func TestChildIsReloaded(t *testing.T) {
	tests := []struct {
		name  string
		child Child
		dry   bool
		want  []string
	}{
		{name: "by a restart", want: []string{"1s interrupt", "1s start app"}},
		{name: "by a signal", child: Child{ReloadSignal: syscall.SIGHUP}, want: []string{"1s hangup"}},
		{name: "not at all", child: Child{ReloadSignal: process.NoSignal}},
		{name: "in a dry run", dry: true, want: []string{"1s interrupt", "1s start app"}},
		{name: "by its own way to end it", child: Child{KillSignal: syscall.SIGTERM}, want: []string{"1s terminated", "1s start app"}},
		{name: "silently", child: Child{KillSignal: process.NoSignal, KillTimeout: 3 * time.Second}, want: []string{"4s kill", "4s start app"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g, n := childRig(t, Options{Preview: Preview{Dry: tt.dry}, Child: &tt.child, Templates: []Template{
					tmpl("a", `{{ key "x" }}`), tmpl("b", `{{ key "y" }}`),
				}}, map[string]any{"x": 1, "y": 1})
				defer g.stop()
				sleep(time.Second)
				n.happened(t, "0s start app")
				g.store.set("x", 2)
				sleep(time.Minute)
				n.happened(t, tt.want...)
				if got, want := g.count(func(e event.Event) bool { _, ok := e.(event.ChildReloaded); return ok }), len(tt.want)%2; got != want {
					t.Errorf("told of %d reloads, want %d", got, want)
				}
				if len(tt.want) == 2 && (n.told("RESTENCIL_FILES") != g.dir+"/a" || n.told("RESTENCIL_REASON") != "change") {
					t.Errorf("told of %q because of %q", n.told("RESTENCIL_FILES"), n.told("RESTENCIL_REASON"))
				}
				g.store.set("x", 2) // no change
				sleep(time.Minute)
				n.happened(t)
			})
		})
	}
}

// The files of a change, and what the commands for them make, are there when
// the child is told.
func TestChildIsReloadedAfterTheCommands(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		child := Child{ReloadSignal: syscall.SIGHUP}
		g, n := childRig(t, Options{Child: &child, Templates: []Template{
			tmpl("a", `{{ key "x" }}`, "one"), tmpl("b", `{{ key "x" }}`, "two"), tmpl("c", `{{ key "y" }}`),
		}}, map[string]any{"x": 1, "y": 1})
		defer g.stop()
		n.happened(t, "0s start app")
		g.run = func(Command) (string, error) { time.Sleep(time.Second); return "", errors.New("no") }
		sleep(time.Second)
		g.store.set("x", 2)
		sleep(500 * time.Millisecond)
		g.store.set("y", 2) // comes along
		sleep(10 * time.Second)
		n.happened(t, "3s hangup")
	})
}

// Files that depend on one change are in place when the child is told, though one
// of them is checked, or belongs to a named bundle.
func TestChildIsReloadedOnceForOneChange(t *testing.T) {
	for name, bundle := range map[string]string{"a check": "", "a bundle": "b"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				checked := tmpl("checked", `{{ key "x" }}`)
				checked.Check, checked.Bundle = cmd("check"), bundle
				o := Options{Child: &Child{ReloadSignal: syscall.SIGHUP}, Templates: []Template{tmpl("plain", `{{ key "x" }}`), checked}}
				if bundle != "" {
					o.Bundles = []Bundle{{Name: bundle, Reload: cmd("reload")}}
				}
				g, n := childRig(t, o, map[string]any{"x": 1})
				defer g.stop()
				sleep(time.Second)
				n.happened(t, "0s start app")
				g.run = func(Command) (string, error) { time.Sleep(5 * time.Second); return "", nil }
				g.store.set("x", 2)
				sleep(time.Minute)
				if len(n.events) != 1 || !strings.HasSuffix(n.events[0], " hangup") {
					t.Errorf("%q, want one reload", n.events)
				}
				g.holds("checked", "2")
			})
		})
	}
}

// Changes that go on faster than their command do not keep the child from
// being reloaded.
func TestChildIsReloadedThoughCommandsNeverStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		child := Child{ReloadSignal: syscall.SIGHUP}
		g, n := childRig(t, Options{Child: &child, Templates: []Template{
			tmpl("a", `{{ key "x" }}`, "one"), tmpl("b", `{{ key "x" }}`, "two"),
		}}, map[string]any{"x": 0})
		defer g.stop()
		n.happened(t, "0s start app")
		g.run = func(Command) (string, error) { time.Sleep(time.Second); return "", nil }
		for i := range 100 {
			g.store.set("x", i+1)
			sleep(100 * time.Millisecond)
		}
		if got := len(n.events); got < 3 || got > 6 {
			t.Errorf("reloaded %d times while commands of 2 s ran for 10 s: %q", got, n.events)
		}
	})
}

func TestChildSplay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		child := Child{Splay: time.Hour, ReloadSignal: syscall.SIGHUP}
		g, n := childRig(t, Options{Child: &child, Templates: []Template{tmpl("a", `{{ key "x" }}`)}}, map[string]any{"x": 0})
		n.happened(t, "0s start app")
		for i := range 10 {
			g.store.set("x", i+1)
			synctest.Wait()
		}
		n.happened(t) // unless the splay is below a nanosecond or so
		sleep(time.Hour)
		if len(n.events) != 1 || !strings.HasSuffix(n.events[0], " hangup") {
			t.Errorf("%q, want one reload for ten changes", n.events)
		}
		n.events = nil
		g.store.set("x", 100)
		synctest.Wait()
		g.stop() // at once
		n.happened(t, "1h0m0s interrupt")
	})
}

func TestChildExits(t *testing.T) {
	tests := []struct {
		name string
		st   process.Status
		want error
	}{
		{"well", process.Status{}, nil},
		{"with a code", process.Status{Code: 3}, errors.New("child process exited with code 3")},
		{"by a signal", process.Status{Code: 255, Signal: "killed"}, errors.New("child process exited with code 255 (killed)")},
	}
	for _, tt := range tests {
		for _, once := range []bool{false, true} {
			t.Run(fmt.Sprint(tt.name, " once ", once), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					g, n := childRig(t, Options{Once: once, Templates: []Template{tmpl("a", `{{ key "x" }}`)}}, map[string]any{"x": 1})
					sleep(time.Hour)
					n.last().exit(tt.st)
					g.exits(tt.want)
					n.happened(t, "0s start app")
				})
			})
		}
	}
}

func TestChildExitHasTheCode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, n := childRig(t, Options{}, nil)
		n.last().exit(process.Status{Code: 42})
		var exit *process.ChildExit
		if err := <-g.done; !errors.As(err, &exit) || exit.Code != 42 {
			t.Errorf("error %v, want code 42", err)
		}
	})
}

func TestChildCannotBeStarted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &nursery{start: time.Now(), refuse: errors.New("no such program")}
		g := newRigWith(t, Options{Child: &Child{Args: []string{"app"}, Restart: process.RestartAlways}}, nil, func(g *rig) { g.spawn = n.spawn })
		g.exits(n.refuse)
		n.happened(t, "0s start app")
	})
}

func TestChildNeedsACommand(t *testing.T) {
	for _, args := range [][]string{nil, {""}} {
		if _, err := New(Options{Child: &Child{Args: args}}, watch.New(nil)); err == nil {
			t.Errorf("no error for a child with the command %q", args)
		}
	}
}

// A change while the program is being replaced ends Run, as in
// consul-template; with a policy it is tried again.
func TestChildCannotBeStartedAgain(t *testing.T) {
	for _, policy := range []process.RestartPolicy{process.RestartNever, process.RestartOnFailure} {
		synctest.Test(t, func(t *testing.T) {
			g, n := childRig(t, Options{Child: &Child{Restart: policy}, Templates: []Template{tmpl("a", `{{ key "x" }}`)}}, map[string]any{"x": 0})
			n.refuse = errors.New("no such program")
			g.store.set("x", 1)
			if policy == process.RestartNever {
				g.exits(n.refuse)
				return
			}
			sleep(time.Hour)
			n.mu.Lock()
			n.refuse, n.events = nil, nil
			n.mu.Unlock()
			sleep(time.Hour)
			if len(n.events) != 1 {
				t.Errorf("%q, want one start", n.events)
			}
			g.stop()
		})
	}
}

func TestChildRestartPolicy(t *testing.T) {
	tests := []struct {
		policy process.RestartPolicy
		st     process.Status
		again  bool
		want   error // of Run, where it is not started again
	}{
		{process.RestartNever, process.Status{Code: 1}, false, &process.ChildExit{Code: 1}},
		{process.RestartOnFailure, process.Status{}, false, nil},
		{process.RestartOnFailure, process.Status{Code: 1}, true, nil},
		{process.RestartOnFailure, process.Status{Code: 255, Signal: "killed"}, true, nil},
		{process.RestartAlways, process.Status{}, true, nil},
		{process.RestartAlways, process.Status{Code: 1}, true, nil},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g, n := childRig(t, Options{Child: &Child{Restart: tt.policy}}, nil)
				n.last().exit(tt.st)
				if !tt.again {
					g.exits(tt.want)
					return
				}
				sleep(time.Minute)
				if len(n.living) != 2 || n.told("RESTENCIL_REASON") != "retry" {
					t.Errorf("started %d times, for the reason %q", len(n.living), n.told("RESTENCIL_REASON"))
				}
				g.stop()
			})
		})
	}
}

func TestChildBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, n := childRig(t, Options{Child: &Child{Restart: process.RestartAlways}}, nil)
		defer g.stop()
		crash := func(total time.Duration) int {
			n.mu.Lock()
			before := len(n.living)
			n.mu.Unlock()
			for range total / time.Second {
				n.last().exit(process.Status{Code: 1})
				sleep(time.Second)
			}
			n.mu.Lock()
			defer n.mu.Unlock()
			return len(n.living) - before
		}
		crash(time.Hour)
		if got := crash(time.Hour); got < 60 || got > 600 {
			t.Errorf("%d starts in an hour of crashes, want backoff up to a minute", got)
		}
		sleep(10 * time.Minute) // it runs
		n.last().exit(process.Status{Code: 1})
		sleep(1100 * time.Millisecond)
		select {
		case <-n.last().Done():
			t.Error("a child that had been well for long is not started again soon")
		default:
		}
	})
}

// New data is a new chance.
func TestChildThatWaitsIsStartedByAChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := Options{Child: &Child{Restart: process.RestartAlways}, Templates: []Template{tmpl("a", `{{ key "x" }}`)}}
		g, n := childRig(t, o, map[string]any{"x": 0})
		n.last().exit(process.Status{Code: 1})
		synctest.Wait()
		n.happened(t, "0s start app")
		g.store.set("x", 1)
		synctest.Wait()
		n.happened(t, "0s start app")
		if n.told("RESTENCIL_REASON") != "change" {
			t.Error("started because of", n.told("RESTENCIL_REASON"))
		}
		n.last().exit(process.Status{Code: 7})
		synctest.Wait()
		if !g.runner.Signal(syscall.SIGTERM) {
			t.Error("the signal was not taken")
		}
		g.exits(&process.ChildExit{Code: 7})
	})
}

func TestChildEndsWithRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, n := childRig(t, Options{Child: &Child{KillTimeout: 10 * time.Second}}, nil)
		n.obey = -1
		start := time.Now()
		g.stop()
		if took := time.Since(start); took != 10*time.Second {
			t.Errorf("Run took %v to end, want 10s", took)
		}
		n.happened(t, "0s start app", "0s interrupt", "10s kill")
		if !n.last().drained {
			t.Error("what it printed may be lost")
		}
	})
}

func TestChildThatCannotBeKilled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, n := childRig(t, Options{}, nil)
		n.obey, n.immortal = -1, true
		g.runner.Signal(syscall.SIGTERM)
		sleep(time.Minute)
		g.exits(&process.ChildExit{Code: 255, Signal: "it cannot be killed"})
	})
}

func TestChildOfTheShellEndsWithItsGroup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, n := childRig(t, Options{}, nil)
		n.viaShell = true
		g.runner.Signal(syscall.SIGQUIT)
		synctest.Wait()
		g.stop()
		n.happened(t, "0s start app", "0s quit to the group", "0s interrupt to the group")
	})
}

// Once the end was asked for, there is no word of another start.
func TestChildEndIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, _ := childRig(t, Options{Child: &Child{Restart: process.RestartAlways}}, nil)
		g.runner.Signal(syscall.SIGTERM)
		g.exits(nil)
		got := g.count(func(e event.Event) bool {
			end, ok := e.(event.ChildEnded)
			return ok && end.RetryIn == 0
		})
		if got != 1 {
			t.Errorf("told %d times, want once: %v", got, g.all)
		}
	})
}

// What a child leaves of its group ends, too.
func TestChildLeavesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &nursery{start: time.Now(), remains: true}
		g := newRigWith(t, Options{Child: &Child{Args: []string{"app"}, KillTimeout: time.Second}}, nil, func(g *rig) { g.spawn = n.spawn })
		n.last().exit(process.Status{})
		g.exits(nil)
		n.happened(t, "0s start app", "0s interrupt to the group")
	})
}

// Nobody waits for what does not listen.
func TestChildLeavesNothingThatIgnoresSignals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &nursery{start: time.Now(), remains: true, deaf: true}
		g := newRigWith(t, Options{Child: &Child{Args: []string{"app"}, KillTimeout: time.Minute}}, nil, func(g *rig) { g.spawn = n.spawn })
		g.stop()
		n.happened(t, "0s start app", "0s interrupt", "0s interrupt to the group", "20ms kill")
	})
}

// An error that ends Run leaves no orphan (COMPAT Q6).
func TestChildEndsOnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bad := tmpl("a", `{{ key "x" | parseInt }}`)
		bad.OnError = ErrorFatal
		g, n := childRig(t, Options{Templates: []Template{bad}}, map[string]any{"x": 1})
		n.happened(t, "0s start app")
		n.obey = 3 * time.Second
		g.store.set("x", "one")
		if err := <-g.done; err == nil || !strings.Contains(err.Error(), "parseInt") {
			t.Errorf("Run: %v", err)
		}
		n.happened(t, "0s interrupt")
		select {
		case <-n.last().Done():
		default:
			t.Error("the child runs on")
		}
	})
}

// That another template is in trouble does not matter to a restart (Q6b).
func TestChildRestartsWhileATemplateFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, n := childRig(t, Options{Templates: []Template{
			tmpl("a", `{{ key "x" }}`), tmpl("b", `{{ key "y" | parseInt }}`),
		}}, map[string]any{"x": 1, "y": 1})
		defer g.stop()
		g.store.set("y", "one")
		g.store.set("x", 2)
		sleep(time.Second)
		n.happened(t, "0s start app", "0s interrupt", "0s start app")
	})
}

func TestChildGetsSignals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, n := childRig(t, Options{Child: &Child{ReloadSignal: syscall.SIGHUP}, Templates: []Template{tmpl("a", `{{ key "x" }}`)}}, map[string]any{"x": nil})
		defer g.stop()
		if g.runner.Signal(syscall.SIGQUIT) {
			t.Error("a signal was taken before there was a child")
		}
		g.store.set("x", 1)
		synctest.Wait()
		for _, sig := range []syscall.Signal{syscall.SIGQUIT, syscall.SIGHUP} {
			if !g.runner.Signal(sig) {
				t.Errorf("%v was not taken", sig)
			}
			synctest.Wait()
		}
		n.happened(t, "0s start app", "0s quit", "0s hangup")
	})
}

// A reload signal from outside is a reload, whatever it means elsewhere.
func TestChildGetsItsReloadSignal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, n := childRig(t, Options{Child: &Child{ReloadSignal: syscall.SIGTERM, Splay: time.Hour}}, nil)
		n.obey = -1
		g.runner.Signal(syscall.SIGTERM)
		sleep(time.Second)
		n.happened(t, "0s start app")
		sleep(time.Hour)
		if len(n.events) != 1 || !strings.HasSuffix(n.events[0], " terminated") {
			t.Errorf("%q, want one reload", n.events)
		}
		n.last().exit(process.Status{})
		g.exits(nil)
	})
}

func TestChildIsAskedToEnd(t *testing.T) {
	for _, sig := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		for _, obey := range []time.Duration{0, -1} {
			synctest.Test(t, func(t *testing.T) {
				g, n := childRig(t, Options{Child: &Child{Splay: time.Hour, KillTimeout: 10 * time.Second, Restart: process.RestartAlways}}, nil)
				n.obey = obey
				if !g.runner.Signal(sig) {
					t.Fatal("the signal was not taken")
				}
				synctest.Wait()
				if obey == 0 {
					g.exits(nil)
					n.happened(t, "0s start app", fmt.Sprint("0s ", sig))
					return
				}
				g.runner.Signal(syscall.SIGQUIT) // goes on being passed on
				sleep(10 * time.Second)
				g.exits(&process.ChildExit{Code: 255, Signal: "killed"})
				n.happened(t, "0s start app", fmt.Sprint("0s ", sig), "0s quit", "10s kill")
			})
		}
	}
}

// The end can be asked for at any time.
func TestChildIsAskedToEndWhileItRestarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, n := childRig(t, Options{Templates: []Template{tmpl("a", `{{ key "x" }}`)}}, map[string]any{"x": 1})
		n.obey = 5 * time.Second
		sleep(time.Second)
		g.store.set("x", 2)
		sleep(time.Second)
		g.runner.Signal(syscall.SIGTERM)
		sleep(10 * time.Second)
		g.exits(nil)
		n.happened(t, "0s start app", "1s interrupt", "2s terminated")
	})
}

func TestRunEndsWhileTheChildRestarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, n := childRig(t, Options{Templates: []Template{tmpl("a", `{{ key "x" }}`)}}, map[string]any{"x": 1})
		n.obey = 5 * time.Second
		sleep(time.Second)
		g.store.set("x", 2)
		sleep(time.Second)
		g.stop()
		n.happened(t, "0s start app", "1s interrupt")
		if got := time.Since(g.start); got != 6*time.Second {
			t.Errorf("ended at %v, want 6s", got)
		}
	})
}

func TestOnceWithAChild(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, n := childRig(t, Options{Once: true, Templates: []Template{tmpl("a", `{{ key "x" }}`, "reload")}}, map[string]any{"x": 1})
		n.happened(t, "0s start app")
		g.store.set("x", 2)
		sleep(time.Minute)
		n.happened(t)
		g.holds("a", "1")
		g.store.mu.Lock()
		if !g.store.ended {
			t.Error("the store is still asked")
		}
		g.store.mu.Unlock()
		n.last().exit(process.Status{})
		g.exits(nil)
	})
}

func TestOnceWithAFailingCommandStartsNoChild(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, n := childRig(t, Options{Once: true, Templates: []Template{tmpl("a", `{{ key "x" }}`, "reload")}}, map[string]any{"x": nil})
		g.run = func(Command) (string, error) { return "", errors.New("no") }
		g.store.set("x", 1)
		if err := <-g.done; err == nil {
			t.Error("no error")
		}
		n.happened(t)
	})
}

func TestReloadKeepsTheChild(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		child := func() *Child { return &Child{Args: []string{"app"}, Env: []string{"A=b"}, KillTimeout: time.Minute} }
		templates := []Template{tmpl("a", `{{ key "x" }}`)}
		g, n := childRig(t, Options{Child: child(), Templates: templates}, map[string]any{"x": 1})
		defer g.stop()
		for range 10 {
			g.reloadOptions(Options{Child: child(), Templates: templates})
		}
		n.happened(t, "0s start app")
	})
}

func TestReloadOfTheChild(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		templates := []Template{tmpl("a", `{{ key "x" }}`)}
		g, n := childRig(t, Options{Templates: templates}, map[string]any{"x": 1, "y": nil})
		n.happened(t, "0s start app")

		other := &Child{Args: []string{"other"}, KillTimeout: time.Minute}
		g.reloadOptions(Options{Child: other, Templates: append(templates, tmpl("b", `{{ key "y" }}`))})
		sleep(time.Second)
		n.happened(t) // not before all is rendered for it
		g.store.set("y", 1)
		synctest.Wait()
		n.happened(t, "1s interrupt", "1s start other")

		g.reloadOptions(Options{Templates: templates})
		n.happened(t, "1s interrupt")
		if g.runner.Signal(syscall.SIGQUIT) {
			t.Error("a signal was taken, and there is no child")
		}
		g.reloadOptions(Options{Child: other, Templates: templates})
		n.happened(t, "1s start other")
		n.last().exit(process.Status{Code: 9})
		g.exits(&process.ChildExit{Code: 9})
	})
}

// The child starts when its variables are known, and again when one has another value.
func TestChildVariables(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		variable := func(name, text string) Template {
			v := tmpl("", text)
			v.Variable, v.Destination = name, ""
			return v
		}
		templates := []Template{
			tmpl("a", `{{ key "x" }}`), variable("X", `{{ key "x" }}`), variable("PW", "{{ key \"pw\" }}\r\n\n"),
		}
		child := &Child{Args: []string{"app"}, Env: []string{"PW=old", "A=b"}, KillTimeout: time.Minute}
		g, n := childRig(t, Options{Child: child, Templates: templates}, map[string]any{"x": "1", "pw": nil})
		defer g.stop()
		sleep(time.Second)
		n.happened(t) // not all is known
		g.store.set("pw", "s3 cret\n")
		synctest.Wait()
		n.happened(t, "1s start app")
		if x, pw, a := n.told("X"), n.told("PW"), n.told("A"); x != "1" || pw != "s3 cret" || a != "b" {
			t.Errorf("the child has X=%q, PW=%q and A=%q", x, pw, a)
		}
		if files, want := n.told("RESTENCIL_FILES"), g.dir+"/a"; files != want {
			t.Errorf("the child is told of %q, want %q", files, want)
		}
		sleep(time.Second)
		g.store.set("pw", "s3 cret") // the same value
		synctest.Wait()
		n.happened(t)
		g.store.set("x", "2") // a file and a variable
		synctest.Wait()
		n.happened(t, "2s interrupt", "2s start app")
		if x := n.told("X"); x != "2" {
			t.Errorf("the child has X=%q", x)
		}
		g.store.set("pw", "a\x00b")
		sleep(time.Second)
		n.happened(t)
		if failed := g.count(func(e event.Event) bool { f, ok := e.(event.Failed); return ok && f.Destination == "$PW" }); failed != 1 {
			t.Errorf("%d failures told of a value that no variable can have", failed)
		}

		g.reloadOptions(Options{Child: child, Templates: templates[:2]})
		synctest.Wait()
		n.happened(t, "3s interrupt", "3s start app")
		if pw := n.told("PW"); pw != "old" {
			t.Errorf("the child has PW=%q after its template is gone", pw)
		}
	})
}

// A value that no process can be given is refused: the child keeps the one before, and
// goes on. The next that is good ends that, the one before included.
func TestChildVariableRefused(t *testing.T) {
	for name, bad := range map[string]string{"zero byte": "a\x00b", "too long": strings.Repeat("a", 128<<10)} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				x := tmpl("x.ctmpl", `{{ key "x" }}`)
				x.Variable = "X"
				g, n := childRig(t, Options{Templates: []Template{x}}, map[string]any{"x": "1"})
				defer g.stop()
				n.happened(t, "0s start app")
				counts := func(failed, recovered int) {
					t.Helper()
					synctest.Wait()
					f := g.count(func(e event.Event) bool { f, ok := e.(event.Failed); return ok && f.Destination == "$X" })
					r := g.count(func(e event.Event) bool { r, ok := e.(event.Recovered); return ok && r.Destination == "$X" })
					if f != failed || r != recovered {
						t.Errorf("failed %d times and recovered %d times, want %d and %d", f, r, failed, recovered)
					}
				}
				g.store.set("x", bad)
				counts(1, 0)
				g.store.set("x", "1")
				counts(1, 1)
				g.store.set("x", "1\n")
				counts(1, 1)
				n.happened(t)
				g.store.set("x", bad)
				counts(2, 1)
				g.store.set("x", "2")
				counts(2, 2)
				n.happened(t, "0s interrupt", "0s start app")
				if x := n.told("X"); x != "2" {
					t.Errorf("the child has X=%q", x)
				}
			})
		})
	}
}

// Variables that are too large in sum leave the child as it is, until they are smaller.
func TestChildVariablesTooLarge(t *testing.T) {
	var all []Template
	for i := range 20 {
		v := tmpl("x.ctmpl", `{{ key "x" }}`)
		v.Variable = fmt.Sprint("X", i)
		all = append(all, v)
	}
	all = append(all, tmpl("a", `{{ key "a" }}`))
	large := strings.Repeat("a", 100<<10)
	refused := func(err error) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), "would have 2000 KiB, and Linux takes 1856 KiB (X10 has 100 KiB, X11 has 100 KiB, X12 has 100 KiB)") {
			t.Errorf("the error is %v", err)
		}
	}
	child := &Child{Args: []string{"app"}, Env: []string{}, KillTimeout: time.Minute}
	synctest.Test(t, func(t *testing.T) {
		g, n := childRig(t, Options{Child: child, Templates: all}, map[string]any{"x": "1", "a": "1"})
		defer g.stop()
		n.happened(t, "0s start app")
		g.store.set("x", large)
		sleep(time.Second)
		n.happened(t)
		var errs []error
		g.count(func(e event.Event) bool {
			if f, ok := e.(event.Failed); ok {
				errs = append(errs, f.Err)
			}
			return false
		})
		refused(errors.Join(errs...))
		if len(errs) != 1 {
			t.Errorf("told %d times of it", len(errs))
		}
		g.store.set("a", "2") // the child reads a file that changes
		sleep(time.Second)
		n.happened(t, "1s interrupt", "1s start app")
		if x := n.told("X19"); x != "1" {
			t.Errorf("the child has X19=%.10q…", x)
		}
		g.store.set("x", "2")
		sleep(time.Second)
		n.happened(t, "2s interrupt", "2s start app")
		if r := g.count(func(e event.Event) bool { r, ok := e.(event.Recovered); return ok && r.Destination == "$X10" }); r != 1 {
			t.Errorf("recovered %d times, want once", r)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		g, n := childRig(t, Options{Once: true, Child: child, Templates: all}, map[string]any{"x": large, "a": "1"})
		refused(<-g.done)
		n.happened(t)
	})
}

// With Once it is an error, as one of the template, and the child is not started.
func TestChildVariableRefusedOnce(t *testing.T) {
	for _, dry := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			x := tmpl("x.ctmpl", `{{ key "x" }}`)
			x.Variable = "X"
			g, n := childRig(t, Options{Once: true, Preview: Preview{Dry: dry}, Templates: []Template{x}}, map[string]any{"x": "a\x00b"})
			g.exits(&event.FileError{Template: "x.ctmpl", Destination: "$X", Err: errZeroByte})
			n.happened(t)
		})
	}
}

// A child that replaces another is started again where it cannot be, as Restart says.
func TestReplacementOfAChildThatCannotStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := tmpl("x.ctmpl", `{{ key "x" }}`)
		x.Variable = "X"
		child := &Child{Args: []string{"app"}, KillTimeout: time.Minute, Restart: process.RestartAlways}
		g, n := childRig(t, Options{Child: child, Templates: []Template{x}}, map[string]any{"x": "1"})
		defer g.stop()
		n.happened(t, "0s start app")
		n.mu.Lock()
		n.refuse = errors.New("too many processes")
		n.mu.Unlock()
		g.store.set("x", "2")
		synctest.Wait()
		n.happened(t, "0s interrupt", "0s start app")
		n.mu.Lock()
		n.refuse = nil
		n.mu.Unlock()
		sleep(5 * time.Second)
		if x := n.told("X"); x != "2" {
			t.Errorf("the child has X=%q", x)
		}
	})
}

// A variable whose template is there again, or is another one, is rendered, though the
// value is the same.
func TestChildVariableAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		variable := func(template, text string) Template {
			v := tmpl(template, text)
			v.Variable = "X"
			return v
		}
		old := variable("x.ctmpl", `{{ key "x" }}`)
		child := &Child{Args: []string{"app"}, Env: []string{}, KillTimeout: time.Minute}
		g, n := childRig(t, Options{Child: child, Templates: []Template{old}}, map[string]any{"x": "1", "y": "1"})
		defer g.stop()
		n.happened(t, "0s start app")
		rendered := func(template string, want int) {
			t.Helper()
			synctest.Wait()
			if got := g.count(func(e event.Event) bool { r, ok := e.(event.Rendered); return ok && r.Template == template }); got != want {
				t.Errorf("%s was rendered %d times, want %d", template, got, want)
			}
		}
		rendered("x.ctmpl", 1)
		g.reloadOptions(Options{Child: child})
		synctest.Wait()
		n.happened(t, "0s interrupt", "0s start app")
		g.reloadOptions(Options{Child: child, Templates: []Template{old}})
		rendered("x.ctmpl", 2)
		n.happened(t, "0s interrupt", "0s start app")
		g.reloadOptions(Options{Child: child, Templates: []Template{old}})
		rendered("x.ctmpl", 2)
		g.reloadOptions(Options{Child: child, Templates: []Template{variable("y.ctmpl", `{{ key "y" }}`)}})
		rendered("y.ctmpl", 1)
		n.happened(t)
	})
}

// What a reload adds is waited for, with its command, although the child of
// before might have been started.
func TestReloadBeforeTheChildStarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		child := Child{Args: []string{"app"}, KillTimeout: time.Minute}
		a, b := tmpl("a", `{{ key "x" }}`, "one"), tmpl("b", `{{ key "y" }}`, "two")
		g, n := childRig(t, Options{Child: &child, Templates: []Template{a}}, map[string]any{"x": nil, "y": nil})
		defer g.stop()
		g.run = func(Command) (string, error) { time.Sleep(10 * time.Second); return "", nil }
		g.store.set("x", 1)
		sleep(time.Second)
		g.reloadOptions(Options{Child: &child, Templates: []Template{a, b}})
		sleep(19 * time.Second)
		g.store.set("y", 1)
		sleep(time.Minute)
		n.happened(t, "30s start app")
	})
}

func TestChildIsAskedToEndWhileItIsReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, n := childRig(t, Options{}, nil)
		n.obey = 5 * time.Second
		g.reloadOptions(Options{Child: &Child{Args: []string{"other"}}})
		sleep(time.Second)
		g.runner.Signal(syscall.SIGTERM)
		sleep(time.Minute)
		g.exits(nil)
		n.happened(t, "0s start app", "0s interrupt", "1s terminated")
	})
}

// That all is to end counts for more than how the child did.
func TestChildEndsAtTheSameTime(t *testing.T) {
	r, err := New(Options{}, watch.New(nil))
	if err != nil {
		t.Fatal(err)
	}
	refuse := func(_, _ []string) (process.Process, error) { return nil, errors.New("no") }
	s := process.NewSupervisor(Child{Args: []string{"app"}}, nil, refuse, schedule.Backoff{}, func(event.Event) {})
	s.Run(t.Context(), false)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r.templates.Start(ctx, r.events.emit)
	r.bundles.start(ctx, r.opts, nil, r.events.emit, fakeSystem{})
	for range 100 { // whichever the loop hears of first
		r.child.now.Store(s)
		if err := r.loop(ctx); err != nil {
			t.Fatalf("error %v; want the end without error", err)
		}
	}
}

// A template that is there already, or was written by another pass, does not
// reload the child that was started after it.
func TestChildIsNotReloadedForWhatItFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, n := childRig(t, Options{Templates: []Template{
			tmpl("a", `{{ key "x" }}`), tmpl("b", `{{ key "y" }}`),
		}}, map[string]any{"x": 1, "y": nil})
		defer g.stop()
		for i := range 5 {
			g.store.set("x", i)
			sleep(time.Second)
		}
		g.store.set("y", 1)
		sleep(time.Minute)
		n.happened(t, "5s start app")
	})
}

func TestCommandsLearnWhy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reload := tmpl("a", `{{ key "x" }}`, "reload")
		reload.Command.Env = []string{"A=b"}
		g := newRig(t, Options{Templates: []Template{reload, tmpl("b", `{{ key "x" }}`, "reload")}}, map[string]any{"x": nil})
		defer g.stop()
		var mu sync.Mutex
		var got []string
		g.run = func(c Command) (string, error) {
			mu.Lock()
			defer mu.Unlock()
			got = append(got, strings.ReplaceAll(strings.Join(c.Env, " "), g.dir+"/", ""))
			if len(got)%2 == 0 {
				return "", errors.New("no")
			}
			return "", nil
		}
		g.store.set("x", 1)
		synctest.Wait()
		g.store.set("x", 2)
		sleep(time.Minute)
		g.store.set("x", 3)
		synctest.Wait()
		g.store.set("x", 4) // before it is tried again
		sleep(time.Minute)
		both := " RESTENCIL_FILES=a\nb RESTENCIL_FILES_MORE=0 RESTENCIL_BUNDLE=a"
		want := []string{
			"A=b RESTENCIL_REASON=start" + both,
			"A=b RESTENCIL_REASON=change" + both,
			"A=b RESTENCIL_REASON=retry" + both,
			"A=b RESTENCIL_REASON=change" + both,
			"A=b RESTENCIL_REASON=change" + both,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("environment (-want +got):\n%s", diff)
		}
	})
}
