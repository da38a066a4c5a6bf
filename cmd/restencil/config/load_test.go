package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestLoadKubernetes reads a directory as Kubernetes mounts a ConfigMap: its
// files are links through a link to a directory.
func TestLoadKubernetes(t *testing.T) {
	t.Chdir(t.TempDir())
	writeFile(t, "real/..2024/a.hcl", `template { source = "a" }`)
	link(t, "..2024", "real/..data")
	link(t, "..data/a.hcl", "real/a.hcl")
	link(t, "real", "conf")
	c, err := Parse([]string{"-config", "conf"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Templates) != 1 {
		t.Errorf("%d templates, want the one there is, once", len(c.Templates))
	}
}

func TestLoadErrors(t *testing.T) {
	t.Chdir(t.TempDir())
	writeFile(t, "dir/bad", "bogus = 1")
	link(t, "nowhere", "dangling")
	for path, want := range map[string]string{
		"nope":        "missing file/folder: nope: stat nope: no such file or directory",
		"dangling":    "missing file/folder: dangling: stat dangling: no such file or directory",
		os.DevNull:    "unknown filetype: ",
		"dir":         filepath.Join("dir", "bad") + ":1:1: unknown key",
		"dir/bad/sub": "failed stating file: dir/bad/sub: stat dir/bad/sub: not a directory",
	} {
		_, err := Parse([]string{"-config", path}, nil)
		if e := (*Error)(nil); !errors.As(err, &e) || e.Code != ExitConfig || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", path, err, want)
		}
	}
}

func link(t *testing.T, to, at string) {
	t.Helper()
	if err := os.Symlink(to, at); err != nil {
		t.Skip(err)
	}
}
