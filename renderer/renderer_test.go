package renderer_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"restencil/renderer"
)

// put makes path a file with exactly this mode.
func put(t testing.TB, path, content string, mode fs.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

// tree tells all that is in dir: mode and content of files, targets of links.
func tree(t testing.TB, dir string) map[string]string {
	t.Helper()
	got := make(map[string]string)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		info, err := d.Info()
		if err != nil {
			return err
		}
		got[name] = describe(path, info)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func describe(path string, info fs.FileInfo) string {
	switch {
	case info.IsDir():
		return "dir"
	case info.Mode()&fs.ModeSymlink != 0:
		target, _ := os.Readlink(path)
		return "-> " + target
	case !info.Mode().IsRegular():
		return info.Mode().Type().String()
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%v %s", info.Mode(), content)
}

func wantTree(t testing.TB, dir string, want map[string]string) {
	t.Helper()
	if diff := cmp.Diff(want, tree(t, dir)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

func inode(t testing.TB, path string) fs.FileInfo {
	t.Helper()
	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info
}

func TestWrite(t *testing.T) {
	notOnWindows(t)
	tests := []struct {
		name     string
		before   string // content of the file, "" for none
		mode     fs.FileMode
		file     renderer.File
		want     renderer.Change
		wantFile string
		newInode bool
	}{
		{
			name: "new file", file: renderer.File{Content: []byte("a")},
			want: renderer.Replaced, wantFile: "-rw-r--r-- a",
		},
		{
			name: "new empty file", file: renderer.File{},
			want: renderer.Replaced, wantFile: "-rw-r--r-- ",
		},
		{
			name: "new file with mode", file: renderer.File{Content: []byte("a"), Perm: 0o660},
			want: renderer.Replaced, wantFile: "-rw-rw---- a",
		},
		{
			name: "nothing to do", before: "a", mode: 0o600,
			file: renderer.File{Content: []byte("a")},
			want: renderer.Unchanged, wantFile: "-rw------- a",
		},
		{
			name: "nothing to do with mode", before: "a", mode: 0o604,
			file: renderer.File{Content: []byte("a"), Perm: 0o604},
			want: renderer.Unchanged, wantFile: "-rw----r-- a",
		},
		{
			name: "other bytes of the same length keep the mode", before: "a", mode: 0o640,
			file: renderer.File{Content: []byte("b")},
			want: renderer.Replaced, wantFile: "-rw-r----- b", newInode: true,
		},
		{
			name: "fewer bytes", before: "abc", mode: 0o644,
			file: renderer.File{Content: []byte("ab")},
			want: renderer.Replaced, wantFile: "-rw-r--r-- ab", newInode: true,
		},
		{
			name: "more bytes", before: "abc", mode: 0o644,
			file: renderer.File{Content: []byte("abcd")},
			want: renderer.Replaced, wantFile: "-rw-r--r-- abcd", newInode: true,
		},
		{
			name: "no bytes", before: "abc", mode: 0o644,
			file: renderer.File{},
			want: renderer.Replaced, wantFile: "-rw-r--r-- ", newInode: true,
		},
		{
			name: "bytes and mode", before: "a", mode: 0o644,
			file: renderer.File{Content: []byte("b"), Perm: 0o600},
			want: renderer.Replaced, wantFile: "-rw------- b", newInode: true,
		},
		{
			name: "mode only, narrower", before: "a", mode: 0o666,
			file: renderer.File{Content: []byte("a"), Perm: 0o600},
			want: renderer.Repaired, wantFile: "-rw------- a",
		},
		{
			name: "mode only, wider", before: "a", mode: 0o600,
			file: renderer.File{Content: []byte("a"), Perm: 0o644},
			want: renderer.Repaired, wantFile: "-rw-r--r-- a",
		},
		{
			name: "special bits asked for", before: "a", mode: 0o755,
			file: renderer.File{Content: []byte("a"), Perm: 0o755 | fs.ModeSetuid},
			want: renderer.Repaired, wantFile: "urwxr-xr-x a",
		},
		{
			name: "special bits kept", before: "a", mode: 0o755 | fs.ModeSetuid | fs.ModeSticky,
			file: renderer.File{Content: []byte("b")},
			want: renderer.Replaced, wantFile: "utrwxr-xr-x b", newInode: true,
		},
		{
			name: "special bits taken away", before: "a", mode: 0o755 | fs.ModeSetuid,
			file: renderer.File{Content: []byte("a"), Perm: 0o755},
			want: renderer.Repaired, wantFile: "-rwxr-xr-x a",
		},
		{
			name: "bits that are no permissions are ignored", before: "a", mode: 0o755,
			file: renderer.File{Content: []byte("a"), Perm: 0o4755},
			want: renderer.Unchanged, wantFile: "-rwxr-xr-x a",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			tt.file.Path = filepath.Join(dir, "out.conf")
			var before fs.FileInfo
			if tt.mode != 0 {
				put(t, tt.file.Path, tt.before, tt.mode)
				before = inode(t, tt.file.Path)
			}

			if got, err := compare(tt.file); got != tt.want || err != nil {
				t.Errorf("Compare = %v, %v; want %v", got, err, tt.want)
			}
			got, err := renderer.Write(tt.file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(renderer.Result{Change: tt.want}, got); diff != "" {
				t.Errorf("result (-want +got):\n%s", diff)
			}
			wantTree(t, dir, map[string]string{"out.conf": tt.wantFile})
			after := inode(t, tt.file.Path)
			if before != nil && os.SameFile(before, after) == tt.newInode {
				t.Errorf("new inode: %v, want %v", !tt.newInode, tt.newInode)
			}
			if got, err := renderer.Write(tt.file); got.Change != renderer.Unchanged || err != nil {
				t.Errorf("second Write = %v, %v; want unchanged", got, err)
			}
		})
	}
}

func TestWriteErrors(t *testing.T) {
	tests := []struct {
		name string
		file renderer.File
		want string
	}{
		{"no path", renderer.File{}, "failed writing file: missing destination"},
		{"directory", renderer.File{Path: "dir"}, "failed reading file: read dir: is a directory"},
		{"directory to be", renderer.File{Path: "new/"}, "failed reading file: read new/: is a directory"},
		{"below a file", renderer.File{Path: "file/out"}, "failed reading file: lstat file/out: not a directory"},
		{
			"missing parent", renderer.File{Path: "a/b", NoParents: true},
			"failed writing file: parent directory is missing",
		},
		{
			"unknown user", renderer.File{Path: "file", Content: []byte("old"), User: "nosuchuser"},
			"failed looking up user: user: unknown user nosuchuser",
		},
		{
			"unknown group", renderer.File{Path: "file", Content: []byte("old"), Group: "nosuchgroup"},
			"failed looking up group: group: unknown group nosuchgroup",
		},
		{
			"negative user", renderer.File{Path: "file", Content: []byte("old"), User: "-1"},
			"failed looking up user: user: unknown user -1",
		},
	}
	notOnWindows(t)
	t.Chdir(t.TempDir())
	put(t, "file", "old", 0o644)
	if err := os.Mkdir("dir", 0o755); err != nil {
		t.Fatal(err)
	}
	before := tree(t, ".")
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := renderer.Write(tt.file)
			if err == nil || err.Error() != tt.want {
				t.Errorf("error %v, want %s", err, tt.want)
			}
			wantTree(t, ".", before)
		})
	}
}

func TestMissingParents(t *testing.T) {
	dir := t.TempDir()
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			path := filepath.Join(dir, "a", "b", fmt.Sprint(i))
			if r, err := renderer.Write(renderer.File{Path: path}); err != nil || r.Warnings != nil {
				t.Error(r, err)
			}
		})
	}
	wg.Wait()
	if got := len(tree(t, dir)); got != 22 {
		t.Errorf("%d files and directories, want 22", got)
	}
}

