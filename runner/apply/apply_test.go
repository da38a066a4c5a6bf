package apply

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"restencil/renderer"
	"restencil/runner/format"
	"restencil/runner/journal"
	"restencil/runner/probe"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A bench is a bundle of two files, "a" and "sub/b", with fakes for all that is
// run. What happens is in log, in order.
type bench struct {
	t      *testing.T
	dir    string
	log    []string
	fails  map[string]error // by the word that a command begins with
	onRun  func(Command)
	onStep func(Step)
	notes  notes
	change Change
	tools  Tools
	mu     sync.Mutex
}

func newBench(t *testing.T) *bench {
	b := &bench{t: t, dir: t.TempDir(), fails: make(map[string]error)}
	b.put("a", "old a", 0o640)
	b.put("sub/b", "old b", 0o600)
	b.change = Change{
		Bundle: "web",
		Members: []Member{
			{Template: "a.ctmpl", File: renderer.File{Path: b.at("a"), Content: []byte("new a"), Perm: 0o644}},
			{Template: "b.ctmpl", File: renderer.File{Path: b.at("sub/b"), Content: []byte("new b")}},
		},
		Check:   Command{Args: []string{"check", "all"}},
		Reload:  Command{Args: []string{"reload", "it"}},
		Desired: "new",
	}
	b.tools = Tools{Run: b.run, Entered: b.entered}
	return b
}

func (b *bench) at(name string) string { return filepath.Join(b.dir, filepath.FromSlash(name)) }

func (b *bench) put(name, content string, mode fs.FileMode) {
	b.t.Helper()
	path := b.at(name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		b.t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		b.t.Fatal(err)
	}
}

// move has b's files elsewhere; those there are new.
func (b *bench) move(dir string) {
	for i := range b.change.Members {
		f := &b.change.Members[i].File
		f.Path = filepath.Join(dir, strings.TrimPrefix(f.Path, b.dir))
	}
	b.dir = dir
}

func (b *bench) run(ctx context.Context, c Command) (string, error) {
	if ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.log = append(b.log, strings.Join(c.Args, " "))
	if b.onRun != nil {
		b.onRun(c)
	}
	if err := b.fails[c.Args[0]]; err != nil {
		return c.Args[0] + " says no", err
	}
	return "", nil
}

func (b *bench) entered(s Step) {
	b.log = append(b.log, "> "+string(s))
	if b.onStep != nil {
		b.onStep(s)
	}
}

func (b *bench) apply(ctx context.Context) Outcome {
	tx := &transaction{Change: b.change, tools: b.tools, notes: b.notes}
	return tx.run(ctx)
}

// wantLog asserts what has happened since it was last called.
func (b *bench) wantLog(want ...string) {
	b.t.Helper()
	if diff := cmp.Diff(want, b.log); diff != "" {
		b.t.Errorf("what happened (-want +got):\n%s", diff)
	}
	b.log = nil
}

// A fingerprint is all that a reader could tell of a file.
type fingerprint struct {
	content string
	info    fs.FileInfo
}

