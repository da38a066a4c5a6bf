package journal

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"restencil/runner/journal/history"
	"restencil/runner/journal/swap"
	"restencil/test/namespace"
)

func TestDiskFull(t *testing.T) {
	if !namespace.Own(t) {
		return
	}
	dir := t.TempDir()
	namespace.Mount(t, "tmpfs", dir, "tmpfs", 0, "size=64k,mode=0700")
	j := open(t, dir, Options{Generations: 3})
	check(t, applied(j, "b", "1", []history.File{{Path: "x", Content: []byte("1")}}))
	ballast := filepath.Join(dir, "ballast")
	fill(t, ballast)

	long := strings.Repeat("x", 16<<10)
	if err := j.Owe("b", "2", []string{long}); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("Owe: %v", err)
	}
	if err := applied(j, "b", "3", []history.File{{Path: "x", Content: []byte(long)}}); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("Applied: %v", err)
	}
	if st, err := open(t, dir, Options{ReadOnly: true}).State("b"); err != nil || st.Desired == "2" {
		t.Errorf("on disk: %+v, %v", st, err)
	}
	check(t, os.Remove(ballast))
	check(t, j.Owe("b", "4", []string{"x"}))
	wantState(t, j, State{Desired: "4", Applied: "3", Files: []string{"x"}})
	if all, err := j.History("b"); len(all) != 1 || err != nil {
		t.Errorf("History = %+v, %v", all, err)
	}
}

// fill takes all space that is left.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	check(t, err)
	defer f.Close()
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
}

func TestReadOnlyFileSystem(t *testing.T) {
	if !namespace.Own(t) {
		return
	}
	dir := t.TempDir()
	namespace.Mount(t, "tmpfs", dir, "tmpfs", 0, "size=64k,mode=0700")
	j := open(t, dir, Options{Generations: 1})
	check(t, applied(j, "b", "1", []history.File{{Path: "x"}}))
	check(t, j.Owe("b", "2", nil))
	check(t, j.Close())
	check(t, syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""))

	j = open(t, dir, Options{Generations: 1})
	if all, err := j.Recover(); all != nil || err != nil {
		t.Errorf("Recover = %+v, %v", all, err)
	}
	wantState(t, j, State{Desired: "2", Applied: "1"})
	for _, err := range []error{j.Owe("b", "3", nil), applied(j, "b", "3", []history.File{{Path: "x"}})} {
		if !errors.Is(err, syscall.EROFS) || !strings.Contains(err.Error(), "state_dir") {
			t.Errorf("error %v", err)
		}
	}
	if all, err := j.History("b"); len(all) != 1 || err != nil {
		t.Errorf("History = %+v, %v", all, err)
	}
	if err := open(t, filepath.Join(dir, "new"), Options{}).Owe("b", "1", nil); !errors.Is(err, syscall.EROFS) {
		t.Errorf("in a directory that is not there: %v", err)
	}
}

// A destination that is a mount point cannot be renamed over.
func TestRecoverMountPoint(t *testing.T) {
	if !namespace.Own(t) {
		return
	}
	for _, tt := range []struct {
		name, at, lost, want string
	}{
		{"completed", "ne", "", "new"},
		{"undone", "ne", ".mounted.restencil-new", "the old one"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			w := swapping{dir: dir, state: filepath.Join(t.TempDir(), "state")}
			source := filepath.Join(t.TempDir(), "source")
			put(t, source, "the old one")
			put(t, w.path("mounted"), "below")
			namespace.Mount(t, source, w.path("mounted"), "", syscall.MS_BIND, "")
			put(t, w.temp("mounted"), "new")
			j := open(t, w.state, Options{})
			check(t, j.Begin("b", "2", false, []swap.Move{{Path: w.path("mounted"), Temp: w.temp("mounted"), Kept: w.kept("mounted")}}))
			check(t, j.Close())
			put(t, w.kept("mounted"), "the old one")
			put(t, source, tt.at) // half written
			if tt.lost != "" {
				check(t, os.Remove(filepath.Join(dir, tt.lost)))
			}

			j = open(t, w.state, Options{})
			all, err := j.Recover()
			if len(all) != 1 || err != nil || all[0].Err != nil || all[0].Completed != (tt.lost == "") {
				t.Fatalf("Recover = %+v, %v", all, err)
			}
			if data, err := os.ReadFile(source); string(data) != tt.want || err != nil {
				t.Errorf("%q, %v", data, err)
			}
			if left := strays(t, dir); left != nil {
				t.Errorf("left behind: %q", left)
			}
			if st, err := j.State("b"); !st.Owed() || err != nil {
				t.Errorf("State = %+v, %v", st, err)
			}
		})
	}
}

// A user who may not write in the directory, or not even read it.
func TestNotPermitted(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root may do everything")
	}
	dir := t.TempDir()
	j := open(t, dir, Options{})
	check(t, j.Owe("b", "1", nil))
	check(t, j.Close())
	check(t, os.Chmod(dir, 0o500))
	defer os.Chmod(dir, 0o700)
	check(t, os.Chmod(bundleFile(t, dir), 0o400))
	j = open(t, dir, Options{})
	wantState(t, j, State{Desired: "1"})
	if err := j.Owe("b", "2", nil); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("error %v", err)
	}
}
