package filewatch

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Each case is a layout, the path in it that is watched, and a change.
func TestWatch(t *testing.T) {
	tests := []struct {
		name   string
		path   string
		layout func(t *testing.T, dir string)
		change func(t *testing.T, dir string)
	}{
		{"written in place", "f", func(t *testing.T, dir string) { write(t, filepath.Join(dir, "f"), "1") },
			func(t *testing.T, dir string) { write(t, filepath.Join(dir, "f"), "22") }},
		{"renamed over", "f", func(t *testing.T, dir string) { write(t, filepath.Join(dir, "f"), "1") },
			func(t *testing.T, dir string) {
				write(t, filepath.Join(dir, "new"), "22")
				must(t, os.Rename(filepath.Join(dir, "new"), filepath.Join(dir, "f")))
			}},
		{"made", "f", func(*testing.T, string) {},
			func(t *testing.T, dir string) { write(t, filepath.Join(dir, "f"), "1") }},
		{"added to a directory", "conf", func(t *testing.T, dir string) { must(t, os.Mkdir(filepath.Join(dir, "conf"), 0o755)) },
			func(t *testing.T, dir string) { write(t, filepath.Join(dir, "conf", "a.hcl"), "1") }},
		{"volume of Kubernetes", "conf/a.hcl",
			func(t *testing.T, dir string) {
				must(t, os.MkdirAll(filepath.Join(dir, "conf", "..1"), 0o755))
				must(t, os.MkdirAll(filepath.Join(dir, "conf", "..2"), 0o755))
				write(t, filepath.Join(dir, "conf", "..1", "a.hcl"), "1")
				write(t, filepath.Join(dir, "conf", "..2", "a.hcl"), "1")
				must(t, os.Symlink("..1", filepath.Join(dir, "conf", "..data")))
				must(t, os.Symlink("..data/a.hcl", filepath.Join(dir, "conf", "a.hcl")))
			},
			func(t *testing.T, dir string) {
				must(t, os.Symlink("..2", filepath.Join(dir, "conf", "..new")))
				must(t, os.Rename(filepath.Join(dir, "conf", "..new"), filepath.Join(dir, "conf", "..data")))
			}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			tt.layout(t, dir)
			ctx, cancel := context.WithCancel(t.Context())
			looked, changed, done := make(chan struct{}, 100), make(chan struct{}, 100), make(chan struct{})
			go func() {
				defer close(done)
				Watch(ctx, func() []string {
					looked <- struct{}{}
					return []string{filepath.Join(dir, tt.path)}
				}, func() { changed <- struct{}{} })
			}()
			<-looked
			<-looked // nothing has changed at the first poll
			if len(changed) > 0 {
				t.Error("told of a change before there was one")
			}
			tt.change(t, dir)
			select {
			case <-changed:
			case <-time.After(30 * time.Second):
				t.Error("not told of the change")
			}
			cancel()
			<-done
		})
	}
}
