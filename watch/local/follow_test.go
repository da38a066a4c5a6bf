package local

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Where the system gives no events, a change is found at the next poll.
func TestFollowByPolling(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	synctest.Test(t, func(t *testing.T) {
		var got []string
		f := newFollower()
		f.bells = func() *bells { return &bells{} }
		f.follow(location{path: path}, func(content string, err error) {
			if err != nil {
				content = "error"
			}
			got = append(got, content)
		})
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { f.run(ctx) })
		for _, content := range []string{"", "one", "one", "three", ""} {
			if content == "" {
				os.Remove(path)
			} else if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
				t.Fatal(err)
			}
			time.Sleep(pollInterval)
			synctest.Wait()
		}
		cancel()
		wg.Wait()
		if diff := cmp.Diff([]string{"error", "one", "three", "error"}, got); diff != "" {
			t.Errorf("reports (-want +got):\n%s", diff)
		}
	})
}

// A directory that is never quiet does not put off the look for ever.
func TestBellsPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tests := []struct {
			name    string
			every   time.Duration // an event
			looksAt time.Duration
		}{
			{"one event", time.Hour, settle},
			{"quiet at last", 2 * settle, settle},
			{"never quiet", settle / 2, patience},
		}
		for _, tt := range tests {
			b, begin := &bells{}, time.Now()
			event := time.NewTicker(tt.every)
			b.ring("dir/file")
			for waiting := true; waiting; {
				select {
				case <-event.C:
					b.ring("dir/other")
				case <-b.quiet:
					waiting = false
				}
			}
			if took := time.Since(begin); took != tt.looksAt {
				t.Errorf("%s: the look is after %v, want %v", tt.name, took, tt.looksAt)
			}
			event.Stop()
		}
	})
}

// A change of any link on the way, or of the file at its end, is in one of the
// directories that are watched.
func TestLocate(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	at := func(path string) string { return filepath.Join(dir, path) }
	for _, path := range []string{"releases/5", "shared", "etc"} {
		if err := os.MkdirAll(at(path), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for link, target := range map[string]string{
		"current":              "releases/5",
		"releases/5/data.yaml": at("shared/link.yaml"),
		"shared/link.yaml":     "../etc/data.yaml",
		"loop":                 "loop/loop",
	} {
		if err := os.Symlink(target, at(link)); err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct {
		path, real string
		dirs       []string
	}{
		{"etc/data.yaml", "etc/data.yaml", []string{"etc"}},
		{"none/data.yaml", "none/data.yaml", []string{"none"}},
		{"current/data.yaml", "etc/data.yaml", []string{"", "releases/5", "shared", "etc"}},
	}
	for _, tt := range tests {
		f := &followed{location: location{path: at(tt.path)}}
		f.locate()
		var dirs []string
		for _, d := range tt.dirs {
			dirs = append(dirs, at(d))
		}
		if diff := cmp.Diff(dirs, f.dirs); diff != "" || f.real != at(tt.real) {
			t.Errorf("%s: real path %s, want %s; directories (-want +got):\n%s", tt.path, f.real, at(tt.real), diff)
		}
	}
	(&followed{location: location{path: at("loop/x")}}).locate() // ends
}

// A file that must lie in a directory is not read from elsewhere, however the
// links change, and does not disturb the same file without that condition.
func TestFilesStayInTheirRoot(t *testing.T) {
	dir := t.TempDir()
	root := filepath.Join(dir, "root")
	if err := os.Mkdir(root, 0o755); err != nil {
		t.Fatal(err)
	}
	inside, outside := filepath.Join(root, "a"), filepath.Join(dir, "secret")
	for path, text := range map[string]string{inside: "inside", outside: "outside"} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	l := location{path: inside, root: root}
	if got, _, err := l.read(); err != nil || got != "inside" {
		t.Errorf("read = %q, %v, want what is inside", got, err)
	}
	if err := os.Remove(inside); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, inside); err != nil {
		t.Fatal(err)
	}
	if got, _, err := l.read(); err == nil {
		t.Errorf("read %q through a link that leads out", got)
	}
	if got, _, err := (location{path: inside}).read(); err != nil || got != "outside" {
		t.Errorf("without a root: read = %q, %v", got, err)
	}
}
