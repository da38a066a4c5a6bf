package transaction

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"restencil/funcs"
	"restencil/renderer"
	"restencil/runner/event"
	"restencil/runner/format"
	"restencil/runner/process"
	"restencil/runner/process/overlay"
)

// TestMain stands in for a check that is shown staged files, too.
func TestMain(m *testing.M) {
	overlay.Main()
	goleak.VerifyTestMain(m)
}

// A bench is a change of two files, "a" and "sub/b", with a fake for the checks.
type bench struct {
	t          *testing.T
	dir        string
	ran        []string
	fails      map[string]error // by the word that a check begins with
	onRun      func(process.Command)
	beforeSwap func()
	noOverlay  error
	writers    map[string]string // the templates of destinations
	change     Change
}

func newBench(t *testing.T) *bench {
	b := &bench{t: t, dir: t.TempDir(), fails: make(map[string]error), onRun: func(process.Command) {}, beforeSwap: func() {}}
	b.put("a", "old a", 0o640)
	b.put("sub/b", "old b", 0o600)
	b.change = Change{
		Bundle: "web",
		Files: []File{
			{Template: "a.ctmpl", Destination: b.at("a"), Own: &renderer.File{Path: b.at("a"), Content: []byte("new a"), Perm: 0o644}},
			{Template: "b.ctmpl", Destination: b.at("sub/b"), Own: &renderer.File{Path: b.at("sub/b"), Content: []byte("new b")}},
		},
		Check: process.Command{Args: []string{"check", "all"}},
	}
	return b
}

func (b *bench) at(name string) string { return filepath.Join(b.dir, filepath.FromSlash(name)) }

func (b *bench) put(name, content string, mode fs.FileMode) {
	b.t.Helper()
	path := b.at(name)
	err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(content), 0o600), os.Chmod(path, mode))
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) run(ctx context.Context, c process.Command) (string, error) {
	b.ran = append(b.ran, strings.Join(c.Args, " "))
	b.onRun(c)
	if ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	if err := b.fails[c.Args[0]]; err != nil {
		return c.Args[0] + " says no", err
	}
	return "", nil
}

// begin returns a transaction of b's change, which ends with the test.
func (b *bench) begin() (*Transaction, *Change) {
	c := b.change // whose steps are its own
	tx := New(Tools{
		Run:     b.run,
		InPlace: func() error { return b.noOverlay },
		Writer:  func(path string) string { return b.writers[path] },
		Mask: func() func(string) string {
			return func(s string) string { return strings.ReplaceAll(s, "canary", "***") }
		},
	}, &c)
	b.t.Cleanup(tx.Discard)
	return tx, &c
}

// apply takes b's change through all steps.
func (b *bench) apply(ctx context.Context) (*Transaction, *Change) {
	tx, c := b.begin()
	tx.Stage(ctx)
	tx.Check(ctx)
	b.beforeSwap()
	tx.Swap()
	tx.CheckLate(ctx)
	return tx, c
}

