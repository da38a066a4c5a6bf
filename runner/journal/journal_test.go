package journal

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"restencil/runner/journal/history"
	"restencil/runner/journal/swap"
)

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func applied(j *Journal, bundle, hash string, files []history.File) error {
	_, err := j.Applied(bundle, hash, files)
	return err
}

func put(t *testing.T, path, content string) {
	t.Helper()
	check(t, os.WriteFile(path, []byte(content), 0o600))
}

// open opens a journal that ends with the test.
func open(t *testing.T, dir string, o Options) *Journal {
	t.Helper()
	j := New(dir, o)
	j.disk.Quick = true
	t.Cleanup(func() { j.Close() })
	return j
}

// strays returns the temporary files in dir.
func strays(t *testing.T, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, ".*"))
	check(t, err)
	return names
}

// bundleFile returns the only bundle's file.
func bundleFile(t *testing.T, dir string) string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "bundles", "*.jsonl"))
	check(t, err)
	if len(names) != 1 {
		t.Fatalf("the files of bundles are %q", names)
	}
	return names[0]
}

// wantState compares the state of bundle "b" in a journal, and in one that is
// opened after it.
func wantState(t *testing.T, j *Journal, want State) {
	t.Helper()
	for _, j := range []*Journal{j, open(t, j.dir, Options{ReadOnly: true})} {
		got, err := j.State("b")
		check(t, err)
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("the state differs (-want +got):\n%s", diff)
		}
	}
}

func TestOwe(t *testing.T) {
	j := open(t, t.TempDir(), Options{})
	wantState(t, j, State{})
	check(t, j.Owe("b", "1", []string{"y", "x"}))
	wantState(t, j, State{Desired: "1", Files: []string{"x", "y"}})
	check(t, j.Owe("b", "2", []string{"z", "x"}))
	wantState(t, j, State{Desired: "2", Files: []string{"x", "y", "z"}})
	check(t, applied(j, "b", "2", nil))
	wantState(t, j, State{Desired: "2", Applied: "2"})

	// To the same again: in between, the files were something else.
	check(t, j.Owe("b", "2", []string{"x"}))
	if st, _ := j.State("b"); !st.Owed() {
		t.Errorf("not owed: %+v", st)
	}
	if h, err := j.History("b"); h != nil || err != nil {
		t.Errorf("History = %+v, %v", h, err)
	}
}

func TestUndone(t *testing.T) {
	tests := []struct {
		name   string
		before func(*Journal) error
		swap   bool // Swapped is called
		want   State
	}{
		{"of nothing known", func(*Journal) error { return nil }, true, State{}},
		{"of what was applied", func(j *Journal) error { return applied(j, "b", "1", nil) }, true, State{Desired: "1", Applied: "1"}},
		{"before the swap", func(j *Journal) error { return applied(j, "b", "1", nil) }, false, State{Desired: "1", Applied: "1"}},
		{
			"before the swap, owed from before",
			func(j *Journal) error { return j.Owe("b", "1", []string{"x"}) },
			false, State{Desired: "1", Files: []string{"x"}},
		},
		{
			"loaded again, owed from before",
			func(j *Journal) error { return j.Owe("b", "1", []string{"x"}) },
			true, State{Desired: "1", Applied: "1"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			j := open(t, filepath.Join(dir, "state"), Options{})
			check(t, tt.before(j))
			m := swap.Move{
				Path: filepath.Join(dir, "x"),
				Temp: filepath.Join(dir, ".x.restencil-1"), Kept: filepath.Join(dir, ".x.restencil-2"),
			}
			put(t, m.Path, "old")
			put(t, m.Temp, "new")
			put(t, m.Kept, "old")
			check(t, j.Begin("b", "2", false, []swap.Move{m}))
			if st, _ := j.State("b"); !st.Owed() || st.Desired != "2" {
				t.Errorf("after Begin: %+v", st)
			}
			if tt.swap {
				check(t, j.Swapped("b"))
			}
			check(t, j.Undone("b"))
			wantState(t, j, tt.want)
			if left := strays(t, dir); left != nil {
				t.Errorf("left behind: %q", left)
			}
		})
	}
}