// look takes the fingerprints of all that is in the bench's directory.
func (b *bench) look() map[string]fingerprint {
	b.t.Helper()
	all := make(map[string]fingerprint)
	err := filepath.WalkDir(b.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		content, err := os.ReadFile(path)
		all[path] = fingerprint{string(content), info}
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return all
}

// wantAsBefore asserts that no reader could tell the files from before: not
// even by the inode; and that nothing lies about.
func (b *bench) wantAsBefore(before map[string]fingerprint) {
	b.t.Helper()
	now := b.look()
	for path, was := range before {
		is, ok := now[path]
		switch {
		case !ok:
			b.t.Errorf("%s is gone", path)
		case is.content != was.content:
			b.t.Errorf("%s holds %q, want %q", path, is.content, was.content)
		case is.info.Mode() != was.info.Mode() || !is.info.ModTime().Equal(was.info.ModTime()):
			b.t.Errorf("%s is %v of %v, want %v of %v", path, is.info.Mode(), is.info.ModTime(), was.info.Mode(), was.info.ModTime())
		case !os.SameFile(is.info, was.info):
			b.t.Errorf("%s is another file", path)
		}
	}
	for path := range now {
		if _, ok := before[path]; !ok {
			b.t.Errorf("%s was not there before", path)
		}
	}
}

// wantFiles asserts what all files are: mode and content by name.
func (b *bench) wantFiles(want map[string]string) {
	b.t.Helper()
	got := make(map[string]string)
	for path, f := range b.look() {
		name, _ := filepath.Rel(b.dir, path)
		got[filepath.ToSlash(name)] = fmt.Sprintf("%v %s", f.info.Mode().Perm(), f.content)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		b.t.Errorf("files (-want +got):\n%s", diff)
	}
}

var newFiles = map[string]string{"a": "-rw-r--r-- new a", "sub/b": "-rw------- new b"}

func wantOutcome(t *testing.T, got Outcome, step Step, text string) {
	t.Helper()
	if got.Step != step || errText(got.Err) != text {
		t.Errorf("outcome: step %q, error %v; want %q, %s", got.Step, got.Err, step, text)
	}
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

var errNo = errors.New("exit status 1")

func TestApply(t *testing.T) {
	b := newBench(t)
	out := b.apply(t.Context())
	wantOutcome(t, out, Applied, "")
	b.wantLog("> stage", "> check", "check all", "> swap", "> reload", "reload it", "> applied")
	b.wantFiles(newFiles)
	for i, r := range out.Files {
		if r.Change != renderer.Replaced || r.Err != nil {
			t.Errorf("file %d: %+v", i, r)
		}
	}

	out = b.apply(t.Context())
	wantOutcome(t, out, Applied, "")
	b.wantLog("> stage", "> applied")
	if out.Files[0].Change != renderer.Unchanged {
		t.Errorf("the second time: %+v", out.Files)
	}

	b.change.Owed = true
	wantOutcome(t, b.apply(t.Context()), Applied, "")
	b.wantLog("> stage", "> reload", "reload it", "> applied")
}

// A wrong mode is set right without any command.
func TestRepairRunsNothing(t *testing.T) {
	b := newBench(t)
	b.change.Members[0].File.Content = []byte("old a")
	b.change.Members[1].File.Content = []byte("old b")
	b.notes = &fakeNotes{b: b}
	wantOutcome(t, b.apply(t.Context()), Applied, "")
	b.wantLog("> stage", "> swap", "> applied", "applied new: a=old a sub/b=old b")
	b.wantFiles(map[string]string{"a": "-rw-r--r-- old a", "sub/b": "-rw------- old b"})
}

// Whatever fails before the swap, the files are untouched.
func TestFailureBeforeSwap(t *testing.T) {
	tests := []struct {
		name    string
		arrange func(*bench)
		step    Step
		err     string // %s is the directory
		log     []string
		output  string
	}{
		{
			name:    "staging",
			arrange: func(b *bench) { b.change.Members[1].File.User = "no such user" },
			step:    Stage, err: "staging %s/sub/b: failed looking up user: user: unknown user no such user",
			log: []string{"> stage"},
		},
		{
			name: "staging of several",
			arrange: func(b *bench) {
				b.change.Members[0].File.Path = b.at("")
				b.change.Members[1].File.Group = "nosuch"
			},
			step: Stage, err: "staging %s: failed reading file: read %[1]s: is a directory\n" +
				"staging %[1]s/sub/b: failed looking up group: group: unknown group nosuch",
			log: []string{"> stage"},
		},
		{
			name:    "one destination twice",
			arrange: func(b *bench) { b.change.Members[1].File.Path = b.at("sub/../a") },
			step:    Stage, err: `bundle "web": both a.ctmpl and b.ctmpl write %s/a`,
			log: []string{"> stage"},
		},
		{
			name:    "format",
			arrange: func(b *bench) { b.change.Members[1].Format = "nonsense" },
			step:    Check, err: `%s/sub/b: unknown format "nonsense"`,
			log: []string{"> stage", "> check"},
		},
		{
			name: "check of a file",
			arrange: func(b *bench) {
				b.change.Members[1].Check.Args = []string{"lint"}
				b.fails["lint"] = errNo
			},
			step: Check, err: "exit status 1", output: "lint says no",
			log: []string{"> stage", "> check", "lint"},
		},
		{
			name:    "check of all",
			arrange: func(b *bench) { b.fails["check"] = errNo },
			step:    Check, err: "exit status 1", output: "check says no",
			log: []string{"> stage", "> check", "check all"},
		},
		{
			name:    "an unknown file",
			arrange: func(b *bench) { b.change.Check.Args = []string{"check", `{{ .Staged "c" }}`} },
			step:    Check, err: `check "{{ .Staged \"c\" }}": bundle "web" has no file "c", but %s/a, %[1]s/sub/b`,
			log: []string{"> stage", "> check"},
		},
		{
			name:    "before",
			arrange: func(b *bench) { b.tools.Before = func() (bool, error) { return false, errNo } },
			step:    Swap, err: "exit status 1",
			log: []string{"> stage", "> check", "check all"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t)
			tt.arrange(b)
			before := b.look()
			out := b.apply(t.Context())
			want := tt.err
			if strings.Contains(want, "%") {
				want = fmt.Sprintf(want, b.dir)
			}
			wantOutcome(t, out, tt.step, want)
			if out.Output != tt.output || out.RolledBack || out.RollbackErr != nil {
				t.Errorf("outcome %+v", out)
			}
			b.wantLog(tt.log...)
			b.wantAsBefore(before)
		})
	}
}

// While checks run, nothing has changed where others look.
func TestChecksSeeWhatIsStaged(t *testing.T) {
	b := newBench(t)
	before := b.look()
	b.onRun = func(c Command) {
		if c.Args[0] == "reload" {
			return
		}
		for path, was := range before {
			got, err := os.ReadFile(path)
			if string(got) != was.content {
				t.Errorf("during the check %s holds %q, %v", path, got, err)
			}
		}
		content, err := os.ReadFile(c.Args[1])
		if string(content) != "new b" {
			t.Errorf("%s: %q, %v", c.Args[1], content, err)
		}
		if info, err := os.Stat(c.Args[1]); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%v, %v", info, err)
		}
	}
	b.change.Check.Args = []string{"check", `{{ .Staged "b" }}`}
	wantOutcome(t, b.apply(t.Context()), Applied, "")
	b.wantFiles(newFiles)
}

