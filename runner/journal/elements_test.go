package journal

import (
	"path/filepath"
	"slices"
	"testing"
	"time"
)

func TestElements(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	j := open(t, dir, Options{})
	const template = "/etc/sites/{{ .Key }}"
	check(t, j.SetElements(template, []string{"/etc/sites/b", "/etc/sites/a"}, false))
	check(t, j.SetElements(template, []string{"/etc/sites/c", "/etc/sites/a"}, false))
	check(t, j.SetElements(template, []string{"/etc/sites/b"}, true))
	check(t, j.Close())

	j = open(t, dir, Options{})
	// It is no bundle, and is not forgotten as one that is not used.
	if names, err := j.Bundles(); names != nil || err != nil {
		t.Errorf("bundles %q, %v", names, err)
	}
	check(t, j.Forget(func(string, time.Time) bool { return true }))
	files, err := j.Elements(template)
	if want := []string{"/etc/sites/a", "/etc/sites/c"}; !slices.Equal(files, want) || err != nil {
		t.Errorf("%q, %v, want %q", files, err, want)
	}
	files[0] = "mine" // the caller's
	if again, _ := j.Elements(template); again[0] != "/etc/sites/a" {
		t.Errorf("%q", again)
	}
	if others, err := j.Elements("/etc/hosts/{{ . }}"); others != nil || err != nil {
		t.Errorf("%q, %v", others, err)
	}
	check(t, j.Close())
}