func TestRelativePath(t *testing.T) {
	t.Chdir(t.TempDir())
	if _, err := renderer.Write(renderer.File{Path: "out", Content: []byte("a")}); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile("out"); string(got) != "a" {
		t.Error(got, err)
	}
}

func TestLongName(t *testing.T) {
	notOnWindows(t)
	for _, name := range []string{strings.Repeat("x", 255), strings.Repeat("é", 127)} {
		path := filepath.Join(t.TempDir(), name)
		if _, err := renderer.Write(renderer.File{Path: path, Keep: true, Content: []byte("a")}); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(path); err != nil {
			t.Error(err)
		}
	}
}

// compare returns what Write would do.
func compare(f renderer.File) (renderer.Change, error) {
	s, err := renderer.Compare(f)
	if err != nil {
		return renderer.Unchanged, err
	}
	return s.Change(), nil
}

// A file of another size is not read: that would take minutes here.
func TestCompareDoesNotReadInVain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sparse")
	put(t, path, "", 0o600)
	if err := os.Truncate(path, 1<<40); err != nil {
		t.Skip("no sparse files here: ", err)
	}
	got, err := compare(renderer.File{Path: path, Content: make([]byte, 1<<20)})
	if got != renderer.Replaced || err != nil {
		t.Errorf("Compare = %v, %v; want replaced", got, err)
	}
}

func TestCompareLargeFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "large")
	content := bytes.Repeat([]byte("0123456789abcdef"), 10_000)
	put(t, path, string(content), 0o600)
	for _, at := range []int{-1, 0, 32<<10 - 1, 32 << 10, len(content) - 1} {
		changed, want := bytes.Clone(content), renderer.Unchanged
		if at >= 0 {
			changed[at]++
			want = renderer.Replaced
		}
		got, err := compare(renderer.File{Path: path, Content: changed})
		if got != want || err != nil {
			t.Errorf("byte %d changed: Compare = %v, %v; want %v", at, got, err, want)
		}
	}
}

func TestCompareWithoutPath(t *testing.T) {
	if got, err := compare(renderer.File{}); got != renderer.Replaced || err != nil {
		t.Errorf("Compare = %v, %v; want replaced", got, err)
	}
}

func TestBackup(t *testing.T) {
	notOnWindows(t)
	dir := t.TempDir()
	f := renderer.File{Path: filepath.Join(dir, "out"), Backup: true}
	write := func(content string, want map[string]string) {
		t.Helper()
		f.Content = []byte(content)
		r, err := renderer.Write(f)
		if err != nil || len(r.Warnings) > 0 {
			t.Fatal(r, err)
		}
		wantTree(t, dir, want)
	}
	write("1", map[string]string{"out": "-rw-r--r-- 1"})
	if err := os.Chmod(f.Path, 0o600); err != nil {
		t.Fatal(err)
	}
	write("2", map[string]string{"out": "-rw------- 2", "out.bak": "-rw------- 1"})
	write("3", map[string]string{"out": "-rw------- 3", "out.bak": "-rw------- 2"})
	f.Perm = 0o644
	write("3", map[string]string{"out": "-rw-r--r-- 3", "out.bak": "-rw------- 2"})
	// Who may not read the new content may not read the old one any more.
	f.Perm = 0o640
	write("4", map[string]string{"out": "-rw-r----- 4", "out.bak": "-rw-r----- 3"})
	f.Perm = 0o604
	write("5", map[string]string{"out": "-rw----r-- 5", "out.bak": "-rw------- 4"})
}

func TestBackupThatIsTheFileItself(t *testing.T) {
	notOnWindows(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "out")
	put(t, path, "1", 0o644)
	if err := os.Link(path, path+".bak"); err != nil {
		t.Fatal(err)
	}
	if _, err := renderer.Write(renderer.File{Path: path, Backup: true, Content: []byte("2")}); err != nil {
		t.Fatal(err)
	}
	wantTree(t, dir, map[string]string{"out": "-rw-r--r-- 2", "out.bak": "-rw-r--r-- 1"})
}