// A check of a file that has not changed is not run, nor is its format looked
// at.
func TestUnchangedFileIsNotChecked(t *testing.T) {
	b := newBench(t)
	m := &b.change.Members[0]
	m.File.Content, m.File.Perm = []byte("old a"), 0
	m.Check.Args, m.Format = []string{"lint"}, format.JSON
	wantOutcome(t, b.apply(t.Context()), Applied, "")
	b.wantLog("> stage", "> check", "check all", "> swap", "> reload", "reload it", "> applied")
}

// What comes in the way of the second file undoes the first.
func TestSwapIsAllOrNothing(t *testing.T) {
	b := newBench(t)
	b.put("z", "old z", 0o604)
	b.change.Members = append(b.change.Members,
		Member{File: renderer.File{Path: b.at("in/the/way"), Content: []byte("new")}},
		Member{File: renderer.File{Path: b.at("z"), Content: []byte("new")}})
	b.notes = &fakeNotes{b: b, begun: func() {
		if err := os.Mkdir(b.at("in/the/way"), 0o755); err != nil {
			t.Error(err)
		}
	}}
	before := b.look()
	out := b.apply(t.Context())
	wantOutcome(t, out, Swap, "failed writing file: rename "+b.at("in/the/way")+": file exists")
	if out.RollbackErr != nil || out.Files[2].Err == nil || out.Files[0].Change != renderer.Unchanged {
		t.Errorf("outcome %+v", out)
	}
	b.wantLog("> stage", "> check", "check all", "> swap", "begin new: a<old a>new a sub/b<old b>new b in/the/way<>new z<old z>new", "undone")
	b.wantAsBefore(before)
}

