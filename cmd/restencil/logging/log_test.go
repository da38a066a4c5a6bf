package logging

import (
	"encoding/json"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// logged is the text of a log without its times.
type logged struct{ strings.Builder }

func (l *logged) want(t *testing.T, want string) {
	t.Helper()
	var got strings.Builder
	for line := range strings.Lines(l.String()) {
		_, line, _ = strings.Cut(line, " ")
		got.WriteString(line)
	}
	if got.String() != want {
		t.Errorf("log:\n%s\nwant:\n%s", got.String(), want)
	}
	l.Reset()
}

func open(t *testing.T, o Options) *Log {
	t.Helper()
	l, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

func TestStderrAlone(t *testing.T) {
	var out logged
	l := open(t, Options{Level: "WARN", Stderr: &out})
	l.Info("hidden")
	l.With("component", "runner").Warn("shown")
	out.want(t, "[WARN] (runner) shown\n")
}

func TestJSON(t *testing.T) {
	var out strings.Builder
	l := open(t, Options{Level: "TRACE", Format: "json", Stderr: &out})
	l.With("component", "runner").Error("two\nlines", "n", 3)
	l.Log(t.Context(), LevelTrace, "x")
	l.Log(t.Context(), slog.LevelDebug, "y")
	d := json.NewDecoder(strings.NewReader(out.String()))
	var got []string
	for {
		var line struct {
			Time                  time.Time
			Level, Msg, Component string
		}
		if err := d.Decode(&line); err == io.EOF {
			break
		} else if err != nil || line.Time.IsZero() {
			t.Fatalf("line without a time, or %v", err)
		}
		got = append(got, line.Level+" "+line.Component+" "+line.Msg)
	}
	want := []string{"ERROR runner two\nlines", "TRACE  x", "DEBUG  y"}
	if strings.Join(got, ";") != strings.Join(want, ";") {
		t.Errorf("log: %q, want %q\n%s", got, want, out.String())
	}
}
