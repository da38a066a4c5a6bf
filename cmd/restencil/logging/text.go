package logging

import (
	"context"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
)

// LevelTrace is below slog.LevelDebug.
const LevelTrace = slog.Level(-8)

// timeLayout is local time with milliseconds (COMPAT 4.15).
const timeLayout = "2006-01-02T15:04:05.000Z0700"

// A text handler writes lines as consul-template does (COMPAT 4.15): time,
// [LEVEL], (component), message. The component is the attribute of that name;
// other attributes follow the message as key=value. Each line is one Write. It
// may be used concurrently.
type text struct {
	w         io.Writer
	mu        *sync.Mutex // shared by all handlers that write to w
	level     slog.Leveler
	bare      bool // without time and level, which the system log has itself
	component string
	prefix    string // of attribute keys, from groups
	attrs     string // what WithAttrs added, ready to write
}

func newText(w io.Writer, level slog.Leveler, bare bool) slog.Handler {
	return &text{w: w, mu: new(sync.Mutex), level: level, bare: bare}
}

func (h *text) Enabled(_ context.Context, l slog.Level) bool { return l >= h.level.Level() }

func (h *text) Handle(_ context.Context, r slog.Record) error {
	var line strings.Builder
	if !h.bare && !r.Time.IsZero() {
		line.WriteString(r.Time.Format(timeLayout) + " ")
	}
	component, attrs := h.component, h.attrs
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "component" && h.prefix == "" {
			component = a.Value.String()
		} else {
			attrs += h.attr(a)
		}
		return true
	})
	if !h.bare {
		line.WriteString("[" + levelName(r.Level) + "] ")
	}
	if component != "" {
		line.WriteString("(" + component + ") ")
	}
	line.WriteString(r.Message + attrs + "\n")
	h.mu.Lock()
	defer h.mu.Unlock()
	_, err := io.WriteString(h.w, line.String())
	return err
}

func (h *text) attr(a slog.Attr) string {
	return " " + h.prefix + a.Key + "=" + a.Value.Resolve().String()
}

func (h *text) WithAttrs(attrs []slog.Attr) slog.Handler {
	c := *h
	for _, a := range attrs {
		if a.Key == "component" && h.prefix == "" {
			c.component = a.Value.String()
		} else {
			c.attrs += h.attr(a)
		}
	}
	return &c
}

func (h *text) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	c := *h
	c.prefix += name + "."
	return &c
}

// levels are those of COMPAT 4.15, the lowest first.
var levels = []struct {
	name  string
	level slog.Level
}{
	{"TRACE", LevelTrace}, {"DEBUG", slog.LevelDebug}, {"INFO", slog.LevelInfo}, {"WARN", slog.LevelWarn}, {"ERR", slog.LevelError},
}

// levelName returns the name of the highest level that is not above l.
func levelName(l slog.Level) string {
	for _, known := range slices.Backward(levels) {
		if l >= known.level {
			return known.name
		}
	}
	return levels[0].name
}

// Level returns the level of a name: TRACE, DEBUG, INFO, WARN or ERR. Any other
// is WARN.
func Level(name string) slog.Level {
	for _, known := range levels {
		if name == known.name {
			return known.level
		}
	}
	return slog.LevelWarn
}
