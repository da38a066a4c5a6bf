package config

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

// TestDiagnostics reads broken files. Of testdata/diagnostics.txt each file
// NAME is followed by one NAME.want, what is said of it.
func TestDiagnostics(t *testing.T) {
	const file = "testdata/diagnostics.txt"
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	want := make(map[string]string)
	var updated []txtar.File
	for _, f := range archive.Files {
		if name, ok := strings.CutSuffix(f.Name, ".want"); ok {
			want[name] = string(f.Data)
		}
	}
	for _, f := range archive.Files {
		if strings.HasSuffix(f.Name, ".want") {
			continue
		}
		got := "accepted\n"
		if err := newConfig(nil).decode(f.Name, string(f.Data)); err != nil {
			got = err.Error() + "\n"
		}
		if diff := cmp.Diff(want[f.Name], got); diff != "" && !*update {
			t.Errorf("%s (-want +got):\n%s", f.Name, diff)
		}
		updated = append(updated, f, txtar.File{Name: f.Name + ".want", Data: []byte(got)})
	}
	if *update {
		archive.Files = updated
		if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
