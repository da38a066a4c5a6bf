package logging

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestText(t *testing.T) {
	var out strings.Builder
	l := open(t, Options{Level: "WARN", Stderr: &out})
	l.Info("hidden")
	l.With("component", "runner").Warn("away", "store", "consul")
	l.Error("bad", "output", "one\ntwo\n")
	l.Error("from a store: \x1b[2J\r\u202e \xff é\n2026-01-01T00:00:00.000Z [ERR] forged")
	stamp := `\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}(Z|[+-]\d{4}) `
	want := regexp.MustCompile(`^` +
		stamp + `\[WARN\] \(runner\) away\n` +
		stamp + `\[ERR\] bad\n    one\n    two\n` +
		stamp + `\[ERR\] from a store: \\x1b\[2J\\r\\u202e \\xff é\n    2026-01-01T00:00:00\.000Z \[ERR\] forged\n$`)
	if !want.MatchString(out.String()) {
		t.Errorf("log:\n%s\nwant %s", out.String(), want)
	}
}

func TestTextTrace(t *testing.T) {
	var out strings.Builder
	open(t, Options{Level: "TRACE", Stderr: &out}).Log(t.Context(), LevelTrace, "x")
	if !strings.Contains(out.String(), "[TRACE] x") {
		t.Errorf("log: %q, want a TRACE line", out.String())
	}
}

// What a command printed is in each log once.
func TestWhatWasPrinted(t *testing.T) {
	path := t.TempDir() + "/app.log"
	for _, format := range []string{"text", "json"} {
		var stderr strings.Builder
		l := open(t, Options{Format: format, Stderr: &stderr, File: File{Path: path}})
		l.Error("failed", "printed", "why")
		if strings.Contains(stderr.String(), "why") {
			t.Errorf("standard error has it twice: %s", stderr.String())
		}
	}
	var all string
	files, err := filepath.Glob(strings.TrimSuffix(path, ".log") + "-*")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Error(err)
		}
		all += string(text)
	}
	if err != nil || strings.Count(all, "failed\n    why\n") != 1 || strings.Count(all, "why") != 1 {
		t.Errorf("the files have %q (%v)", all, err)
	}
}
