// Package status is what people and machines see of a runner. All of it is
// made from the runner's events: no other part counts or formats.
package status

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"restencil/renderer"
	"restencil/runner/event"
	"restencil/watch"
)

// Log returns a function for event.Options.Events that writes each event to
// logger, one line for each thing that a person would want to know.
func Log(logger *slog.Logger) func(event.Event) {
	l := log{logger.With("component", "runner")}
	child := log{logger.With("component", "child")}
	return func(e event.Event) {
		switch e := e.(type) {
		case event.ChildStarted:
			child.write(slog.LevelInfo, "started %s as process %d", command(e.Args), e.Process)
		case event.ChildReloaded:
			child.write(slog.LevelInfo, "reloading %s: sent it the signal %q", command(e.Args), e.Signal)
		case event.ChildEnding:
			child.write(slog.LevelInfo, "stopping %s: sent it the signal %q", command(e.Args), e.Signal)
		case event.ChildKilled:
			child.write(slog.LevelWarn, "killing what is left of %s after %v", command(e.Args), round(e.After))
		case event.ChildEnded:
			child.childEnded(e)
		case event.Ready:
			l.write(slog.LevelInfo, "all templates are rendered")
		case event.Rendered:
			l.rendered(e)
		case event.Waiting:
			l.waiting(e)
		case event.Exposed:
			l.write(slog.LevelWarn, "%q holds secrets, and everybody on this machine can read it (mode %04o): give its template other perms, such as 0640, or set secret_perms for all such files", e.Destination, e.Mode)
		case event.Failed:
			l.write(slog.LevelError, "%v; keeping the old file", e.Err)
		case event.Recovered:
			l.write(slog.LevelWarn, "%s => %s is right again", e.Template, e.Destination)
		case event.CommandStarted:
			l.write(slog.LevelInfo, "running %s", command(e.Args))
		case event.CommandDone:
			l.write(slog.LevelInfo, "ran %s in %v", command(e.Args), round(e.Took))
		case event.CommandFailed:
			l.failed(fmt.Sprintf("%s failed: %v", command(e.Args), e.Err), e.RetryIn, "its", e.Output)
		case event.StoreAway:
			l.write(slog.LevelWarn, "no answers from %s, keeping the last good files and trying on: %v", placeName(e.Store, e.Part), e.Err)
		case event.StoreBack:
			l.write(slog.LevelWarn, "%s answers again, after %v", placeName(e.Store, e.Part), round(e.Away))
		case event.AttemptFailed:
			l.write(slog.LevelDebug, "attempt %d failed: %v", e.Attempt, e.Err)
		case event.QueryFailing:
			text := fmt.Sprintf("no answer, keeping the last one and trying on: %v", e.Err)
			if e.More > 0 {
				text += fmt.Sprintf(" (and %d more queries)", e.More)
			}
			l.write(slog.LevelWarn, "%s", text)
		case event.QueryAnswered:
			l.write(slog.LevelWarn, "%s has an answer again", e.Query)
		case event.QueryRefused:
			l.write(slog.LevelWarn, "%v", e.Err)
		default:
			l.bundle(e)
		}
	}
}

type log struct{ *slog.Logger }

func (l log) write(level slog.Level, format string, args ...any) {
	ctx := context.Background()
	if l.Enabled(ctx, level) {
		l.Log(ctx, level, fmt.Sprintf(format, args...))
	}
}

func (l log) rendered(e event.Rendered) {
	for _, w := range e.Warnings {
		l.write(slog.LevelWarn, "%v", w)
	}
	if e.InPlace {
		l.write(slog.LevelDebug, "%q is a mount point, so it was written in place", e.Destination)
	}
	switch e.Change {
	case renderer.Replaced:
		l.write(slog.LevelInfo, "rendered %q => %q", e.Template, e.Destination)
	case renderer.Repaired:
		l.write(slog.LevelInfo, "set mode and owner of %q right", e.Destination)
	case renderer.Unchanged:
		l.write(slog.LevelDebug, "%q is up to date", e.Destination)
	}
}

func (l log) waiting(e event.Waiting) {
	for _, m := range e.For {
		at := m.At.String()
		if m.At.Expr != "" {
			at += ": {{ " + m.At.Expr + " }}"
		}
		if e.Rendered {
			what := m.Query.String()
			if m.Gone {
				what += ", which has gone"
			}
			l.write(slog.LevelWarn, "%s needs %s: %s; %q stays as it was, and a restart would wait for it", at, what, m.Reason, e.Destination)
			continue
		}
		l.write(slog.LevelWarn, "waiting for %v: %s needs %s: %s", round(time.Since(m.Since)), at, m.Query, m.Reason)
	}
	if e.More > 0 {
		l.write(slog.LevelWarn, "%s waits for %d more", e.Template, e.More)
	}
}

// placeName shows a store, or a part of one.
func placeName(store watch.Store, part string) string {
	if part == "" {
		return string(store)
	}
	return fmt.Sprintf("%s, %s", store, part)
}

func (l log) childEnded(e event.ChildEnded) {
	text := fmt.Sprintf("%s ended with exit code %d", command(e.Args), e.Code)
	if e.Signal != "" {
		text += fmt.Sprintf(" (%s)", e.Signal)
	}
	if e.Err != nil {
		text = e.Err.Error()
	}
	level := slog.LevelInfo
	if e.RetryIn > 0 {
		level = slog.LevelWarn
		text += fmt.Sprintf("; starting it again in %v", round(e.RetryIn))
	}
	l.write(level, "%s", text)
}

// command shows a command as people wrote it.
func command(args []string) string {
	return fmt.Sprintf("%q", strings.Join(args, " "))
}

func round(d time.Duration) time.Duration {
	if d < time.Second {
		return d.Round(time.Millisecond)
	}
	return d.Round(100 * time.Millisecond)
}

// bundle writes what happened to a named bundle.
func (l log) bundle(e event.Event) {
	switch e := e.(type) {
	case event.BundleApplied:
		l.write(slog.LevelInfo, "bundle %q: %s in place and loaded, after %v", e.Bundle, files(e.Files), round(e.Took))
	case event.BundleFailed:
		l.bundleFailed(e)
	case event.BundleHeld:
		does := "lets it pass"
		if e.Rejected {
			does = "has it tried at once"
		}
		l.write(slog.LevelWarn, "bundle %q: the change is held back, and the old files stay: %s; \"restencil accept %s\" %s", e.Bundle, e.Reason, e.Bundle, does)
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
	l.failed(text, e.RetryIn, "the", e.Output)
}

// failed writes why something failed, with the end of whose output.
func (l log) failed(text string, retryIn time.Duration, whose, output string) {
	if retryIn > 0 {
		text += fmt.Sprintf("; trying again in %v", round(retryIn))
	}
	if out := strings.TrimSpace(output); out != "" {
		text += fmt.Sprintf("; the end of %s output:\n%s", whose, out)
	}
	l.write(slog.LevelError, "%s", text)
}