func TestBackupThatFails(t *testing.T) {
	notOnWindows(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "out")
	put(t, path, "1", 0o644)
	if err := os.Mkdir(path+".bak", 0o755); err != nil {
		t.Fatal(err)
	}
	r, err := renderer.Write(renderer.File{Path: path, Backup: true, Content: []byte("2")})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Warnings) != 1 || !strings.HasPrefix(r.Warnings[0].Error(), `could not backup "`+path+`": `) {
		t.Errorf("warnings %v", r.Warnings)
	}
	wantTree(t, dir, map[string]string{"out": "-rw-r--r-- 2", "out.bak": "dir"})
}

func TestSymlinks(t *testing.T) {
	notOnWindows(t)
	tests := []struct {
		name   string
		target string
		file   renderer.File
		want   renderer.Change
		files  map[string]string
	}{
		{
			"replaced itself", "target", renderer.File{Content: []byte("new")}, renderer.Replaced,
			map[string]string{"link": "-rw-r----- new", "target": "-rw-r----- old"},
		},
		{
			"right bytes", "target", renderer.File{Content: []byte("old")}, renderer.Unchanged,
			map[string]string{"link": "-> target", "target": "-rw-r----- old"},
		},
		{
			"right bytes and mode", "target", renderer.File{Content: []byte("old"), Perm: 0o640}, renderer.Unchanged,
			map[string]string{"link": "-> target", "target": "-rw-r----- old"},
		},
		{
			"right bytes, other mode", "target", renderer.File{Content: []byte("old"), Perm: 0o600}, renderer.Repaired,
			map[string]string{"link": "-rw------- old", "target": "-rw-r----- old"},
		},
		{
			"right bytes are not backed up", "target", renderer.File{Content: []byte("old"), Perm: 0o600, Backup: true},
			renderer.Repaired, map[string]string{"link": "-rw------- old", "target": "-rw-r----- old"},
		},
		{
			"dangling", "nowhere", renderer.File{Content: []byte("new")}, renderer.Replaced,
			map[string]string{"link": "-rw-r--r-- new", "target": "-rw-r----- old"},
		},
		{
			"backed up", "target", renderer.File{Content: []byte("new"), Backup: true}, renderer.Replaced,
			map[string]string{"link": "-rw-r----- new", "link.bak": "-> target", "target": "-rw-r----- old"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			put(t, filepath.Join(dir, "target"), "old", 0o640)
			tt.file.Path = filepath.Join(dir, "link")
			if err := os.Symlink(tt.target, tt.file.Path); err != nil {
				t.Fatal(err)
			}
			r, err := renderer.Write(tt.file)
			if err != nil || r.Change != tt.want {
				t.Errorf("Write = %v, %v; want %v", r, err, tt.want)
			}
			wantTree(t, dir, tt.files)
		})
	}
}

func TestStageTouchesNothing(t *testing.T) {
	notOnWindows(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "out.conf")
	put(t, path, "old", 0o600)
	s, err := renderer.Stage(renderer.File{Path: path, Content: []byte("new"), Perm: 0o640})
	if err != nil {
		t.Fatal(err)
	}
	if s.Change() != renderer.Replaced {
		t.Errorf("change %v", s.Change())
	}
	name := filepath.Base(s.Path())
	if !strings.HasPrefix(name, ".out.conf.restencil-") {
		t.Errorf("staged as %s", name)
	}
	wantTree(t, dir, map[string]string{"out.conf": "-rw------- old", name: "-rw-r----- new"})

	s.Discard()
	s.Discard()
	wantTree(t, dir, map[string]string{"out.conf": "-rw------- old"})
	if r := swapEach(s)[0]; r.Err == nil || r.Change != renderer.Unchanged {
		t.Errorf("after Discard: %+v", r)
	}
	wantTree(t, dir, map[string]string{"out.conf": "-rw------- old"})
}

func TestStagedPathOfRightBytes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out")
	put(t, path, "a", 0o644)
	s, err := renderer.Stage(renderer.File{Path: path, Content: []byte("a")})
	if err != nil || s.Path() != path {
		t.Errorf("staged at %v, %v", s.Path(), err)
	}
}

