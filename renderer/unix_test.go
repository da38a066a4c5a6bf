//go:build unix

package renderer_test

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"restencil/renderer"
)

func TestUmaskDoesNotApplyToFiles(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0o077))
	dir := t.TempDir()
	if _, err := renderer.Write(renderer.File{Path: filepath.Join(dir, "sub", "out")}); err != nil {
		t.Fatal(err)
	}
	wantTree(t, dir, map[string]string{"sub": "dir", "sub/out": "-rw-r--r-- "})
	if mode := inode(t, filepath.Join(dir, "sub")).Mode().Perm(); mode != 0o700 {
		t.Errorf("directory has mode %v, want 0755 less the umask", mode)
	}
}

func TestFIFO(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Skip(err)
	}
	want := "failed reading file: read " + path + ": it is a named pipe, not a regular file"
	if _, err := renderer.Write(renderer.File{Path: path}); err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

// ownerOf returns "uid:gid".
func ownerOf(t testing.TB, path string) string {
	t.Helper()
	st := inode(t, path).Sys().(*syscall.Stat_t)
	return fmt.Sprintf("%d:%d", st.Uid, st.Gid)
}

func TestOwner(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root gives files away")
	}
	tests := []struct {
		name         string
		before       string // content
		mode         fs.FileMode
		uid, gid     int
		file         renderer.File
		want         renderer.Change
		owner, after string
	}{
		{
			name: "new file", file: renderer.File{User: "1234", Group: "1235"},
			want: renderer.Replaced, owner: "1234:1235", after: "-rw-r--r-- ",
		},
		{
			name: "by name", file: renderer.File{User: "root", Group: "0"},
			want: renderer.Replaced, owner: "0:0", after: "-rw-r--r-- ",
		},
		{
			name: "preserved", before: "a", mode: 0o640, uid: 1234, gid: 1235,
			file: renderer.File{Content: []byte("b")},
			want: renderer.Replaced, owner: "1234:1235", after: "-rw-r----- b",
		},
		{
			name: "half preserved", before: "a", mode: 0o640, uid: 1234, gid: 1235,
			file: renderer.File{Content: []byte("b"), Group: "1236"},
			want: renderer.Replaced, owner: "1234:1236", after: "-rw-r----- b",
		},
		{
			name: "preserved with special bits", before: "a", mode: 0o755 | fs.ModeSetuid, uid: 1234, gid: 1235,
			file: renderer.File{Content: []byte("b")},
			want: renderer.Replaced, owner: "1234:1235", after: "urwxr-xr-x b",
		},
		{
			name: "right already", before: "a", mode: 0o640, uid: 1234, gid: 1235,
			file: renderer.File{Content: []byte("a"), User: "1234", Group: "1235"},
			want: renderer.Unchanged, owner: "1234:1235", after: "-rw-r----- a",
		},
		{
			name: "drifted", before: "a", mode: 0o640,
			file: renderer.File{Content: []byte("a"), User: "1234"},
			want: renderer.Repaired, owner: "1234:0", after: "-rw-r----- a",
		},
		{
			name: "drifted with special bits", before: "a", mode: 0o755 | fs.ModeSetuid | fs.ModeSetgid,
			file: renderer.File{Content: []byte("a"), User: "1234"},
			want: renderer.Repaired, owner: "1234:0", after: "ugrwxr-xr-x a",
		},
		{
			name: "drifted with mode", before: "a", mode: 0o666,
			file: renderer.File{Content: []byte("a"), Group: "1235", Perm: 0o640},
			want: renderer.Repaired, owner: "0:1235", after: "-rw-r----- a",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			tt.file.Path = filepath.Join(dir, "out")
			if tt.mode != 0 {
				put(t, tt.file.Path, tt.before, tt.mode)
				own(t, tt.file.Path, tt.uid, tt.gid, tt.mode)
			}
			r, err := renderer.Write(tt.file)
			if err != nil || r.Change != tt.want || r.Warnings != nil {
				t.Errorf("Write = %+v, %v; want %v", r, err, tt.want)
			}
			if got := ownerOf(t, tt.file.Path); got != tt.owner {
				t.Errorf("owner %s, want %s", got, tt.owner)
			}
			wantTree(t, dir, map[string]string{"out": tt.after})
		})
	}
}

