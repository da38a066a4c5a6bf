package journal

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"restencil/runner/journal/history"
	"restencil/runner/journal/swap"
)

// A swapping is a bundle of four files, of which the third is new and the last is
// removed, and what is done to it: the calls that a transaction makes, and the renames between them.
type swapping struct {
	dir, state string
	rollback   bool // the old files are put back after Swapped
	step       func(string)
}

var swappedFiles = []string{"a", "b", "c", "d"}

func (w swapping) path(name string) string { return filepath.Join(w.dir, name) }
func (w swapping) temp(name string) string { return filepath.Join(w.dir, "."+name+".restencil-new") }
func (w swapping) kept(name string) string { return filepath.Join(w.dir, "."+name+".restencil-old") }

func (w swapping) moves() []swap.Move {
	var moves []swap.Move
	for _, name := range swappedFiles {
		m := swap.Move{Path: w.path(name), Temp: w.temp(name)}
		if name != "c" {
			m.Kept = w.kept(name)
		}
		if name == "d" {
			m.Temp = ""
		}
		moves = append(moves, m)
	}
	return moves
}

// prepare makes the old files and the staged ones, and a journal which says
// that the old ones have been applied.
func (w swapping) prepare(t *testing.T) {
	t.Helper()
	for _, name := range swappedFiles {
		if name != "c" {
			put(t, w.path(name), "old "+name)
		}
		if name != "d" {
			put(t, w.temp(name), "new "+name)
		}
	}
	j := open(t, w.state, Options{Generations: 2})
	check(t, applied(j, "nginx", "old", []history.File{{Path: w.path("a"), Content: []byte("old a")}}))
	check(t, j.Close())
}

// run does all of it.
func (w swapping) run() error {
	j := New(w.state, Options{Generations: 2})
	defer j.Close()
	j.disk.Step, j.disk.Quick = w.step, true
	if err := j.Begin("nginx", "new", false, w.moves()); err != nil {
		return err
	}
	for _, m := range w.moves() {
		if err := w.swap(m); err != nil {
			return err
		}
	}
	if err := j.Swapped("nginx"); err != nil {
		return err
	}
	if w.rollback {
		for _, m := range slices.Backward(w.moves()) {
			if err := w.putBack(m); err != nil {
				return err
			}
		}
		return j.Undone("nginx")
	}
	w.step("reload")
	return applied(j, "nginx", "new", []history.File{{Path: w.path("a"), Content: []byte("new a")}})
}

func (w swapping) swap(m swap.Move) error {
	if m.Kept != "" {
		w.step("link")
		if err := os.Link(m.Path, m.Kept); err != nil {
			return err
		}
	}
	w.step("swap " + m.Path)
	if m.Temp == "" {
		return os.Remove(m.Path)
	}
	return os.Rename(m.Temp, m.Path)
}

func (w swapping) putBack(m swap.Move) error {
	w.step("put back " + m.Path)
	if m.Kept == "" {
		return os.Remove(m.Path)
	}
	return os.Rename(m.Kept, m.Path)
}

// A crash is what ends a run in the same process.
type crash struct{ step string }

// until runs do, which is given a step function that ends it at the n-th step
// (from 0), and returns the steps that were done.
func until(n int, do func(step func(string)) error) (done []string, ended bool, err error) {
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(crash); !ok {
				panic(r)
			}
			ended = true
		}
	}()
	err = do(func(what string) {
		if len(done) == n {
			panic(crash{what})
		}
		done = append(done, what)
	})
	return done, false, err
}

// verify recovers after a crash and checks what is there then.
func (w swapping) verify(t *testing.T, done []string) {
	t.Helper()
	j := open(t, w.state, Options{Generations: 2})
	recoveries, err := j.Recover()
	check(t, err)
	for _, r := range recoveries {
		check(t, r.Err)
	}
	got := w.generation(t)
	st, err := j.State("nginx")
	check(t, err)
	w.verifyState(t, got, st, done)
	begun := slices.ContainsFunc(done, func(s string) bool { return strings.HasPrefix(s, "sync ") })
	if left := strays(t, w.dir); left != nil && begun {
		t.Errorf("left behind: %q", left)
	}
	check(t, j.Close())
	j = open(t, w.state, Options{Generations: 2})
	if again, err := j.Recover(); again != nil || err != nil {
		t.Errorf("the second Recover = %+v, %v", again, err)
	}
	if again, err := j.State("nginx"); !cmp.Equal(again, st) || err != nil {
		t.Errorf("after that, State = %+v, %v; was %+v", again, err, st)
	}
}

func (w swapping) verifyState(t *testing.T, got string, st State, done []string) {
	t.Helper()
	if got == "old" && !w.swappedIn(done) && (st.Owed() || st.Desired != "old") {
		t.Errorf("old files, none ever replaced: %+v", st)
	}
	if got == "new" && (st.Desired != "new" || !st.Owed() && done[len(done)-1] == "reload") {
		t.Errorf("new files: %+v", st)
	}
	if w.swappedIn(done) && got == "old" && !w.rollback {
		t.Errorf("undone although it could be completed: %+v", st)
	}
	if len(done) > 0 && strings.HasPrefix(done[len(done)-1], "put back ") && (got != "old" || !st.Owed()) {
		t.Errorf("while the old files were being put back: %s files, %+v", got, st)
	}
}