func TestSwapGoesOn(t *testing.T) {
	notOnWindows(t)
	dir := t.TempDir()
	var all []*renderer.StagedFile
	for _, name := range []string{"a", "b", "c"} {
		s, err := renderer.Stage(renderer.File{Path: filepath.Join(dir, name), Content: []byte(name)})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
	}
	// What came in the way after staging.
	if err := os.Mkdir(filepath.Join(dir, "b"), 0o755); err != nil {
		t.Fatal(err)
	}
	results := swapEach(all...)
	want := []renderer.Change{renderer.Replaced, renderer.Unchanged, renderer.Replaced}
	for i, r := range results {
		if r.Change != want[i] || (r.Err != nil) != (i == 1) {
			t.Errorf("result %d: %+v", i, r)
		}
	}
	if got := all[0].Path(); got != filepath.Join(dir, "a") {
		t.Errorf("after the swap at %s", got)
	}
	wantTree(t, dir, map[string]string{"a": "-rw-r--r-- a", "b": "dir", "c": "-rw-r--r-- c"})
	if r := swapEach(all[0])[0]; r.Err == nil {
		t.Error("swapped twice")
	}
}

// consul-template writes them one after the other (COMPAT 4.9).
func TestSwapSameDestination(t *testing.T) {
	notOnWindows(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "out")
	put(t, path, "last", 0o644)
	var all []*renderer.StagedFile
	for i, content := range []string{"first", "last", "last"} {
		name := path
		if i == 1 { // another path to the same file
			name = dir + "/./out"
		}
		s, err := renderer.Stage(renderer.File{Path: name, Content: []byte(content)})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
	}
	want := []renderer.Change{renderer.Replaced, renderer.Replaced, renderer.Unchanged}
	for i, r := range renderer.SwapGroups(true, all[:1], all[1:2], all[2:]) {
		if r.Files[0].Change != want[i] || r.Err != nil {
			t.Errorf("result %d: %+v, want %v", i, r, want[i])
		}
	}
	wantTree(t, dir, map[string]string{"out": "-rw-r--r-- last"})
}

func TestRestore(t *testing.T) {
	notOnWindows(t)
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	put(t, at("replaced"), "old", 0o600)
	put(t, at("repaired"), "old", 0o666)
	put(t, at("same"), "old", 0o644)
	put(t, at("target"), "old", 0o644)
	if err := os.Symlink("target", at("link")); err != nil {
		t.Fatal(err)
	}
	before, ino := tree(t, dir), inode(t, at("replaced"))

	var all []*renderer.StagedFile
	for _, f := range []renderer.File{
		{Path: at("replaced"), Content: []byte("new"), Perm: 0o644},
		{Path: at("repaired"), Content: []byte("old"), Perm: 0o600},
		{Path: at("same"), Content: []byte("old")},
		{Path: at("link"), Content: []byte("new")},
		{Path: at("created"), Content: []byte("new")},
		{Path: at("replaced"), Content: []byte("newer"), Perm: 0o644},
	} {
		f.Keep = true
		s, err := renderer.Stage(f)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
	}
	for _, s := range all { // two have one destination
		if r := swapEach(s)[0]; r.Err != nil {
			t.Fatal(r.Err)
		}
	}
	// A member that was never swapped is merely discarded.
	never, err := renderer.Stage(renderer.File{Path: at("never"), Keep: true})
	if err != nil {
		t.Fatal(err)
	}
	all = append(all, never)

	after := tree(t, dir)
	for name, want := range map[string]string{
		"replaced": "-rw-r--r-- newer", "repaired": "-rw------- old", "link": "-rw-r--r-- new", "created": "-rw-r--r-- new",
	} {
		if after[name] != want {
			t.Errorf("after the swap, %s is %q, want %q", name, after[name], want)
		}
	}
	for range 2 { // the second time there is nothing to do
		if err := renderer.Restore(all...); err != nil {
			t.Fatal(err)
		}
		wantTree(t, dir, before)
	}
	if !os.SameFile(ino, inode(t, at("replaced"))) {
		t.Error("the old content is back under a new inode")
	}
}