// What a link leads to that is another user's, or a setuid program, says nothing
// about the file that takes the place of the link.
func TestLinkToSomebodyElsesFile(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root gives files away")
	}
	tests := []struct {
		name   string
		uid    int
		mode   fs.FileMode
		file   renderer.File
		change renderer.Change
		owner  string
		after  string
	}{
		{"another user's", 1234, 0o666, renderer.File{Content: []byte("new")}, renderer.Replaced, "0:0", "-rw-r--r-- new"},
		{"setuid", 0, 0o755 | fs.ModeSetuid, renderer.File{Content: []byte("new")}, renderer.Replaced, "0:0", "-rw-r--r-- new"},
		{"setgid", 0, 0o755 | fs.ModeSetgid, renderer.File{Content: []byte("new")}, renderer.Replaced, "0:0", "-rw-r--r-- new"},
		{"configured", 1234, 0o666, renderer.File{Content: []byte("new"), Perm: 0o600, User: "1235"}, renderer.Replaced, "1235:0", "-rw------- new"},
		{"right bytes, other mode", 1234, 0o666, renderer.File{Content: []byte("old"), Perm: 0o600}, renderer.Repaired, "0:0", "-rw------- old"},
		{"own", 0, 0o600, renderer.File{Content: []byte("new")}, renderer.Replaced, "0:0", "-rw------- new"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			target := filepath.Join(dir, "target")
			put(t, target, "old", tt.mode)
			own(t, target, tt.uid, 0, tt.mode)
			before := tree(t, dir)
			tt.file.Path = filepath.Join(dir, "link")
			if err := os.Symlink("target", tt.file.Path); err != nil {
				t.Fatal(err)
			}
			r, err := renderer.Write(tt.file)
			if err != nil || r.Change != tt.change || r.Warnings != nil {
				t.Errorf("Write = %+v, %v; want %v", r, err, tt.change)
			}
			if got := ownerOf(t, tt.file.Path); got != tt.owner {
				t.Errorf("owner %s, want %s", got, tt.owner)
			}
			before["link"] = tt.after
			wantTree(t, dir, before)
		})
	}
}

func TestRestoreOwner(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root gives files away")
	}
	dir := t.TempDir()
	var all []*renderer.StagedFile
	for _, name := range []string{"same", "new"} {
		path := filepath.Join(dir, name)
		put(t, path, "same", 0o755)
		own(t, path, 1234, 1235, 0o755|fs.ModeSetuid)
		s, err := renderer.Stage(renderer.File{
			Path: path, Content: []byte(name), User: "0", Group: "0", Perm: 0o600, Keep: true,
		})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
	}
	swapEach(all...)
	wantTreeOf := func(want string) {
		t.Helper()
		for _, s := range all {
			if got := ownerOf(t, s.Path()); got != want {
				t.Errorf("%s: owner %s, want %s", s.Path(), got, want)
			}
		}
	}
	wantTreeOf("0:0")
	if err := renderer.Restore(all...); err != nil {
		t.Fatal(err)
	}
	wantTreeOf("1234:1235")
	wantTree(t, dir, map[string]string{"same": "urwxr-xr-x same", "new": "urwxr-xr-x same"})
}

func own(t testing.TB, path string, uid, gid int, mode fs.FileMode) {
	t.Helper()
	if err := os.Chown(path, uid, gid); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func TestUnwritableDirectory(t *testing.T) {
	dir := publicDir(t, 0o755)
	path := filepath.Join(dir, "out")
	put(t, path, "old", 0o644)
	if err := os.Chmod(dir, 0o555); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Chmod(dir, 0o755) })
	before := inode(t, path)
	asNobody(t, func() {
		_, err := renderer.Write(renderer.File{Path: path, Content: []byte("new")})
		want := "failed writing file: cannot create a file in " + dir + ": permission denied"
		if err == nil || err.Error() != want || !errors.Is(err, fs.ErrPermission) {
			t.Errorf("error %v, want %s", err, want)
		}
	})
	wantTree(t, dir, map[string]string{"out": "-rw-r--r-- old"})
	if !os.SameFile(before, inode(t, path)) {
		t.Error("the file was replaced")
	}
}

func TestUnreadableFile(t *testing.T) {
	dir := publicDir(t, 0o777)
	path := filepath.Join(dir, "out")
	put(t, path, "old", 0)
	asNobody(t, func() {
		_, err := renderer.Write(renderer.File{Path: path, Content: []byte("longer")})
		want := "failed reading file: open " + path + ": permission denied"
		if err == nil || err.Error() != want {
			t.Errorf("error %v, want %s", err, want)
		}
	})
}

