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
		if err := newConfig(nil).decode(newSource(f.Name, string(f.Data))); err != nil {
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

func TestSuggest(t *testing.T) {
	known := []string{"address", "renew_token", "source", "destination", "log_level", "id"}
	for name, want := range map[string]string{
		"adress":     "did you mean address?",
		"Address":    "did you mean address?",
		"sorce":      "did you mean source?",
		"soruce":     "did you mean source?",
		"renew":      "did you mean renew_token?",
		"loglevel":   "did you mean log_level?",
		"x":          "",
		"frobnicate": "",
	} {
		if got := suggest(name, known); got != want {
			t.Errorf("suggest(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestEditDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"abc", "abc", 0},
		{"abc", "abd", 1}, {"abc", "ab", 1}, {"abc", "acb", 1}, {"kitten", "sitting", 3},
	} {
		if got := editDistance(c.a, c.b); got != c.want {
			t.Errorf("editDistance(%q, %q) = %d, want %d", c.a, c.b, got, c.want)
		}
	}
}
