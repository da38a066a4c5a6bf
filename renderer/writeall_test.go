package renderer_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"restencil/renderer"
)

func TestWriteAll(t *testing.T) {
	notOnWindows(t)
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	put(t, path("right"), "right", 0o644)
	put(t, path("mode"), "mode", 0o600)
	put(t, path("block"), "block", 0o644)
	put(t, path("old"), "old", 0o640)
	file := func(name, content string) renderer.File {
		return renderer.File{Path: path(name), Content: []byte(content), Keep: true}
	}
	files := []renderer.File{
		file("right", "right"),
		file("block/below", "new"),
		file("old", "new"),
		file("made/a", "a"),
		file("made/b", "b"),
		{Path: path("mode"), Content: []byte("mode"), Perm: 0o644},
	}
	var got []string
	for _, r := range renderer.WriteAll(3, files...) {
		got = append(got, fmt.Sprint(r.Change, r.Err != nil, len(r.Warnings)))
	}
	want := []string{
		"unchanged false 0", "unchanged true 0", "replaced false 0",
		"replaced false 0", "replaced false 0", "repaired false 0",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
	wantTree(t, dir, map[string]string{
		"right": "-rw-r--r-- right", "block": "-rw-r--r-- block", "old": "-rw-r----- new",
		"made": "dir", "made/a": "-rw-r--r-- a", "made/b": "-rw-r--r-- b", "mode": "-rw-r--r-- mode",
	})
}

// TestWriteAllMany writes many more files than there are writers, some of which
// cannot be written.
func TestWriteAllMany(t *testing.T) {
	notOnWindows(t)
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	put(t, path("block"), "block", 0o644)
	put(t, path("0"), "old", 0o600)
	put(t, path("1"), "new 1", 0o644)
	var files []renderer.File
	want := map[string]string{"block": "-rw-r--r-- block", "made": "dir"}
	for i := range 300 {
		name := fmt.Sprint(i)
		switch {
		case i%100 == 99:
			name = "made/" + name
		case i%100 == 98:
			name = "block/" + name
		}
		f := renderer.File{Path: path(name), Content: fmt.Append(nil, "new ", i), Keep: true}
		files = append(files, f)
		if i%100 != 98 {
			want[name] = "-rw-r--r-- " + string(f.Content)
		}
	}
	want["0"] = "-rw------- new 0"
	files = append(files, renderer.File{Path: path("2"), Content: []byte("last")})
	want["2"] = "-rw-r--r-- last"
	for i, r := range renderer.WriteAll(8, files...) {
		wantErr, wantChange := i%100 == 98, renderer.Replaced
		if wantErr || i == 1 {
			wantChange = renderer.Unchanged
		}
		if r.Change != wantChange || (r.Err != nil) != wantErr {
			t.Errorf("file %d: %v, error %v; want %v, error %t", i, r.Change, r.Err, wantChange, wantErr)
		}
	}
	wantTree(t, dir, want)
}

func TestWriteAllSameDestination(t *testing.T) {
	dir := t.TempDir()
	var files []renderer.File
	for i := range 400 {
		name := fmt.Sprint(i % 4)
		if i%8 >= 4 { // another path to the same file
			name = "./" + name
		}
		files = append(files, renderer.File{Path: dir + "/" + name, Content: fmt.Append(nil, i/4%3)})
	}
	for i, r := range renderer.WriteAll(32, files...) {
		if r.Err != nil {
			t.Fatalf("file %d: %v", i, r.Err)
		}
	}
	for i := range 4 {
		if got, err := os.ReadFile(filepath.Join(dir, fmt.Sprint(i))); err != nil || string(got) != "0" {
			t.Errorf("%d holds %q (%v), want what the last file says", i, got, err)
		}
	}
	for name := range tree(t, dir) {
		if strings.HasPrefix(name, ".") {
			t.Errorf("%s was left behind", name)
		}
	}
}

func TestWriteAllOfNothing(t *testing.T) {
	if got := renderer.WriteAll(8); len(got) != 0 {
		t.Errorf("results of no files: %v", got)
	}
}