// Where a single file cannot even be kept, nothing happens to any.
func TestSwapThatCannotKeep(t *testing.T) {
	for _, n := range []notes{nil, &fakeNotes{quiet: true}} {
		testSwapThatCannotKeep(t, n)
	}
}

func testSwapThatCannotKeep(t *testing.T, n notes) {
	b := newBench(t)
	b.notes = n
	b.onStep = func(s Step) {
		if s == Swap {
			os.Remove(b.at("sub/b"))
			if err := os.Mkdir(b.at("sub/b"), 0o755); err != nil {
				t.Error(err)
			}
		}
	}
	before := b.look()
	delete(before, b.at("sub/b"))
	out := b.apply(t.Context())
	if out.Step != Swap || out.Err == nil || !strings.HasPrefix(out.Err.Error(), "failed keeping the old file: ") {
		t.Errorf("outcome %+v", out)
	}
	b.wantAsBefore(before)
}

func TestFailureAfterSwap(t *testing.T) {
	back := []string{"> rollback", "reload it"}
	tests := []struct {
		name    string
		arrange func(*bench)
		step    Step
		output  string
		log     []string // after "> reload"
		notes   []string // after begin and swapped
		back    bool     // the old files are
		backErr string
	}{
		{
			name: "reload", arrange: func(b *bench) {}, step: Reload, output: "reload says no",
			log: []string{"reload it"},
		},
		{
			name: "reload, back", arrange: func(b *bench) {
				b.change.Rollback = true
				b.onRun = func(c Command) {
					if slices.Contains(b.log, "> rollback") {
						delete(b.fails, "reload")
					}
				}
			},
			step: Reload, output: "reload says no", log: append([]string{"reload it"}, back...), notes: []string{"undone"}, back: true,
		},
		{
			name: "reload, back, reload", arrange: func(b *bench) { b.change.Rollback = true },
			step: Reload, output: "reload says no", log: append([]string{"reload it"}, back...),
			back: true, backErr: "reloading with the old files: exit status 1",
		},
		{
			name: "reload, first", arrange: func(b *bench) { b.change.Rollback, b.change.First = true, true },
			step: Reload, output: "reload says no", log: []string{"reload it"},
		},
		{
			name: "verify", arrange: func(b *bench) {
				delete(b.fails, "reload")
				b.change.Verify = []probe.Probe{{Args: []string{"probe"}, Within: 1}}
			},
			step: Verify, output: "probe says no", log: []string{"reload it", "> verify", "probe"},
		},
		{
			name: "verify, back", arrange: func(b *bench) {
				delete(b.fails, "reload")
				b.change.Rollback = true
				b.change.Verify = []probe.Probe{{Args: []string{"probe"}, Within: 1}}
			},
			step: Verify, output: "probe says no", log: append([]string{"reload it", "> verify", "probe"}, back...),
			notes: []string{"undone"}, back: true,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t)
			b.fails["reload"], b.fails["probe"] = errNo, errNo
			tt.arrange(b)
			n := &fakeNotes{b: b, quiet: true}
			b.notes = n
			before := b.look()
			out := b.apply(t.Context())
			if out.Step != tt.step || !errors.Is(out.Err, errNo) || out.Output != tt.output {
				t.Errorf("outcome %+v, want %s to fail", out, tt.step)
			}
			if out.RolledBack != tt.back || errText(out.RollbackErr) != tt.backErr {
				t.Errorf("rolled back: %v, %v; want %v, %s", out.RolledBack, out.RollbackErr, tt.back, tt.backErr)
			}
			b.wantLog(append([]string{"> stage", "> check", "check all", "> swap", "> reload"}, tt.log...)...)
			want := append([]string{"begin new: a<old a>new a sub/b<old b>new b", "swapped"}, tt.notes...)
			if diff := cmp.Diff(want, n.log); diff != "" {
				t.Errorf("notes (-want +got):\n%s", diff)
			}
			if tt.back {
				b.wantAsBefore(before)
			} else {
				b.wantFiles(newFiles)
			}
		})
	}
}