// A change that did not reload leaves what it kept; the next one removes that.
func TestBeginTidiesUp(t *testing.T) {
	dir := t.TempDir()
	j := open(t, filepath.Join(dir, "state"), Options{})
	path := filepath.Join(dir, "x")
	first := swap.Move{Path: path, Temp: path[:len(path)-1] + ".x.restencil-1", Kept: filepath.Join(dir, ".x.restencil-2")}
	put(t, first.Temp, "1")
	put(t, first.Kept, "0")
	check(t, j.Begin("b", "1", false, []swap.Move{first}))
	check(t, j.Swapped("b"))
	second := swap.Move{Path: path, Temp: filepath.Join(dir, ".x.restencil-3")}
	put(t, second.Temp, "2")
	check(t, j.Begin("b", "2", false, []swap.Move{second}))
	if left := strays(t, dir); !cmp.Equal(left, []string{second.Temp}) {
		t.Errorf("there are %q", left)
	}
}

func TestBeginRefuses(t *testing.T) {
	dir := t.TempDir()
	temp := filepath.Join(dir, ".x.restencil-1")
	put(t, temp, "new")
	put(t, filepath.Join(dir, "other"), "new")
	ok := swap.Move{Path: filepath.Join(dir, "x"), Temp: temp}
	tests := []struct {
		name  string
		moves []swap.Move
		want  string
	}{
		{"nothing staged", []swap.Move{{Path: ok.Path, Temp: temp + "0"}}, "no path or content"},
		{"a name for more than temporary files", []swap.Move{{Path: ok.Path, Temp: filepath.Join(dir, "other")}}, "no name for a temporary file"},
		{"elsewhere", []swap.Move{{Path: filepath.Join(dir, "sub", "x"), Temp: temp}}, "no name for a temporary file"},
		{"twice", []swap.Move{ok, ok}, "changed twice"},
		{"a directory", []swap.Move{{Path: dir, Temp: temp}}, "not a regular file"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			j := open(t, filepath.Join(t.TempDir(), "state"), Options{})
			err := j.Begin("b", "1", false, tt.moves)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
			wantState(t, j, State{})
		})
	}
}

func TestNothingMadeBeforeAWrite(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "deep", "state")
	j := open(t, dir, Options{})
	if st, err := j.State("b"); st.Owed() || err != nil {
		t.Errorf("State = %+v, %v", st, err)
	}
	if all, err := j.Recover(); all != nil || err != nil {
		t.Errorf("Recover = %+v, %v", all, err)
	}
	if all, err := j.Bundles(); all != nil || err != nil {
		t.Errorf("Bundles = %+v, %v", all, err)
	}
	if _, err := j.Generation("b", 1); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Generation: %v", err)
	}
	if _, err := os.Stat(filepath.Dir(dir)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the directory: %v", err)
	}
	check(t, j.Owe("b", "1", nil))
	err := filepath.WalkDir(filepath.Dir(dir), func(path string, d fs.DirEntry, err error) error {
		check(t, err)
		info, err := d.Info()
		check(t, err)
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		return nil
	})
	check(t, err)
}

func TestInUse(t *testing.T) {
	dir := t.TempDir()
	first := open(t, dir, Options{})
	check(t, first.Owe("b", "1", nil))
	second := open(t, dir, Options{})
	_, stateErr := second.State("b")
	_, recoverErr := second.Recover()
	for _, err := range []error{stateErr, recoverErr, second.Owe("b", "2", nil)} {
		if !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), dir) {
			t.Errorf("error %v", err)
		}
	}
	synctest.Test(t, func(t *testing.T) { // which waits
		if err := second.Claim(t.Context()); !errors.Is(err, ErrInUse) {
			t.Errorf("claimed: %v", err)
		}
	})
	look := open(t, dir, Options{ReadOnly: true})
	if st, err := look.State("b"); st.Desired != "1" || err != nil {
		t.Errorf("beside it, State = %+v, %v", st, err)
	}
	if err := look.Owe("b", "2", nil); err == nil {
		t.Error("written without a lock")
	}

	check(t, first.Owe("b", "3", nil))
	if st, err := look.State("b"); st.Desired != "3" || err != nil {
		t.Errorf("beside it, after a change, State = %+v, %v", st, err)
	}
	check(t, first.Close())
	if st, err := second.State("b"); st.Desired != "3" || err != nil {
		t.Errorf("when it is free, State = %+v, %v", st, err)
	}
}