// swappedIn tells whether a file was replaced in these steps.
func (w swapping) swappedIn(done []string) bool {
	return slices.ContainsFunc(done, func(s string) bool { return strings.HasPrefix(s, "swap ") })
}

// generation returns "old" or "new", whichever all files are.
func (w swapping) generation(t *testing.T) string {
	t.Helper()
	var all []string
	for _, name := range swappedFiles {
		data, err := os.ReadFile(w.path(name))
		if err != nil {
			data = []byte("no " + name)
		}
		all = append(all, string(data))
	}
	switch s := strings.Join(all, ", "); s {
	case "old a, old b, no c, old d":
		return "old"
	case "new a, new b, new c, no d":
		return "new"
	default:
		t.Fatalf("a mixture: %s", s)
		return ""
	}
}

func newSwapping(t *testing.T, rollback bool) swapping {
	w := swapping{dir: t.TempDir(), state: filepath.Join(t.TempDir(), "state"), rollback: rollback}
	w.prepare(t)
	return w
}

// TestCrash ends a swap at each step, and the recovery from that at each of its
// own, and that of the second time too.
func TestCrash(t *testing.T) {
	for _, rollback := range []bool{false, true} {
		for n := 0; ; n++ {
			ended := false
			for m := 0; ; m++ {
				w := newSwapping(t, rollback)
				done, cut, err := until(n, func(step func(string)) error { w.step = step; return w.run() })
				check(t, err)
				_, again, err := until(m, w.recover)
				check(t, err)
				ok := t.Run(fmt.Sprintf("rollback=%v,%d,%d", rollback, n, m), func(t *testing.T) { w.verify(t, done) })
				if !ok {
					t.Fatalf("done before the crash:\n%s", strings.Join(done, "\n"))
				}
				ended = cut
				if !again {
					break
				}
			}
			if !ended {
				break
			}
		}
	}
}

func (w swapping) recover(step func(string)) error {
	j := New(w.state, Options{Generations: 2})
	defer j.Close()
	j.disk.Step, j.disk.Quick = step, true
	_, err := j.Recover()
	return err
}

// TestCrashWithoutStaged is as TestCrash, and what was staged for the last file
// is lost: then the others must be put back.
func TestCrashWithoutStaged(t *testing.T) {
	for n := 0; ; n++ {
		w := newSwapping(t, false)
		done, cut, err := until(n, func(step func(string)) error { w.step = step; return w.run() })
		check(t, err)
		if err := os.Remove(w.temp("c")); err != nil || !cut {
			break // it had been swapped
		}
		j := open(t, w.state, Options{})
		_, err = j.Recover()
		check(t, err)
		if got := w.generation(t); got != "old" {
			t.Errorf("after %q: %s", done, got)
		}
		// Who reads the files may have seen some new ones.
		if st, _ := j.State("nginx"); st.Owed() != w.swappedIn(done) {
			t.Errorf("after %q: %+v", done, st)
		}
	}
}

// TestTornFile cuts a bundle's file off at each length, as a loss of power may.
func TestTornFile(t *testing.T) {
	w := newSwapping(t, false)
	_, _, err := until(1000, func(step func(string)) error { w.step = step; return w.run() })
	check(t, err)
	path := bundleFile(t, w.state)
	whole, err := os.ReadFile(path)
	check(t, err)
	for n := range whole {
		torn := string(whole[:n]) + strings.Repeat("\x00", n%3)
		lines := strings.Count(torn, "\n")
		if _, _, err := lastRecord([]byte(torn)); (err == nil) != (lines > 0) {
			t.Fatalf("%d bytes, %d lines: %v", n, lines, err)
		}
		if n%37 == 0 && !strings.HasSuffix(torn, "\n") {
			put(t, path, torn)
			wantTorn(t, w.state, lines > 0, torn != "")
		}
	}
}

// wantTorn checks that a file which is cut off is known or not, and if not is
// complained about unless it is empty, and that it can be written to.
func wantTorn(t *testing.T, dir string, known, full bool) {
	t.Helper()
	warned := false
	j := open(t, dir, Options{Warn: func(error) { warned = true }})
	st, err := j.State("nginx")
	if err != nil || (st.Desired != "") != known || full && !warned || !st.Unknown {
		t.Errorf("State = %+v, %v; known: %v, warned: %v", st, err, known, warned)
	}
	check(t, j.Owe("nginx", "next", nil))
	check(t, j.Close())
	if st, _ := open(t, dir, Options{ReadOnly: true}).State("nginx"); st.Desired != "next" {
		t.Errorf("after a write: %+v", st)
	}
}
