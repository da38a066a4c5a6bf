package logging

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"restencil/watch/transport"
)

// LevelTrace is below slog.LevelDebug.
const LevelTrace = transport.LevelTrace

// timeLayout is local time with milliseconds (COMPAT 4.15).
const timeLayout = "2006-01-02T15:04:05.000Z0700"

// A text handler writes lines as consul-template does (COMPAT 4.15): time,
// [LEVEL], (component), message. The component is the attribute of that name;
// "output" follows the message in lines of its own, and so does "printed", but not
// on standard error, which has it already. The message says all that
// other attributes do, which are for machines. Each line is one Write. It may be
// used concurrently.
type text struct {
	w         io.Writer
	mu        *sync.Mutex // shared by all handlers that write to w
	level     slog.Leveler
	bare      bool // without time and level, which the system log has itself
	stderr    bool
	component string
}

func newText(w io.Writer, level slog.Leveler, bare, stderr bool) slog.Handler {
	return &text{w: w, mu: new(sync.Mutex), level: level, bare: bare, stderr: stderr}
}

func (h *text) Enabled(_ context.Context, l slog.Level) bool { return l >= h.level.Level() }

func (h *text) Handle(_ context.Context, r slog.Record) error {
	var line strings.Builder
	if !h.bare && !r.Time.IsZero() {
		line.WriteString(r.Time.Format(timeLayout) + " ")
	}
	component, output := h.component, ""
	r.Attrs(func(a slog.Attr) bool {
		switch {
		case a.Key == "component":
			component = a.Value.String()
		case a.Key == outputKey, a.Key == printedKey && !h.stderr:
			output = strings.TrimSpace(a.Value.String())
		}
		return true
	})
	if !h.bare {
		line.WriteString("[" + levelName(r.Level) + "] ")
	}
	if component != "" {
		line.WriteString("(" + component + ") ")
	}
	line.WriteString(escape(r.Message) + "\n")
	if output != "" {
		line.WriteString(indent + escape(output) + "\n")
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	_, err := io.WriteString(h.w, line.String())
	return err
}

// WithAttrs implements slog.Handler.
func (h *text) WithAttrs(attrs []slog.Attr) slog.Handler {
	c := *h
	for _, a := range attrs {
		if a.Key == "component" {
			c.component = a.Value.String()
		}
	}
	return &c
}

// WithGroup implements slog.Handler. Nobody makes groups.
func (h *text) WithGroup(string) slog.Handler { return h }

// The attributes for what a command printed: that nobody has seen, and that was
// passed on to standard error or, line by line, to a log in JSON.
const (
	outputKey  = "output"
	printedKey = "printed"
)

// indent begins the lines of a message but the first, so that no value can be
// taken for a line of the log.
const indent = "    "

// escape returns text as a log and a terminal can show it: what is not printable,
// as Go's escapes, and with its lines after the first indented.
func escape(text string) string {
	plain := func(r rune) bool { return unicode.IsPrint(r) || r == '\t' }
	if !strings.ContainsFunc(text, func(r rune) bool { return !plain(r) || r == utf8.RuneError }) {
		return text
	}
	var b strings.Builder
	for i, r := range text {
		switch _, size := utf8.DecodeRuneInString(text[i:]); {
		case r == '\n':
			b.WriteString("\n" + indent)
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, text[i])
		case plain(r):
			b.WriteRune(r)
		default:
			quoted := strconv.QuoteRune(r)
			b.WriteString(quoted[1 : len(quoted)-1])
		}
	}
	return b.String()
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