func TestConcurrentUse(t *testing.T) {
	j := open(t, t.TempDir(), Options{Generations: 2})
	var all sync.WaitGroup
	for i := range 8 {
		bundle := strconv.Itoa(i % 4)
		all.Go(func() {
			for n := range 20 {
				hash := strconv.Itoa(n)
				errs := []error{j.Owe(bundle, hash, []string{"x"}), applied(j, bundle, hash, []history.File{{Path: "x"}})}
				_, stateErr := j.State(bundle)
				_, historyErr := j.History(bundle)
				_, bundlesErr := j.Bundles()
				if err := errors.Join(append(errs, stateErr, historyErr, bundlesErr)...); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	for i := range 4 {
		st, err := j.State(strconv.Itoa(i))
		if st.Owed() || st.Applied != "19" || err != nil {
			t.Errorf("State = %+v, %v", st, err)
		}
	}
}

// What could not be written is, with the next change that can.
func TestWriteFails(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir, Options{})
	check(t, applied(j, "b", "1", nil))
	path := bundleFile(t, dir)
	check(t, os.Rename(path, path+".away"))
	check(t, os.Mkdir(path, 0o700))
	err := j.Owe("b", "2", []string{"x"})
	if err == nil || !strings.Contains(err.Error(), "state_dir") || !strings.Contains(err.Error(), dir) {
		t.Errorf("error %v", err)
	}
	if st, err := j.State("b"); !st.Owed() || err != nil {
		t.Errorf("State = %+v, %v", st, err)
	}
	check(t, os.Remove(path))
	check(t, os.Rename(path+".away", path))
	check(t, j.Owe("b", "2", []string{"x"}))
	wantState(t, j, State{Desired: "2", Applied: "1", Files: []string{"x"}})
}

// Somebody removes the directory under a running process.
func TestDirectoryRemoved(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	j := open(t, dir, Options{Generations: 1})
	check(t, applied(j, "b", "1", []history.File{{Path: "x"}}))
	check(t, os.RemoveAll(dir))
	check(t, j.Owe("b", "2", []string{"x"}))
	wantState(t, j, State{Desired: "2", Applied: "1", Files: []string{"x"}})
	check(t, applied(j, "b", "2", []history.File{{Path: "x"}}))
	wantState(t, j, State{Desired: "2", Applied: "2"})
}

func TestDamaged(t *testing.T) {
	line := func(text string) string { return checksum([]byte(text)) + " " + text + "\n" }
	good := `{"version":2,"bundle":"b","desired":"1","applied":"1"}`
	tests := []struct {
		name, content, warning string
	}{
		{"nothing", "", "no whole record"},
		{"no checksum", good + "\n", "checksum"},
		{"no line", line(good)[:30], "no whole record"},
		{"another version", line(`{"version":3,"bundle":"b"}`), "version 3"},
		{"another bundle", line(strings.ReplaceAll(good, `"b"`, `"c"`)), `belongs to bundle "c"`},
		{"a move of any file", line(`{"version":2,"bundle":"b","swap":{"moves":[{"path":"/etc/a","temp":"/etc/passwd","new":"x"}]}}`), "no name for a temporary file"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			j := open(t, dir, Options{})
			check(t, j.Owe("b", "1", nil))
			check(t, j.Close())
			path := bundleFile(t, dir)
			put(t, path, tt.content)

			var warnings []string
			j = open(t, dir, Options{Warn: func(err error) { warnings = append(warnings, err.Error()) }})
			if all, err := j.Recover(); all != nil || err != nil {
				t.Errorf("Recover = %+v, %v", all, err)
			}
			wantState(t, j, State{Unknown: true})
			if len(warnings) != 1 || !strings.Contains(warnings[0], path) || !strings.Contains(warnings[0], tt.warning) {
				t.Errorf("warnings %q, want one with %q", warnings, tt.warning)
			}
			data, err := os.ReadFile(path + ".damaged")
			if string(data) != tt.content {
				t.Errorf("set aside: %q, %v", data, err)
			}
			check(t, j.Close())
			j = open(t, dir, Options{})
			wantState(t, j, State{Unknown: true}) // also after another restart
			check(t, j.Owe("b", "2", nil))
			wantState(t, j, State{Desired: "2"})
		})
	}
}

// Whatever becomes of a file in which a reload is owed, that is owed still, or it
// is told that nobody knows.
func TestCorruptionLosesNoOwedReload(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir, Options{})
	for i := range 5 {
		check(t, j.Owe("b", fmt.Sprint(i), []string{"/etc/x"}))
		check(t, applied(j, "b", fmt.Sprint(i), nil))
	}
	check(t, j.Owe("b", "owed", []string{"/etc/x"}))
	check(t, j.Close())
	path := bundleFile(t, dir)
	whole, err := os.ReadFile(path)
	check(t, err)
	rng := rand.New(rand.NewPCG(1, 2))
	for n := range 220 {
		spoilt := slices.Clone(whole)
		switch n % 4 {
		case 0:
			spoilt[rng.IntN(len(spoilt))] ^= byte(1 + rng.IntN(255))
		case 1:
			spoilt = spoilt[:rng.IntN(len(spoilt))]
			if bytes.HasSuffix(spoilt, []byte("\n")) { // at the end of an older record, which nobody can tell
				continue
			}
		case 2:
			at := rng.IntN(len(spoilt))
			clear(spoilt[at:min(len(spoilt), at+1+rng.IntN(600))])
		case 3:
			at := rng.IntN(len(spoilt))
			spoilt = slices.Concat(spoilt[:at], spoilt[min(len(spoilt), at+1+rng.IntN(40)):])
		}
		check(t, os.RemoveAll(path+".damaged"))
		put(t, path, string(spoilt))
		j := open(t, dir, Options{})
		st, err := j.State("b")
		check(t, err)
		check(t, j.Close())
		if !st.Owed() {
			t.Errorf("%d: the reload is forgotten: %+v from %q", n, st, spoilt)
		}
	}
}

// A bundle whose reload fails for ever must not fill the disk.
// Forget forgets what is old and not used, but for a swap that is to be put right.
func TestForget(t *testing.T) {
	dir, files := t.TempDir(), t.TempDir()
	j := open(t, dir, Options{Generations: 1})
	for _, name := range []string{"used", "unused", "swapping"} {
		check(t, applied(j, name, "1", []history.File{{Path: "/x", Content: []byte("x")}}))
		_, err := j.KeepRejected(name, "no", []history.File{{Path: "/x", Content: []byte("x")}})
		check(t, err)
	}
	temp := filepath.Join(files, ".f.restencil-1")
	put(t, temp, "new")
	check(t, j.Begin("swapping", "2", false, []swap.Move{{Temp: temp, Path: filepath.Join(files, "f")}}))
	for _, tt := range []struct {
		age  time.Duration
		want string
	}{{time.Hour, "swapping unused used"}, {-time.Hour, "swapping used"}} {
		check(t, j.Forget(func(name string, noted time.Time) bool { return name != "used" && time.Since(noted) > tt.age }))
		names, err := j.Bundles()
		check(t, err)
		if got := strings.Join(names, " "); got != tt.want {
			t.Errorf("known are %s, want %s", got, tt.want)
		}
		for _, sub := range []string{"history", "rejected"} {
			entries, err := os.ReadDir(filepath.Join(dir, sub))
			check(t, err)
			if len(entries) != len(names) {
				t.Errorf("%s has %v", sub, entries)
			}
		}
	}
	check(t, j.Owe("unused", "3", []string{"/x"}))
	if st, err := j.State("unused"); err != nil || !st.Owed() {
		t.Errorf("it is not known again: %+v (%v)", st, err)
	}
}

func TestFileStaysSmall(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir, Options{})
	for i := range 2000 {
		check(t, j.update("b", soon, func(e *entry) { e.record.owe(strings.Repeat("x", 100+i%7), []string{"y"}) }))
	}
	info, err := os.Stat(bundleFile(t, dir))
	check(t, err)
	if info.Size() > maxFile+1000 {
		t.Errorf("%d bytes", info.Size())
	}
	wantState(t, j, State{Desired: strings.Repeat("x", 100+1999%7), Files: []string{"y"}})
}

