package renderer_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"restencil/renderer"
	"restencil/test/namespace"
)

// bindMounted returns a directory with a file "out" that another is mounted on.
func bindMounted(t *testing.T, content string, mode fs.FileMode) (dir, path string) {
	t.Helper()
	dir = t.TempDir()
	path = filepath.Join(dir, "out")
	source := filepath.Join(t.TempDir(), "source")
	put(t, source, content, mode)
	put(t, path, "below", 0o644)
	namespace.Mount(t, source, path, "", syscall.MS_BIND, "")
	return dir, path
}

func TestBindMount(t *testing.T) {
	if !namespace.Own(t) {
		return
	}
	tests := []struct {
		name string
		file renderer.File
		want renderer.Result
		tree map[string]string
	}{
		{
			"longer", renderer.File{Content: []byte("longer than the old one")},
			renderer.Result{Change: renderer.Replaced, InPlace: true},
			map[string]string{"out": "-rw-r----- longer than the old one"},
		},
		{
			"shorter, other mode", renderer.File{Content: []byte("new"), Perm: 0o604},
			renderer.Result{Change: renderer.Replaced, InPlace: true},
			map[string]string{"out": "-rw----r-- new"},
		},
		{
			"empty", renderer.File{},
			renderer.Result{Change: renderer.Replaced, InPlace: true},
			map[string]string{"out": "-rw-r----- "},
		},
		{
			"unchanged", renderer.File{Content: []byte("old content")},
			renderer.Result{Change: renderer.Unchanged},
			map[string]string{"out": "-rw-r----- old content"},
		},
		{
			"repaired", renderer.File{Content: []byte("old content"), Perm: 0o600},
			renderer.Result{Change: renderer.Repaired},
			map[string]string{"out": "-rw------- old content"},
		},
		{
			"backed up", renderer.File{Content: []byte("new"), Backup: true},
			renderer.Result{Change: renderer.Replaced, InPlace: true},
			map[string]string{"out": "-rw-r----- new", "out.bak": "-rw-r----- old content"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir, path := bindMounted(t, "old content", 0o640)
			before := inode(t, path)
			tt.file.Path = path
			r, err := renderer.Write(tt.file)
			if err != nil || r.Change != tt.want.Change || r.InPlace != tt.want.InPlace || r.Warnings != nil {
				t.Errorf("Write = %+v, want %+v", r, tt.want)
			}
			wantTree(t, dir, tt.tree)
			if !os.SameFile(before, inode(t, path)) {
				t.Error("not the same file any more")
			}
		})
	}
}

func TestRestoreBindMount(t *testing.T) {
	if !namespace.Own(t) {
		return
	}
	dir, path := bindMounted(t, "old", 0o640)
	s, err := renderer.Stage(renderer.File{Path: path, Content: []byte("newer"), Perm: 0o600, Keep: true})
	if err != nil {
		t.Fatal(err)
	}
	if r := swapEach(s)[0]; r.Err != nil || !r.InPlace {
		t.Fatalf("%+v", r)
	}
	if err := renderer.Restore(s); err != nil {
		t.Fatal(err)
	}
	wantTree(t, dir, map[string]string{"out": "-rw-r----- old"})
}

// smallDisk mounts a file system of 64 KiB, all but a little of it used up.
func smallDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	namespace.Mount(t, "tmpfs", dir, "tmpfs", 0, "size=64k")
	put(t, filepath.Join(dir, "ballast"), strings.Repeat("x", 48<<10), 0o600)
	return dir
}

func TestDiskFull(t *testing.T) {
	if !namespace.Own(t) {
		return
	}
	dir := smallDisk(t)
	path := filepath.Join(dir, "out")
	put(t, path, "old", 0o640)
	before := tree(t, dir)

	f := renderer.File{Path: path, Content: make([]byte, 32<<10)}
	_, err := renderer.Write(f)
	want := "failed writing file: write " + path + ": no space left on device"
	if err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
	wantTree(t, dir, before)

	if err := os.Remove(filepath.Join(dir, "ballast")); err != nil {
		t.Fatal(err)
	}
	if r, err := renderer.Write(f); r.Change != renderer.Replaced || err != nil {
		t.Errorf("with space again: %+v", r)
	}
}