// What a process that is not root can do with somebody else's file in a
// directory that it may write to.
func TestSomebodyElsesFile(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root gives files away")
	}
	const self = "65534"
	tests := []struct {
		name    string
		mode    fs.FileMode
		file    renderer.File
		want    renderer.Change
		warning string
		err     string
		owner   string
		after   string
	}{
		{
			name: "new bytes", mode: 0o755 | fs.ModeSetuid, file: renderer.File{Content: []byte("new")},
			want: renderer.Replaced, warning: "could not preserve file permissions for PATH: operation not permitted",
			owner: "65534:65534", after: "-rwxr-xr-x new",
		},
		{
			name: "mode only", mode: 0o644, file: renderer.File{Content: []byte("old"), Perm: 0o604},
			want: renderer.Repaired, warning: "could not preserve file permissions for PATH: operation not permitted",
			owner: "65534:65534", after: "-rw----r-- old",
		},
		{
			name: "taken over", mode: 0o644, file: renderer.File{Content: []byte("old"), User: self, Group: self},
			want: renderer.Repaired, owner: "65534:65534", after: "-rw-r--r-- old",
		},
		{
			name: "given away", mode: 0o644, file: renderer.File{Content: []byte("new"), User: "1234"},
			err:   "failed setting file ownership: operation not permitted",
			owner: "0:0", after: "-rw-r--r-- old",
		},
		{
			name: "repaired for another", mode: 0o644, file: renderer.File{Content: []byte("old"), User: "1234"},
			err:   "failed setting file ownership: operation not permitted",
			owner: "0:0", after: "-rw-r--r-- old",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := publicDir(t, 0o777)
			tt.file.Path = filepath.Join(dir, "out")
			put(t, tt.file.Path, "old", tt.mode)
			asNobody(t, func() {
				r, err := renderer.Write(tt.file)
				if r.Change != tt.want || text(err) != tt.err {
					t.Errorf("Write = %v, %v; want %v, %s", r.Change, err, tt.want, tt.err)
				}
				warning := strings.ReplaceAll(text(errors.Join(r.Warnings...)), `"`+tt.file.Path+`"`, "PATH")
				if warning != tt.warning {
					t.Errorf("warning %q, want %q", warning, tt.warning)
				}
			})
			if got := ownerOf(t, tt.file.Path); got != tt.owner {
				t.Errorf("owner %s, want %s", got, tt.owner)
			}
			wantTree(t, dir, map[string]string{"out": tt.after})
		})
	}
}

// The group is preserved where the user cannot be.
func TestGroupIsPreserved(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root gives files away")
	}
	dir := publicDir(t, 0o777)
	own(t, dir, 0, 1235, 0o777|fs.ModeSetgid) // the group that new files would have
	path := filepath.Join(dir, "out")
	put(t, path, "old", 0o640)
	own(t, path, 0, 65534, 0o644)
	asNobody(t, func() {
		r, err := renderer.Write(renderer.File{Path: path, Content: []byte("new")})
		if err != nil || len(r.Warnings) != 1 {
			t.Errorf("Write = %+v", r)
		}
	})
	if got := ownerOf(t, path); got != "65534:65534" {
		t.Errorf("owner %s, want 65534:65534", got)
	}
}

// A mode that cannot be set right, where the bytes are right, is no error:
// consul-template would not even have looked.
func TestModeThatCannotBeRepaired(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root gives files away")
	}
	dir := publicDir(t, 0o755)
	path := filepath.Join(dir, "out")
	put(t, path, "old", 0o644)
	asNobody(t, func() {
		r, err := renderer.Write(renderer.File{Path: path, Content: []byte("old"), Perm: 0o600})
		want := `could not set the mode of "` + path + `": operation not permitted`
		if err != nil || r.Change != renderer.Unchanged || text(errors.Join(r.Warnings...)) != want {
			t.Errorf("Write = %+v, %v", r, err)
		}
	})
	wantTree(t, dir, map[string]string{"out": "-rw-r--r-- old"})
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// publicDir returns a directory of this mode that anyone can reach.
func publicDir(t *testing.T, mode fs.FileMode) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, mode); err != nil {
		t.Fatal(err)
	}
	return dir
}