// The common path, a change of an implicit bundle, waits for the disk once.
func TestOneSync(t *testing.T) {
	j := open(t, t.TempDir(), Options{})
	check(t, j.Owe("b", "1", []string{"x"}))
	check(t, applied(j, "b", "1", nil))
	var syncs []string
	j.disk.Step = func(s string) {
		if strings.HasPrefix(s, "sync ") {
			syncs = append(syncs, s)
		}
	}
	check(t, j.Owe("b", "2", []string{"x"}))
	if len(syncs) != 1 {
		t.Errorf("Owe: %q", syncs)
	}
	check(t, j.Owe("b", "2", []string{"x"}))
	check(t, applied(j, "b", "2", nil))
	if len(syncs) != 1 {
		t.Errorf("the same again, and Applied: %q", syncs)
	}
}

func TestNames(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir, Options{Generations: 1})
	names := []string{
		"", " ", "%s", ".", "..", "../../etc/passwd", "/", "A", "CON", "a", "con", "nginx -s reload; echo \"x\"",
		strings.Repeat("long", 200), strings.Repeat("long", 200) + "er", "nul\x00", "é", "日本語",
	}
	seen := make(map[string]bool)
	for _, name := range names {
		check(t, applied(j, name, "hash of "+name, []history.File{{Path: name, Content: []byte(name)}}))
		file := strings.ToLower(fileName(name))
		if len(file) > 100 || strings.ContainsAny(file, "/\\ %\x00") || seen[file] {
			t.Errorf("%q is in %q", name, file)
		}
		seen[file] = true
	}
	check(t, j.Close())
	j = open(t, dir, Options{})
	got, err := j.Bundles()
	check(t, err)
	if diff := cmp.Diff(names, got, cmpopts.SortSlices(strings.Compare)); diff != "" {
		t.Errorf("the bundles differ (-want +got):\n%s", diff)
	}
	for _, name := range names {
		st, err := j.State(name)
		g, genErr := j.Generation(name, 1)
		if st.Applied != "hash of "+name || err != nil || genErr != nil || string(g.Files[0].Content) != name {
			t.Errorf("%q: %+v, %v; %+v, %v", name, st, err, g, genErr)
		}
	}
	if err := j.Owe("\xff", "1", nil); err == nil {
		t.Error("a name that is not UTF-8 is taken")
	}
}

func TestDefaultDir(t *testing.T) {
	tests := []struct {
		name string
		env  map[string]string
		uid  int
		want string
	}{
		{"root", map[string]string{"HOME": "/root"}, 0, "/var/lib/restencil"},
		{"home", map[string]string{"HOME": "/h/u"}, 7, "/h/u/.local/state/restencil"},
		{"XDG", map[string]string{"HOME": "/h/u", "XDG_STATE_HOME": "/s"}, 7, "/s/restencil"},
		{"XDG, relative", map[string]string{"HOME": "/h/u", "XDG_STATE_HOME": "s"}, 7, "/h/u/.local/state/restencil"},
		{"nothing", nil, 7, ""},
		{"empty", map[string]string{"HOME": "", "XDG_STATE_HOME": ""}, -1, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			lookup := func(name string) (string, bool) { v, ok := tt.env[name]; return v, ok }
			if got := DefaultDir(lookup, tt.uid); got != filepath.FromSlash(tt.want) {
				t.Errorf("DefaultDir = %q, want %q", got, tt.want)
			}
		})
	}
}
