package logging

import (
	"io"
	"log/slog"
)

// newJSON returns log/slog's handler of JSON, with a name for LevelTrace.
func newJSON(w io.Writer, level slog.Leveler) slog.Handler {
	return slog.NewJSONHandler(w, &slog.HandlerOptions{
		Level: level,
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if l, ok := a.Value.Any().(slog.Level); ok && len(groups) == 0 && a.Key == slog.LevelKey && l <= LevelTrace {
				a.Value = slog.StringValue("TRACE")
			}
			return a
		},
	})
}