// wantRan asserts which checks were run since it was last called.
func (b *bench) wantRan(want ...string) {
	b.t.Helper()
	if diff := cmp.Diff(want, b.ran); diff != "" {
		b.t.Errorf("what ran (-want +got):\n%s", diff)
	}
	b.ran = nil
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

// wantErr asserts which step failed, and why.
func wantErr(t *testing.T, c *Change, step event.Step, text string) {
	t.Helper()
	if c.Step != step || errText(c.Err) != text {
		t.Errorf("step %q, error %v; want %q, %s", c.Step, c.Err, step, text)
	}
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

var errNo = errors.New("exit status 1")

func TestTransaction(t *testing.T) {
	b := newBench(t)
	tx, c := b.apply(t.Context())
	wantErr(t, c, "", "")
	b.wantRan("check all")
	if r := c.Result(0); r.Change != renderer.Replaced || c.First() || !cmp.Equal(c.Replaced(), []string{b.at("a"), b.at("sub/b")}) {
		t.Errorf("result %+v, replaced %q", r, c.Replaced())
	}
	tx.Discard()
	b.wantFiles(newFiles)

	_, c = b.apply(t.Context())
	wantErr(t, c, "", "")
	b.wantRan()
	if r := c.Result(0); r.Change != renderer.Unchanged || c.Replaced() != nil {
		t.Errorf("the second time: %+v, replaced %q", r, c.Replaced())
	}
}

// A wrong mode is set right without a check.
func TestRepairIsNotChecked(t *testing.T) {
	b := newBench(t)
	b.change.Files[0].Own.Content = []byte("old a")
	b.change.Files[1].Own.Content = []byte("old b")
	_, c := b.apply(t.Context())
	wantErr(t, c, "", "")
	b.wantRan()
	b.wantFiles(map[string]string{"a": "-rw-r--r-- old a", "sub/b": "-rw------- old b"})
}

// Whatever fails before the swap, the files are untouched.
func TestFailureBeforeSwap(t *testing.T) {
	const rendering = "%s: "
	tests := []struct {
		name    string
		arrange func(*bench)
		step    event.Step
		err     string // with DIR
		ran     []string
		output  string
	}{
		{
			name:    "staging",
			arrange: func(b *bench) { b.change.Files[1].Own.User = "no such user" },
			step:    event.Stage, err: fmt.Sprintf(rendering, "DIR/sub/b") + "failed looking up user: user: unknown user no such user",
		},
		{
			name: "staging of several",
			arrange: func(b *bench) {
				b.change.Files[0].Own.User = "nosuch"
				b.change.Files[1].Own.Group = "nosuch"
			},
			step: event.Stage, err: fmt.Sprintf(rendering, "DIR/a") + "failed looking up user: user: unknown user nosuch\n" +
				fmt.Sprintf(rendering, "DIR/sub/b") + "failed looking up group: group: unknown group nosuch",
		},
		{
			name:    "format",
			arrange: func(b *bench) { b.change.Files[1].Format = "nonsense" },
			step:    event.Check, err: `DIR/sub/b: unknown format "nonsense"`,
		},
		{
			name: "check of a file",
			arrange: func(b *bench) {
				b.change.Files[1].Check.Args = []string{"lint"}
				b.fails["lint"] = errNo
			},
			step: event.Check, err: "exit status 1", output: "lint says no", ran: []string{"lint"},
		},
		{
			name:    "check of all",
			arrange: func(b *bench) { b.fails["check"] = errNo },
			step:    event.Check, err: "exit status 1", output: "check says no", ran: []string{"check all"},
		},
		{
			name:    "an unknown file",
			arrange: func(b *bench) { b.change.Check.Args = []string{"check", `{{ .Staged "c" }}`} },
			step:    event.Check, err: `check "{{ .Staged \"c\" }}": bundle "web" has no file "c", but DIR/a, DIR/sub/b`,
		},
		{
			name: "a link in the way of what a template writes besides",
			arrange: func(b *bench) {
				if err := os.Symlink("a", b.at("link")); err != nil {
					b.t.Fatal(err)
				}
				b.change.Files[1].Extras = []funcs.File{{Path: b.at("x"), Content: "x"}, {Path: b.at("link"), Content: "x"}}
			},
			step: event.Stage, err: fmt.Sprintf(rendering, "DIR/sub/b") + `writeToFile: refusing to write to symlink "DIR/link"`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t)
			tt.arrange(b)
			before := b.look()
			tx, c := b.apply(t.Context())
			tx.Discard()
			wantErr(t, c, tt.step, strings.ReplaceAll(tt.err, "DIR", b.dir))
			if c.Output != tt.output {
				t.Errorf("output %q, want %q", c.Output, tt.output)
			}
			b.wantRan(tt.ran...)
			b.wantAsBefore(before)
		})
	}
}

// Of several changes, those go in place that can.
func TestChangesAreIndependent(t *testing.T) {
	b := newBench(t)
	b.change.Files[1].Own.User = "nosuch"
	good := &Change{Bundle: "good", Files: []File{{Template: "c", Destination: b.at("c"), Own: &renderer.File{Path: b.at("c"), Content: []byte("new c")}}}}
	bad := b.change
	tx := New(Tools{Run: b.run, InPlace: func() error { return nil }, Writer: func(string) string { return "" }}, &bad, good)
	defer tx.Discard()
	if bad.First() || !good.First() {
		t.Errorf("first %v and %v", bad.First(), good.First())
	}
	tx.Stage(t.Context())
	tx.Check(t.Context())
	tx.Swap()
	if bad.Step != event.Stage || good.Err != nil {
		t.Errorf("%s: %v; %v", bad.Step, bad.Err, good.Err)
	}
	tx.Discard()
	b.wantFiles(map[string]string{"a": "-rw-r----- old a", "sub/b": "-rw------- old b", "c": "-rw-r--r-- new c"})
}

// What comes in the way of a later file undoes those before.
func TestSwapIsAllOrNothing(t *testing.T) {
	b := newBench(t)
	b.put("z", "old z", 0o604)
	for _, name := range []string{"in/the/way", "z"} {
		b.change.Files = append(b.change.Files, File{Template: name, Destination: b.at(name), Own: &renderer.File{Path: b.at(name), Content: []byte("new")}})
	}
	b.beforeSwap = func() {
		if err := os.Mkdir(b.at("in/the/way"), 0o755); err != nil {
			t.Error(err)
		}
	}
	before := b.look()
	tx, c := b.apply(t.Context())
	if c.Step != event.Swap || !strings.HasPrefix(errText(c.Err), b.at("in/the/way")+": ") || tx.Left {
		t.Errorf("step %q, error %v, left %v", c.Step, c.Err, tx.Left)
	}
	tx.Discard()
	b.wantAsBefore(before)
}