// The mounted file lies on the full disk, the directory around it does not.
func TestDiskFullInPlace(t *testing.T) {
	if !namespace.Own(t) {
		return
	}
	source := filepath.Join(smallDisk(t), "source")
	put(t, source, "old", 0o640)
	dir := t.TempDir()
	path := filepath.Join(dir, "out")
	put(t, path, "below", 0o644)
	namespace.Mount(t, source, path, "", syscall.MS_BIND, "")

	_, err := renderer.Write(renderer.File{Path: path, Content: make([]byte, 32<<10), Perm: 0o600, Backup: true})
	want := "failed writing file: write " + path + ": no space left on device"
	if err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
	wantTree(t, dir, map[string]string{"out": "-rw-r----- old", "out.bak": "-rw------- old"})
}

func TestReadOnlyFileSystem(t *testing.T) {
	if !namespace.Own(t) {
		return
	}
	dir := t.TempDir()
	namespace.Mount(t, "tmpfs", dir, "tmpfs", 0, "size=64k")
	path := filepath.Join(dir, "out")
	put(t, path, "old", 0o644)
	namespace.Mount(t, "tmpfs", dir, "tmpfs", syscall.MS_REMOUNT|syscall.MS_RDONLY, "")
	t.Cleanup(func() { syscall.Mount("tmpfs", dir, "tmpfs", 0, "") })

	for _, tt := range []struct {
		file          renderer.File
		err, warnings string
	}{
		{file: renderer.File{Content: []byte("old")}},
		{
			file:     renderer.File{Content: []byte("old"), Perm: 0o600},
			warnings: `could not set the mode of "` + path + `": read-only file system`,
		},
		{
			file: renderer.File{Content: []byte("new")},
			err:  "failed writing file: cannot create a file in " + dir + ": read-only file system",
		},
	} {
		tt.file.Path = path
		r, err := renderer.Write(tt.file)
		if r.Change != renderer.Unchanged || text(err) != tt.err || text(errors.Join(r.Warnings...)) != tt.warnings {
			t.Errorf("Write = %+v; want error %q, warnings %q", r, tt.err, tt.warnings)
		}
	}
	wantTree(t, dir, map[string]string{"out": "-rw-r--r-- old"})
}

// Of two files the second fails: the first, which is a mount point and was
// written in place, is what it was.
func TestSwapUndoesBindMount(t *testing.T) {
	if !namespace.Own(t) {
		return
	}
	dir, path := bindMounted(t, "old", 0o640)
	long := time.Now().Add(-time.Hour)
	if err := os.Chtimes(path, long, long); err != nil {
		t.Fatal(err)
	}
	before := inode(t, path)
	all := stageKept(t,
		renderer.File{Path: path, Content: []byte("newer"), Perm: 0o600},
		renderer.File{Path: filepath.Join(dir, "second"), Content: []byte("new")})
	if err := os.Mkdir(filepath.Join(dir, "second"), 0o755); err != nil {
		t.Fatal(err)
	}
	if r := renderer.SwapGroups(false, all)[0]; r.Err == nil || r.RestoreErr != nil {
		t.Errorf("errors %v, %v", r.Err, r.RestoreErr)
	}
	if inode(t, path).ModTime().Equal(before.ModTime()) {
		t.Error("it was never in place")
	}
	wantTree(t, dir, map[string]string{"out": "-rw-r----- old", "second": "dir"})
	if !os.SameFile(before, inode(t, path)) {
		t.Error("not the same file any more")
	}
}

// What a mount point holds is kept as a copy, for which there may be no space.
func TestKeepOnFullDisk(t *testing.T) {
	if !namespace.Own(t) {
		return
	}
	dir := smallDisk(t)
	path := filepath.Join(dir, "out")
	put(t, path, "", 0o644)
	source := filepath.Join(t.TempDir(), "source")
	put(t, source, strings.Repeat("old ", 8<<10), 0o640)
	namespace.Mount(t, source, path, "", syscall.MS_BIND, "")
	before := tree(t, dir)

	all := stageKept(t, renderer.File{Path: path, Content: []byte("new")})
	err := renderer.Keep(all...)
	want := "failed keeping the old file: write " + path + ": "
	if err == nil || !strings.HasPrefix(err.Error(), want) || !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("error %v, want %s…", err, want)
	}
	all[0].Discard()
	wantTree(t, dir, before)
}