func TestDiscardAfterSwap(t *testing.T) {
	notOnWindows(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "out")
	put(t, path, "old", 0o644)
	s, err := renderer.Stage(renderer.File{Path: path, Content: []byte("new"), Keep: true})
	if err != nil {
		t.Fatal(err)
	}
	swapEach(s)
	if got := len(tree(t, dir)); got != 2 {
		t.Errorf("%d files after the swap, want the new and the old", got)
	}
	s.Discard()
	wantTree(t, dir, map[string]string{"out": "-rw-r--r-- new"})
}

func TestRestoreNeedsKeep(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out")
	s, err := renderer.Stage(renderer.File{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	swapEach(s)
	want := "failed putting back " + path + ": its old content was not kept"
	if err := renderer.Restore(s); err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

// A swapped is what came of one file.
type swapped struct {
	renderer.Result
	Err error
}

// swapEach swaps files that do not belong together.
func swapEach(staged ...*renderer.StagedFile) []swapped {
	groups := make([][]*renderer.StagedFile, len(staged))
	for i, s := range staged {
		groups[i] = []*renderer.StagedFile{s}
	}
	results := make([]swapped, len(staged))
	for i, r := range renderer.SwapGroups(false, groups...) {
		results[i] = swapped{r.Files[0], r.Err}
	}
	return results
}

func notOnWindows(t *testing.T) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("modes, links and error texts are Unix's")
	}
}

func BenchmarkWrite4KiB(b *testing.B) {
	f := renderer.File{Path: filepath.Join(b.TempDir(), "out"), Content: make([]byte, 4<<10)}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		f.Content[i%len(f.Content)]++
		if r, err := renderer.Write(f); err != nil || r.Change != renderer.Replaced {
			b.Fatal(r, err)
		}
	}
}

func BenchmarkWriteUnchanged4KiB(b *testing.B) {
	f := renderer.File{Path: filepath.Join(b.TempDir(), "out"), Content: make([]byte, 4<<10)}
	put(b, f.Path, string(f.Content), 0o644)
	b.ReportAllocs()
	for b.Loop() {
		if r, err := renderer.Write(f); err != nil || r.Change != renderer.Unchanged {
			b.Fatal(r, err)
		}
	}
}

func BenchmarkSwap300(b *testing.B) {
	dir, staged := b.TempDir(), make([]*renderer.StagedFile, 300)
	for i := 0; b.Loop(); i++ {
		b.StopTimer()
		stageAll(b, dir, staged, i)
		b.StartTimer()
		for _, r := range swapEach(staged...) {
			if r.Err != nil {
				b.Fatal(r.Err)
			}
		}
	}
}

// Both steps, as a pass over 300 templates with a shared key does them.
func BenchmarkStageAndSwap300(b *testing.B) {
	dir, staged := b.TempDir(), make([]*renderer.StagedFile, 300)
	for i := 0; b.Loop(); i++ {
		stageAll(b, dir, staged, i)
		swapEach(staged...)
	}
}

// stageAll stages new content for as many files, by 32 goroutines.
func stageAll(b *testing.B, dir string, staged []*renderer.StagedFile, generation int) {
	var wg sync.WaitGroup
	for w := range 32 {
		wg.Go(func() {
			for i := w; i < len(staged); i += 32 {
				path := filepath.Join(dir, fmt.Sprint(i))
				s, err := renderer.Stage(renderer.File{Path: path, Content: fmt.Append(nil, generation)})
				if err != nil {
					b.Error(err)
					continue
				}
				staged[i] = s
			}
		})
	}
	wg.Wait()
}

// What is known to differ is not read, but it is replaced only if it is a file.
func TestDiffers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out")
	if err := os.WriteFile(path, []byte("same"), 0o644); err != nil {
		t.Fatal(err)
	}
	r, err := renderer.Write(renderer.File{Path: path, Content: []byte("same"), Differs: true})
	if err != nil || r.Change != renderer.Replaced {
		t.Errorf("Write: %v, %v, want it replaced without a look", r.Change, err)
	}
	if _, err := renderer.Write(renderer.File{Path: filepath.Dir(path), Content: []byte("x"), Differs: true}); err == nil {
		t.Error("a directory was replaced")
	}
}
