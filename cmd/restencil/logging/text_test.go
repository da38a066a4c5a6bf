package logging

import (
	"log/slog"
	"regexp"
	"strings"
	"testing"
)

func TestText(t *testing.T) {
	var out strings.Builder
	l := slog.New(newText(&out, slog.LevelWarn, false))
	l.Info("hidden")
	l.With("component", "runner").Warn("away", "store", "consul")
	l.Error("bad")
	l.WithGroup("g").With("a", 1).Error("grouped", "b", 2)
	stamp := `\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}(Z|[+-]\d{4}) `
	want := regexp.MustCompile(`^` +
		stamp + `\[WARN\] \(runner\) away store=consul\n` +
		stamp + `\[ERR\] bad\n` +
		stamp + `\[ERR\] grouped g\.a=1 g\.b=2\n$`)
	if !want.MatchString(out.String()) {
		t.Errorf("log:\n%s\nwant %s", out.String(), want)
	}
}

func TestTextTrace(t *testing.T) {
	var out strings.Builder
	slog.New(newText(&out, LevelTrace, false)).Log(t.Context(), LevelTrace, "x")
	if !strings.Contains(out.String(), "[TRACE] x") {
		t.Errorf("log: %q, want a TRACE line", out.String())
	}
}
