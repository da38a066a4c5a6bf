package config

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"restencil/cmd/restencil/config/hcl1"
)

// FuzzFile reads files. What is taken must print, and read back as the same;
// what is refused must be blamed on a place in the file.
func FuzzFile(f *testing.F) {
	cases, err := filepath.Glob("testdata/*.tx*")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range cases {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range archive.Files {
			if !strings.HasSuffix(file.Name, "want") {
				f.Add(string(file.Data))
			}
		}
	}
	f.Add(strings.Repeat("\x8f", 1<<16)) // took for ever once: a diagnostic a byte
	f.Fuzz(func(t *testing.T, text string) {
		first := newConfig(nil)
		if err := first.decode("file", text); err != nil {
			checkDiagnostics(t, err, text)
			return
		}
		second := newConfig(nil)
		again := printed(t, first)
		if err := second.decode("again", again); err != nil {
			t.Fatalf("%v\nprinted:\n%s", err, again)
		}
		if one, two := values(again), values(printed(t, second)); one != two {
			t.Fatalf("printed:\n%s\nread back:\n%s", one, two)
		}
	})
}

// checkDiagnostics holds the diagnostics to places that exist.
func checkDiagnostics(t *testing.T, err error, text string) {
	t.Helper()
	all, ok := err.(interface{ Unwrap() []error })
	if !ok {
		t.Fatalf("error %#v, want joined ones", err)
	}
	lines := strings.Split(text, "\n")
	for _, err := range all.Unwrap() {
		d, ok := err.(hcl1.Diagnostic)
		if !ok || d.Position.Line < 1 || d.Position.Line > len(lines) || d.Column < 1 ||
			d.Column > len([]rune(lines[d.Position.Line-1]))+1 || d.Message == "" || d.Error() == "" {
			t.Fatalf("the diagnostic %+v is about no place in the file", d)
		}
	}
}

// FuzzTemplateFlag cuts arguments of -template. The pieces have no colons but
// for the command and drives, and none is empty.
func FuzzTemplateFlag(f *testing.F) {
	for _, s := range []string{"in", "in:out", "in:out:cmd:more", "::", "a:b", `C:\a:D:\b:c`, ""} {
		f.Add(s, false)
		f.Add(s, true)
	}
	f.Fuzz(func(t *testing.T, s string, windows bool) {
		words, err := splitTemplate(s, windows)
		if err != nil {
			return
		}
		if len(words) < 1 || len(words) > 3 {
			t.Fatalf("%d words", len(words))
		}
		for i, word := range words {
			if word == "" || i < 2 && !windows && strings.Contains(word, ":") {
				t.Fatalf("word %d of %q is %q", i, s, word)
			}
		}
	})
}

// FuzzWait reads waits. What is taken is in order.
func FuzzWait(f *testing.F) {
	for _, s := range []string{"1s", "1s:2s", " 1m : 1h ", "0", "-1s", "2s:1s", "9223372036854775807ns", "::"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var w Wait
		if err := w.parse(s); err == nil && (w.Min < 0 || w.Max < w.Min) {
			t.Fatalf("parse(%q): %+v", s, w)
		}
	})
}