// Where a single file cannot even be kept, nothing happens to any.
func TestSwapThatCannotKeep(t *testing.T) {
	b := newBench(t)
	b.beforeSwap = func() {
		if err := errors.Join(os.Remove(b.at("sub/b")), os.Mkdir(b.at("sub/b"), 0o755)); err != nil {
			t.Error(err)
		}
	}
	before := b.look()
	delete(before, b.at("sub/b"))
	tx, c := b.apply(t.Context())
	if c.Step != event.Swap || !strings.Contains(errText(c.Err), "failed keeping the old file: ") {
		t.Errorf("step %q, error %v", c.Step, c.Err)
	}
	tx.Discard()
	b.wantAsBefore(before)
}

// What was there before can be put back, and what was not goes.
func TestPutBack(t *testing.T) {
	b := newBench(t)
	if err := os.Remove(b.at("sub/b")); err != nil {
		t.Fatal(err)
	}
	b.change.Keep = true
	b.change.Files[0].Extras = []funcs.File{{Path: b.at("extra"), Content: "new"}}
	b.put("extra", "old", 0o600)
	before := b.look()
	tx, c := b.apply(t.Context())
	wantErr(t, c, "", "")
	if err := tx.PutBack(c); err != nil || tx.Left {
		t.Error(err, tx.Left)
	}
	tx.Discard()
	b.wantAsBefore(before)
}

// What cannot be put back is said, and the old content is not thrown away.
func TestPutBackThatFails(t *testing.T) {
	b := newBench(t)
	b.change.Keep = true
	tx, c := b.apply(t.Context())
	if err := errors.Join(os.Remove(b.at("sub/b")), os.Mkdir(b.at("sub/b"), 0o755)); err != nil {
		t.Fatal(err)
	}
	err := tx.PutBack(c)
	if err == nil || !tx.Left || !errors.Is(c.Err, err) {
		t.Fatalf("error %v, left %v, the change's error %v", err, tx.Left, c.Err)
	}
	tx.Discard()
	var kept bool
	for path, f := range b.look() {
		kept = kept || renderer.IsTemp(path) && f.content == "old b" && strings.Contains(err.Error(), path)
	}
	if !kept {
		t.Errorf("the old file is lost: %v", err)
	}
	if got := b.look()[b.at("a")].content; got != "old a" {
		t.Errorf("the other one holds %q", got)
	}
}

// Before the swap the journal is told what is about to be done; all that it is
// told of is there.
func TestMoves(t *testing.T) {
	b := newBench(t)
	b.change.Files = append(b.change.Files, File{Template: "c", Destination: b.at("c"), Own: &renderer.File{Path: b.at("c"), Content: []byte("new c")}})
	tx, c := b.begin()
	tx.Stage(t.Context())
	moves, err := tx.Moves(c)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range moves {
		temp, err := os.ReadFile(m.Temp)
		var kept []byte
		if m.Kept != "" {
			var err2 error
			kept, err2 = os.ReadFile(m.Kept)
			err = errors.Join(err, err2)
		}
		if err != nil {
			t.Error(err)
		}
		got = append(got, fmt.Sprintf("%s: %s > %s", strings.TrimPrefix(m.Path, b.dir), kept, temp))
	}
	if diff := cmp.Diff([]string{"/a: old a > new a", "/sub/b: old b > new b", "/c:  > new c"}, got); diff != "" {
		t.Errorf("moves (-want +got):\n%s", diff)
	}
}

// The end of the context ends staging and checks, and the files are untouched.
func TestCancel(t *testing.T) {
	errEnd := errors.New("the end")
	for at, want := range map[string]event.Step{"": event.Stage, "lint": event.Check, "check all": event.Check} {
		b := newBench(t)
		b.change.Files[0].Check.Args = []string{"lint"}
		ctx, cancel := context.WithCancelCause(t.Context())
		if at == "" {
			cancel(errEnd)
		}
		b.onRun = func(process.Command) {
			if b.ran[len(b.ran)-1] == at {
				cancel(errEnd)
			}
		}
		before := b.look()
		tx, c := b.apply(ctx)
		tx.Discard()
		if c.Step != want || !strings.Contains(errText(c.Err), errEnd.Error()) {
			t.Errorf("at %q: step %q, error %v", at, c.Step, c.Err)
		}
		b.wantAsBefore(before)
	}
}

// A check of a file that has not changed is not run, nor is its format looked
// at.
func TestUnchangedFileIsNotChecked(t *testing.T) {
	b := newBench(t)
	f := &b.change.Files[0]
	f.Own.Content, f.Own.Perm = []byte("old a"), 0
	f.Check.Args, f.Format = []string{"lint"}, format.JSON
	_, c := b.apply(t.Context())
	wantErr(t, c, "", "")
	b.wantRan("check all")
}