// A file that was not there before is gone after a roll-back.
func TestRollbackRemovesWhatIsNew(t *testing.T) {
	b := newBench(t)
	os.Remove(b.at("sub/b"))
	before := b.look()
	b.change.Rollback = true
	b.fails["reload"] = errNo
	if out := b.apply(t.Context()); !out.RolledBack {
		t.Errorf("outcome %+v", out)
	}
	b.wantAsBefore(before)
}

// Where nothing was replaced there is nothing to go back to.
func TestOwedReloadThatFailsIsNotRolledBack(t *testing.T) {
	b := newBench(t)
	b.apply(t.Context())
	b.log = nil
	b.change.Owed, b.change.Rollback = true, true
	b.fails["reload"] = errNo
	out := b.apply(t.Context())
	wantOutcome(t, out, Reload, "exit status 1")
	if out.RolledBack {
		t.Error("rolled back")
	}
	b.wantLog("> stage", "> reload", "reload it")
	b.wantFiles(newFiles)
}

// What cannot be put back is said, and the old content is not thrown away.
func TestRollbackThatFails(t *testing.T) {
	b := newBench(t)
	b.change.Rollback = true
	n := &fakeNotes{b: b, quiet: true}
	b.notes = n
	b.fails["reload"] = errNo
	b.onStep = func(s Step) {
		if s == Rollback {
			os.Remove(b.at("sub/b"))
			if err := os.Mkdir(b.at("sub/b"), 0o755); err != nil {
				t.Error(err)
			}
		}
	}
	out := b.apply(t.Context())
	if out.RolledBack || out.RollbackErr == nil || !errors.Is(out.Err, errNo) {
		t.Errorf("outcome %+v", out)
	}
	b.wantLog("> stage", "> check", "check all", "> swap", "> reload", "reload it", "> rollback")
	if slices.Contains(n.log, "undone") {
		t.Error("the journal was told that all is as before")
	}
	var kept bool
	for path, f := range b.look() {
		kept = kept || renderer.IsTemp(path) && f.content == "old b" && strings.Contains(out.RollbackErr.Error(), path)
	}
	if !kept {
		t.Errorf("the old file is lost: %v", out.RollbackErr)
	}
	if got := b.look()[b.at("a")].content; got != "old a" {
		t.Errorf("the other one holds %q", got)
	}
}

// Cancelled where a step begins, or while its command runs.
func TestCancel(t *testing.T) {
	errEnd := errors.New("the end")
	verify := probe.Probe{Args: []string{"probe"}}
	tests := []struct {
		at   string // as in the log
		step Step
		new  bool
	}{
		{"> stage", Stage, false},
		{"> check", Check, false},
		{"lint", Check, false},
		{"check all", Check, false},
		{"> swap", Swap, false},
		{"> reload", Reload, true},
		{"reload it", Verify, true}, // which succeeds
		{"> verify", Verify, true},
		{"probe", Verify, true},
	}
	for _, tt := range tests {
		t.Run(tt.at, func(t *testing.T) {
			b := newBench(t)
			n := &fakeNotes{b: b, quiet: true}
			b.notes = n
			b.change.Rollback = true
			b.change.Verify = []probe.Probe{verify}
			b.change.Members[0].Check.Args = []string{"lint"}
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			look := func() {
				if b.log[len(b.log)-1] == tt.at {
					cancel(errEnd)
				}
			}
			b.onStep = func(Step) { look() }
			b.onRun = func(c Command) {
				look()
				if tt.at == "probe" && c.Args[0] == "probe" {
					b.fails["probe"] = errEnd
				}
			}
			before := b.look()
			out := b.apply(ctx)
			if out.Step != tt.step || !errors.Is(out.Err, errEnd) || out.RolledBack {
				t.Errorf("outcome %+v, want %s to end", out, tt.step)
			}
			if !tt.new {
				b.wantAsBefore(before)
				if n.log != nil {
					t.Errorf("notes %q", n.log)
				}
				return
			}
			b.wantFiles(newFiles)
			if got := n.log[len(n.log)-1]; got != "swapped" {
				t.Errorf("the last note is %q: is the reload owed?", got)
			}
		})
	}
}