// A seen is what a reader found: bytes and mode of one open file.
type seen struct {
	content string
	mode    fs.FileMode
	uid     uint32
}

func read(path string) (seen, error) {
	f, err := os.Open(path)
	if err != nil {
		return seen{}, err
	}
	defer f.Close()
	content, err := io.ReadAll(f)
	if err != nil {
		return seen{}, err
	}
	for before := (seen{}); ; {
		info, err := f.Stat()
		if err != nil {
			return seen{}, err
		}
		// The system may read mode and owner at different instants.
		now := seen{string(content), info.Mode(), info.Sys().(*syscall.Stat_t).Uid}
		if now == before {
			return now, nil
		}
		before = now
	}
}

// sample calls look, again and again, while write runs.
func sample(t *testing.T, look func() error, write func()) {
	t.Helper()
	var wg sync.WaitGroup
	done := make(chan struct{})
	wg.Go(func() {
		for n := 0; ; n++ {
			select {
			case <-done:
				if n == 0 {
					t.Error("never looked")
				}
				return
			default:
			}
			if err := look(); err != nil {
				t.Errorf("look %d: %v", n, err)
				return
			}
		}
	})
	write()
	close(done)
	wg.Wait()
}

// memoryDir returns a directory in memory, if there is one, where many files are
// written faster than on a disk.
func memoryDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "renderer")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// Whoever opens the destination finds all of one generation, and what is
// secret never under a mode or owner that was not asked for.
func TestReadersSeeOneGeneration(t *testing.T) {
	generations := map[string]renderer.File{}
	path := filepath.Join(memoryDir(t), "out")
	for i, perm := range []fs.FileMode{0o604, 0o600, 0o640} {
		content := strings.Repeat(fmt.Sprint(i), 100_000*(i+1))
		generations[content] = renderer.File{Path: path, Content: []byte(content), Perm: perm, Backup: i == 2}
	}
	if os.Getuid() == 0 {
		for content, f := range generations {
			f.User = fmt.Sprint(1000 + len(content)/100_000)
			generations[content] = f
		}
	}
	look := func() error {
		s, err := read(path)
		if err != nil {
			return err
		}
		f, ok := generations[s.content]
		if !ok {
			return fmt.Errorf("a mixture of %d bytes", len(s.content))
		}
		if s.mode != f.Perm || f.User != "" && f.User != fmt.Sprint(s.uid) {
			return fmt.Errorf("mode %v and owner %d, want %v and %s", s.mode, s.uid, f.Perm, f.User)
		}
		return nil
	}
	lookBeside := func() error {
		names, err := filepath.Glob(filepath.Join(filepath.Dir(path), ".*"))
		for _, name := range names {
			info, err := os.Lstat(name)
			if err == nil && info.Mode()&0o044 == 0o044 {
				return fmt.Errorf("%s has mode %v", name, info.Mode())
			}
		}
		return err
	}
	writeAll := func() {
		for _, f := range generations {
			if _, err := renderer.Write(f); err != nil {
				t.Error(err)
			}
		}
	}
	writeAll()
	sample(t, look, func() {
		sample(t, lookBeside, func() {
			for range 50 {
				writeAll()
			}
		})
	})
}

// While mode and owner are repaired, nobody may do what neither the old nor
// the new mode allows; and no special bit is on for the wrong owner.
func TestRepairNeverWidens(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out")
	put(t, path, "a", 0o640)
	f := renderer.File{Path: path, Content: []byte("a")}
	modes := []fs.FileMode{0o604, 0o640 | fs.ModeSetuid}
	owner := func(i int) string {
		if os.Getuid() != 0 {
			return ""
		}
		return fmt.Sprint(1000 + i)
	}
	look := func() error {
		s, err := read(path)
		if err != nil {
			return err
		}
		if s.mode&fs.ModeSetuid != 0 && owner(1) != "" && fmt.Sprint(s.uid) != owner(1) {
			return fmt.Errorf("setuid %d", s.uid)
		}
		if s.mode.Perm()&0o044 == 0o044 {
			return fmt.Errorf("mode %v", s.mode)
		}
		return nil
	}
	sample(t, look, func() {
		for i := range 2000 {
			f.Perm, f.User = modes[i%2], owner(i%2)
			if r, err := renderer.Write(f); err != nil || r.Change != renderer.Repaired {
				t.Fatal(r, err)
			}
		}
	})
}
