package history

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"restencil/runner/journal/disk"
)

func FuzzGeneration(f *testing.F) {
	data, err := encode("b", Generation{Number: 1, Files: []File{{Path: "x", Content: []byte{0xff}}, {Content: []byte("x")}}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		g, err := decode(data)
		if err != nil {
			return
		}
		line, err := encode("b", g)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := decode(line); err != nil {
			t.Fatalf("%+v: %v", g, err)
		}
	})
}

func TestReject(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "rejected")
	for range 2 { // the second time in place of the first
		err := Reject(disk.Disk{}, dir, "why", []File{
			{Path: "/a/x", Content: []byte("1")},
			{Path: "/b/x", Content: []byte("2")},
			{Path: "/b/REASON", Content: []byte("3")},
			{Path: "/b/key", Content: []byte("hunter2"), Secret: true},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	got := make(map[string]string)
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		got[e.Name()] = string(data)
	}
	want := map[string]string{"x": "1", "2-x": "2", "3-REASON": "3", "REASON": "why\n"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the directory differs (-want +got):\n%s", diff)
	}
}
