package status

import (
	"fmt"
	"log/slog"
	"strings"

	"restencil/runner/event"
)

// bundle writes what happened to a named bundle.
func (l log) bundle(e event.Event) {
	switch e := e.(type) {
	case event.BundleApplied:
		l.write(slog.LevelInfo, "bundle %q: %s in place and loaded, after %v", e.Bundle, files(e.Files), round(e.Took))
	case event.BundleFailed:
		l.bundleFailed(e)
	case event.BundleHeld:
		l.write(slog.LevelWarn, "bundle %q: the change is held back, and the old files stay: %s; \"restencil accept %s\" lets it pass", e.Bundle, e.Reason, e.Bundle)
	case event.BundleReleased:
		l.write(slog.LevelWarn, "bundle %q: no change is held back any more", e.Bundle)
	case event.Unstable:
		l.write(slog.LevelWarn, "%s => %s comes out different each time, without new data, and is left as it is: %s", e.Template, e.Destination, e.Difference)
	case event.JournalFailed:
		l.write(slog.LevelWarn, "the state directory: %v", e.Err)
	}
}

func files(list []string) string {
	switch len(list) {
	case 0:
		return "its files are"
	case 1:
		return list[0] + " is"
	case 2, 3:
		return strings.Join(list, ", ") + " are"
	default:
		return fmt.Sprintf("%s and %d other files are", list[0], len(list)-1)
	}
}

func (l log) bundleFailed(e event.BundleFailed) {
	text := fmt.Sprintf("bundle %q: %s failed: %v", e.Bundle, e.Step, e.Err)
	switch {
	case e.RollbackErr != nil:
		text += fmt.Sprintf("; going back to the old files failed too: %v", e.RollbackErr)
	case e.RolledBack:
		text += "; the old files are back"
	}
	if e.Kept != "" {
		text += "; what was rejected is kept in " + e.Kept
	}
	if e.RetryIn > 0 {
		text += fmt.Sprintf("; trying again in %v", round(e.RetryIn))
	}
	if out := strings.TrimSpace(e.Output); out != "" {
		text += "; the end of the output:\n" + out
	}
	l.write(slog.LevelError, "%s", text)
}