// A context that ends with the last step changes nothing.
func TestCancelAtTheEnd(t *testing.T) {
	b := newBench(t)
	ctx, cancel := context.WithCancel(t.Context())
	b.onRun = func(c Command) {
		if c.Args[0] == "reload" {
			cancel()
		}
	}
	wantOutcome(t, b.apply(ctx), Applied, "")
}

// fakeNotes notes what a journal is told, in the log of a bench or its own.
type fakeNotes struct {
	b     *bench
	quiet bool // in log
	log   []string
	state journal.State
	begun func() // called at the end of Begin
	err   error
}

func (n *fakeNotes) add(format string, args ...any) error {
	text := strings.ReplaceAll(fmt.Sprintf(format, args...), n.b.dir+string(filepath.Separator), "")
	if n.quiet {
		n.log = append(n.log, text)
	} else {
		n.b.log = append(n.b.log, text)
	}
	return n.err
}

func (n *fakeNotes) State(string) (journal.State, error) { return n.state, n.err }

// Begin reads what the moves are about: it must be there.
func (n *fakeNotes) Begin(bundle, desired string, moves []journal.Move) error {
	var words []string
	for _, m := range moves {
		temp, err := os.ReadFile(m.Temp)
		if err != nil {
			n.b.t.Error(err)
		}
		var kept []byte
		if m.Kept != "" {
			if kept, err = os.ReadFile(m.Kept); err != nil {
				n.b.t.Error(err)
			}
		}
		words = append(words, fmt.Sprintf("%s<%s>%s", m.Path, kept, temp))
	}
	if n.begun != nil {
		n.begun()
	}
	return n.add("begin %s: %s", desired, strings.Join(words, " "))
}

func (n *fakeNotes) Swapped(string) error { return n.add("swapped") }
func (n *fakeNotes) Undone(string) error  { return n.add("undone") }

func (n *fakeNotes) Applied(bundle, hash string, files []journal.File) error {
	var words []string
	for _, f := range files {
		word := fmt.Sprintf("%s=%s", f.Path, f.Content)
		if f.Secret {
			word += ",secret"
		}
		words = append(words, word)
	}
	return n.add("applied %s: %s", hash, strings.Join(words, " "))
}

func TestJournal(t *testing.T) {
	b := newBench(t)
	n := &fakeNotes{b: b}
	b.notes = n
	wantOutcome(t, b.apply(t.Context()), Applied, "")
	b.wantLog("> stage", "> check", "check all", "> swap", "begin new: a<old a>new a sub/b<old b>new b", "swapped",
		"> reload", "reload it", "> applied", "applied new: a=new a sub/b=new b")

	// It need not hear twice what it knows.
	n.state = journal.State{Desired: "new", Applied: "new"}
	b.apply(t.Context())
	b.wantLog("> stage", "> applied")

	n.state = journal.State{Desired: "new", Applied: "older"}
	b.change.Owed = true
	b.apply(t.Context())
	b.wantLog("> stage", "> reload", "reload it", "> applied", "applied new: a=new a sub/b=new b")
}

func TestJournalIsToldOfSecrets(t *testing.T) {
	b := newBench(t)
	b.change.Members[1].Secret = true
	b.notes = &fakeNotes{b: b}
	b.apply(t.Context())
	if got, want := b.log[len(b.log)-1], "applied new: a=new a sub/b=new b,secret"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// A journal that fails holds up nothing, and is complained about once.
func TestJournalThatFails(t *testing.T) {
	b := newBench(t)
	b.notes = &fakeNotes{b: b, quiet: true, err: errors.New("disk full")}
	out := b.apply(t.Context())
	wantOutcome(t, out, Applied, "")
	if len(out.Warnings) != 1 || out.Warnings[0].Error() != "disk full" {
		t.Errorf("warnings %v", out.Warnings)
	}
	b.wantFiles(newFiles)
}

func probeCommand(args ...string) []probe.Probe { return []probe.Probe{{Args: args}} }
