package renderer

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestSweep(t *testing.T) {
	dir := t.TempDir()
	old := time.Now().Add(-time.Hour)
	files := []string{
		"app.conf", ".app.conf.restencil-1a2b", ".app.conf.restencil-fresh", ".other.restencil-1a2b",
		".app.conf.restencil-", ".app.conf.restencil-A", "app.conf.restencil-1a2b", ".app.confx.restencil-1",
	}
	for _, name := range files {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if name != ".app.conf.restencil-fresh" {
			if err := os.Chtimes(path, old, old); err != nil {
				t.Fatal(err)
			}
		}
	}
	Sweep(time.Minute, filepath.Join(dir, "app.conf"), filepath.Join(dir, "none", "x"))
	if _, err := os.Lstat(filepath.Join(dir, ".app.conf.restencil-1a2b")); err == nil {
		t.Error("it is still there")
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != len(files)-1 {
		t.Errorf("%d files are left of %d (%v)", len(entries), len(files), err)
	}
}
