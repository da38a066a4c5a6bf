package logging

import (
	"log/slog"
	"slices"
	"strings"

	"restencil/watch/printable"
	"restencil/watch/transport"
)

// LevelTrace is below slog.LevelDebug.
const LevelTrace = transport.LevelTrace

// timeLayout is local time with milliseconds (COMPAT 4.15).
const timeLayout = "2006-01-02T15:04:05.000Z0700"

// formatText makes line that of a record as consul-template writes it (COMPAT 4.15):
// time, [LEVEL], (component), message. The component is the attribute of that name;
// "output" follows the message in lines of its own, and so does "printed", but not
// on standard error, which has it already. The message says all that other
// attributes do, which are for machines.
func (o *output) formatText(r slog.Record) {
	component, output := "", ""
	r.Attrs(func(a slog.Attr) bool {
		switch {
		case a.Key == "component":
			component = a.Value.String()
		case a.Key == outputKey, a.Key == printedKey && !o.stderr:
			output = strings.TrimSpace(a.Value.String())
		}
		return true
	})
	if !o.bare {
		o.line.WriteString(r.Time.Format(timeLayout) + " [" + levelName(r.Level) + "] ")
	}
	if component != "" {
		o.line.WriteString("(" + component + ") ")
	}
	o.line.WriteString(escape(r.Message) + "\n")
	if output != "" {
		o.line.WriteString(indent + escape(output) + "\n")
	}
}

// The attributes for what a command printed: that nobody has seen, and that was
// passed on to standard error or, line by line, to a log in JSON.
const (
	outputKey  = "output"
	printedKey = "printed"
)

// indent begins the lines of a message but the first, so that no value can be
// taken for a line of the log.
const indent = "    "

// escape returns text as a log and a terminal can show it, with its lines after the
// first indented.
func escape(text string) string {
	return strings.ReplaceAll(printable.Text(text), "\n", "\n"+indent)
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
