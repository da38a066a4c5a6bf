package filewatch_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"restencil/watch/filewatch"
)

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
				check(t, os.Rename(filepath.Join(dir, "new"), filepath.Join(dir, "f")))
			}},
		{"made", "f", func(*testing.T, string) {},
			func(t *testing.T, dir string) { write(t, filepath.Join(dir, "f"), "1") }},
		{"added to a directory", "conf", func(t *testing.T, dir string) { check(t, os.Mkdir(filepath.Join(dir, "conf"), 0o755)) },
			func(t *testing.T, dir string) { write(t, filepath.Join(dir, "conf", "a.hcl"), "1") }},
		{"added far down", "conf", func(t *testing.T, dir string) { check(t, os.MkdirAll(filepath.Join(dir, "conf", "a", "b"), 0o755)) },
			func(t *testing.T, dir string) { write(t, filepath.Join(dir, "conf", "a", "b", "a.hcl"), "1") }},
		{"removed from a directory", "conf",
			func(t *testing.T, dir string) {
				check(t, os.Mkdir(filepath.Join(dir, "conf"), 0o755))
				write(t, filepath.Join(dir, "conf", "a.hcl"), "1")
			},
			func(t *testing.T, dir string) { check(t, os.Remove(filepath.Join(dir, "conf", "a.hcl"))) }},
		{"made readable", "f", func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, "f"), "1")
			check(t, os.Chmod(filepath.Join(dir, "f"), 0))
		}, func(t *testing.T, dir string) { check(t, os.Chmod(filepath.Join(dir, "f"), 0o644)) }},
		{"volume of Kubernetes", "conf/a.hcl",
			func(t *testing.T, dir string) {
				check(t, os.MkdirAll(filepath.Join(dir, "conf", "..1"), 0o755))
				check(t, os.MkdirAll(filepath.Join(dir, "conf", "..2"), 0o755))
				write(t, filepath.Join(dir, "conf", "..1", "a.hcl"), "1")
				write(t, filepath.Join(dir, "conf", "..2", "a.hcl"), "1")
				check(t, os.Symlink("..1", filepath.Join(dir, "conf", "..data")))
				check(t, os.Symlink("..data/a.hcl", filepath.Join(dir, "conf", "a.hcl")))
			},
			func(t *testing.T, dir string) {
				check(t, os.Symlink("..2", filepath.Join(dir, "conf", "..new")))
				check(t, os.Rename(filepath.Join(dir, "conf", "..new"), filepath.Join(dir, "conf", "..data")))
			}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			tt.layout(t, dir)
			path := filepath.Join(dir, tt.path)
			w := filewatch.New(filewatch.Options{Settle: time.Millisecond, Trees: true})
			w.Add(path)
			reports := make(chan [2][]string, 100)
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan struct{})
			go func() {
				defer close(done)
				w.Run(ctx, func(added, changed []string) []string {
					reports <- [2][]string{added, changed}
					return nil
				})
			}()
			defer func() { cancel(); <-done }()
			if got := <-reports; !slices.Equal(got[0], []string{path}) || len(got[1]) > 0 {
				t.Errorf("at first, added %q and changed %q", got[0], got[1])
			}
			tt.change(t, dir)
			select {
			case got := <-reports:
				if !slices.Equal(got[1], []string{path}) || len(got[0]) > 0 {
					t.Errorf("after the change, added %q and changed %q", got[0], got[1])
				}
			case <-time.After(30 * time.Second):
				t.Error("not told of the change")
			}
		})
	}
}
