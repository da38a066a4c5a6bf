// Package eventlog words the events of a runner: as lines of a log, and as a
// summary of a few words.
package eventlog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"restencil/renderer"
	"restencil/runner/event"
	"restencil/runner/process"
	"restencil/runner/status"
	"restencil/watch"
)

// Options say how Log words events. The zero value is restencil's own way.
type Options struct {
	// Local tells that a data file stands in for Consul.
	Local bool

	// ConsulTemplate words what consul-template logs as it does (COMPAT, appendix B).
	ConsulTemplate bool
}

// Log returns a function for runner.Options.Events that writes each event to
// logger. A line says: subject: what happened: why (what it does now; what to do).
// Its attributes say the same for machines: template, destination, bundle, query,
// command, exit_code, reason, attempt, retry_in and cause; output is what a command
// printed, and printed the same where that was passed on while the command ran.
//
// A failure and its end have one level. At info, a line tells why each file was
// rendered; at debug, what becomes of queries, executions and commands.
func Log(logger *slog.Logger, o Options) func(event.Event) {
	l := log{logger.With("component", "runner"), o}
	child := log{logger.With("component", "child"), o}
	return func(e event.Event) {
		switch e := e.(type) {
		case event.Ready:
			l.write(slog.LevelInfo, "all templates are rendered, and their commands have run")
		case event.Rendered:
			l.rendered(e)
		case event.Waiting:
			l.waiting(e)
		case event.Slow:
			l.write(slog.LevelWarn, fmt.Sprintf("%s: its template has been executed for %v and has not ended (it is stopped after a minute, once it writes; look for an endless loop in %s)", cmp.Or(e.Destination, e.Template), round(time.Since(e.Since)), e.Template),
				"template", e.Template, "destination", e.Destination)
		case event.Exposed:
			l.write(slog.LevelWarn, fmt.Sprintf("%s: holds secrets, and everybody on this machine can read it: its mode is %04o (set perms = \"0640\" in its template, or secret_perms for all such files)", e.Destination, e.Mode),
				"template", e.Template, "destination", e.Destination)
		case event.Unstable:
			l.write(slog.LevelWarn, fmt.Sprintf("%s: its output differs each time, without new data: %s (the file stays as it is; take out of %s what changes by itself, such as timestamp)", e.Destination, e.Difference, e.Template),
				"template", e.Template, "destination", e.Destination)
		case event.JournalRecovered:
			l.write(slog.LevelWarn, "state directory: it can be used again")
		case event.JournalFailed:
			l.write(slog.LevelWarn, fmt.Sprintf("state directory: %v (rendering goes on; after a crash a command may be run again)", e.Err), "cause", e.Err)
		case event.Failed:
			if e.Again {
				return
			}
			l.write(slog.LevelError, fmt.Sprintf("%s: not rendered: %v%s", cmp.Or(e.Destination, e.Template), e.Err, now("the file stays as it is", again(e.Attempt, e.RetryIn))),
				"template", e.Template, "destination", e.Destination, "attempt", e.Attempt, "retry_in", e.RetryIn, "cause", e.Err)
		case event.Recovered:
			if e.Failures == 0 {
				l.write(slog.LevelWarn, e.Destination+": nothing is missing any more", "template", e.Template, "destination", e.Destination)
				return
			}
			l.write(slog.LevelError, fmt.Sprintf("%s: works again, after %s", cmp.Or(e.Destination, e.Bundle, e.Template), status.Count(e.Failures, "failure")),
				"template", e.Template, "destination", e.Destination, "bundle", e.Bundle)
		case event.CommandDone:
			if e.Failures > 0 {
				l.write(slog.LevelError, fmt.Sprintf("%s: works again, after %s: ran in %v", command(e.Args), status.Count(e.Failures, "failure"), round(e.Took)), "command", words(e.Args))
				return
			}
			l.write(slog.LevelInfo, fmt.Sprintf("%s: ran in %v", command(e.Args), round(e.Took)), "command", words(e.Args))
		case event.CommandFailed:
			code, reason, output := ofCommand(e.Err)
			l.write(slog.LevelError, fmt.Sprintf("%s: failed: %s%s", command(e.Args), withoutCommand(e.Err, e.Args), now(again(e.Attempt, e.RetryIn))),
				"command", words(e.Args), "exit_code", code, "reason", reason, "attempt", e.Attempt, "retry_in", e.RetryIn, "cause", e.Err, output, e.Output)
		case event.BundleApplied:
			l.write(slog.LevelInfo, fmt.Sprintf("%s: applied in %v: %s", e.Bundle, round(e.Took), files(e.Files)), "bundle", e.Bundle)
		case event.BundleFailed:
			l.bundleFailed(e)
		case event.WaitsForTurn:
			l.waitsForTurn(e)
		case event.BundleHeld:
			if e.Reported {
				return
			}
			does := "to make it all the same"
			if e.Rejected {
				does = "to try it now"
			}
			l.write(slog.LevelWarn, fmt.Sprintf("%s: change held: %s (the files stay as they are; %s: restencil accept %s)", e.Bundle, e.Reason, does, e.Bundle),
				"bundle", e.Bundle, "cause", e.Reason)
		case event.BundleReleased:
			if e.Failed {
				return // Recovered says so once the change is made
			}
			l.write(slog.LevelWarn, e.Bundle+": no change is held any more", "bundle", e.Bundle)
		case event.StoreAway:
			l.storeAway(e)
		case event.StoreBack:
			l.storeBack(e)
		case event.QueryFailing:
			more := ""
			if e.More > 0 {
				more = fmt.Sprintf("%d more queries fail", e.More)
			}
			l.write(slog.LevelWarn, fmt.Sprintf("%s: no answer: %v%s", e.Query.Describe(l.Local), reason(e.Query, e.Err), now("an earlier answer, if any, stays in use", "retrying", more)),
				"query", e.Query, "cause", e.Err)
		case event.QueryAnswered:
			l.write(slog.LevelWarn, e.Query.Describe(l.Local)+": answers again", "query", e.Query)
		case event.QueryRefused:
			l.write(slog.LevelWarn, fmt.Sprintf("%s: refused: %v (an earlier answer, if any, stays in use; retrying)", e.Query.Describe(l.Local), reason(e.Query, e.Err)), "query", e.Query, "cause", e.Err)
		case event.ChildStarted:
			child.write(slog.LevelInfo, fmt.Sprintf("%s: started as process %d: %s", command(e.Args), e.Process, childReason(e.Reason)), "command", words(e.Args))
		case event.ChildReloaded:
			child.write(slog.LevelInfo, fmt.Sprintf("%s: reloaded with the signal %q: files changed", command(e.Args), e.Signal), "command", words(e.Args))
		case event.ChildEnding:
			child.write(slog.LevelInfo, fmt.Sprintf("%s: asked to end with the signal %q: %s", command(e.Args), e.Signal, childReason(e.Reason)), "command", words(e.Args))
		case event.ChildKilled:
			child.write(slog.LevelWarn, fmt.Sprintf("%s: killed: it did not end within %v", command(e.Args), round(e.After)), "command", words(e.Args))
		case event.ChildEnded:
			child.childEnded(e)
		default:
			l.details(e)
		}
	}
}

// A log words events.
type log struct {
	*slog.Logger
	Options
}

// write writes a line. Attributes without a value are left out.
func (l log) write(level slog.Level, text string, attrs ...any) {
	ctx := context.Background()
	if !l.Enabled(ctx, level) {
		return
	}
	var given []any
	for i := 0; i < len(attrs); i += 2 {
		value := attrs[i+1]
		switch v := value.(type) {
		case error:
			value = v.Error()
		case watch.Query:
			value = v.String()
		case time.Duration:
			if value = round(v).String(); v == 0 {
				continue
			}
		}
		if value != "" && value != 0 && value != nil {
			given = append(given, attrs[i], value)
		}
	}
	l.Log(ctx, level, text, given...)
}

// details writes what is of use only to somebody who looks for the cause of
// something.
func (l log) details(e event.Event) {
	if !l.Enabled(context.Background(), slog.LevelDebug) {
		return
	}
	switch e := e.(type) {
	case event.Watched:
		for _, id := range e.Added {
			q := id.Value()
			l.write(slog.LevelDebug, q.Describe(l.Local)+": watched from now on", "query", q)
		}
		for _, id := range e.Dropped {
			q := id.Value()
			l.write(slog.LevelDebug, q.Describe(l.Local)+": no longer watched", "query", q)
		}
	case event.Updated:
		for _, up := range e.Updates {
			q := up.Query.Value()
			if f := up.Failure; f != nil {
				l.write(slog.LevelDebug, fmt.Sprintf("%s: attempt %d failed: %v", q.Describe(l.Local), f.Attempts, reason(q, f.Err)), "query", q, "attempt", f.Attempts, "cause", f.Err)
				continue
			}
			l.write(slog.LevelDebug, fmt.Sprintf("%s: answer %d (index %d)", q.Describe(l.Local), up.Version, up.Index), "query", q)
		}
	case event.Executed:
		text := fmt.Sprintf("%s: executed in %v", e.Template, round(e.Took))
		switch {
		case len(e.Missing) > 0:
			text += fmt.Sprintf(": %s missing", status.Count(len(e.Missing), "answer"))
		case e.Err != nil:
			text += fmt.Sprintf(": %v", e.Err)
		}
		l.write(slog.LevelDebug, text, "template", e.Template, "destination", e.Destination, "cause", e.Err)
	case event.CommandStarted:
		l.write(slog.LevelDebug, fmt.Sprintf("%s: starting: %s", command(e.Args), files(e.Files)), "command", words(e.Args))
	case event.CommandEnded:
		text := "exit status 0"
		if e.Err != nil {
			text = withoutCommand(e.Err, e.Args)
		}
		code, reason, _ := ofCommand(e.Err)
		l.write(slog.LevelDebug, fmt.Sprintf("%s: ended after %v: %s", command(e.Args), round(e.Took), text), "command", words(e.Args), "exit_code", code, "reason", reason)
	}
}

func (l log) waitsForTurn(e event.WaitsForTurn) {
	switch {
	case e.Err != nil && e.RetryIn == 0:
		l.write(slog.LevelWarn, fmt.Sprintf("%s: the other hosts are not stopped yet: %v (a change failed here; it is tried again before the next attempt)", e.Bundle, e.Err), "bundle", e.Bundle)
	case e.Err != nil:
		l.write(slog.LevelWarn, fmt.Sprintf("%s: %v (the change waits; trying again in %v)", e.Bundle, e.Err, round(e.RetryIn)), "bundle", e.Bundle, "retry_in", e.RetryIn)
	case e.Proceeds:
		l.write(slog.LevelWarn, fmt.Sprintf("%s: waited for its turn as long as rolling.timeout allows (%s): the change is made without it", e.Bundle, e.Rolling), "bundle", e.Bundle)
	case e.TimedOut:
		l.write(slog.LevelWarn, fmt.Sprintf("%s: waited for its turn longer than rolling.timeout (%s): it waits on", e.Bundle, e.Rolling), "bundle", e.Bundle)
	case e.Holders != "":
		l.write(slog.LevelDebug, fmt.Sprintf("%s: a change waits for its turn: it is that of %s", e.Bundle, e.Holders), "bundle", e.Bundle)
	case !e.Over:
		l.write(slog.LevelInfo, fmt.Sprintf("%s: a change waits for its turn: %s", e.Bundle, e.Rolling), "bundle", e.Bundle)
	}
}

func (l log) rendered(e event.Rendered) {
	if len(e.Warnings) == 0 && !e.Drifted && !l.Enabled(context.Background(), slog.LevelInfo) {
		return // a changed key costs nothing here
	}
	attrs := []any{"template", e.Template, "destination", e.Destination}
	for _, w := range e.Warnings {
		l.write(slog.LevelWarn, w.Error(), attrs...)
	}
	if e.InPlace {
		l.write(slog.LevelDebug, e.Destination+": written in place: it is a mount point", attrs...)
	}
	level, text := slog.LevelInfo, ""
	switch {
	case e.Change == renderer.Unchanged:
		level, text = slog.LevelDebug, e.Destination+": is up to date"
	case e.Drifted:
		level, text = slog.LevelWarn, e.Destination+": put right: somebody else had changed "
		if e.Change == renderer.Repaired {
			text += "its mode or owner"
		} else {
			text += "or removed it"
		}
	case e.Removed:
		text = fmt.Sprintf("removed %s: its element has gone", e.Destination)
	case e.Change == renderer.Repaired:
		text = e.Destination + ": set its mode and owner"
	case l.ConsulTemplate:
		text = fmt.Sprintf("rendered %q => %q", e.Template, e.Destination)
	default:
		cause := l.cause(e)
		text = fmt.Sprintf("rendered %s: %s", e.Destination, cause)
		attrs = append(attrs, "cause", cause)
	}
	l.write(level, text, attrs...)
}

// cause says why a file was rendered.
func (l log) cause(e event.Rendered) string {
	switch {
	case len(e.Causes) > 0:
		var names []string
		for _, id := range e.Causes {
			names = append(names, id.Value().Describe(l.Local))
		}
		if e.More > 0 {
			names = append(names, fmt.Sprintf("%d more", e.More))
		}
		return strings.Join(names, ", ") + " changed"
	case e.First:
		return "first time since the start"
	default:
		return "its template or configuration changed, or it was executed again"
	}
}

func (l log) waiting(e event.Waiting) {
	name := cmp.Or(e.Destination, e.Template)
	for _, m := range e.For {
		at := m.At.String()
		if m.At.Expr != "" {
			at += ": {{ " + m.At.Expr + " }}"
		}
		attrs := []any{"template", e.Template, "destination", e.Destination, "query", m.Query, "cause", m.Reason}
		if e.Rendered {
			what := m.Query.Describe(l.Local)
			if m.Gone {
				what += ", which has gone"
			}
			l.write(slog.LevelWarn, fmt.Sprintf("%s: needs %s: %s%s", name, what, m.Reason, now(at, "the file stays as it is", "a restart would wait for it")), attrs...)
			continue
		}
		l.write(slog.LevelWarn, fmt.Sprintf("%s: waited %v for %s: %s%s", name, round(time.Since(m.Since)), m.Query.Describe(l.Local), m.Reason, now(at)), attrs...)
	}
	if e.More > 0 {
		l.write(slog.LevelWarn, fmt.Sprintf("%s: waits for %d more", name, e.More), "template", e.Template, "destination", e.Destination)
	}
}

func (l log) storeBack(e event.StoreBack) {
	what := "answers again"
	if e.Unasked {
		what = "nothing waits for its answers any more"
	}
	l.write(slog.LevelWarn, fmt.Sprintf("%s: %s, after %v", placeName(e.Store, e.Part), what, round(e.Away)))
}

func (l log) storeAway(e event.StoreAway) {
	err := e.Err
	switch q := (*watch.Error)(nil); {
	case !errors.As(err, &q):
	case e.Part == "":
		err = q.Err // it concerns all queries
	default:
		err = fmt.Errorf("%s: %w", q.Query.Describe(l.Local), q.Err)
	}
	l.write(slog.LevelWarn, fmt.Sprintf("%s: no answers: %v (the files stay as they are; retrying)", placeName(e.Store, e.Part), err), "cause", err)
}

func (l log) childEnded(e event.ChildEnded) {
	level, retry := slog.LevelInfo, ""
	if e.RetryIn > 0 {
		level, retry = slog.LevelWarn, fmt.Sprintf("attempt %d, starting it again in %v", e.Attempt, round(e.RetryIn))
	}
	l.write(level, fmt.Sprintf("%s: ended: %s%s", command(e.Args), e.Exit(), now(retry)),
		"command", words(e.Args), "exit_code", e.Code, "attempt", e.Attempt, "retry_in", e.RetryIn)
}

func (l log) bundleFailed(e event.BundleFailed) {
	accept := ""
	if e.Held {
		accept = "held, to try it now: restencil accept " + e.Bundle
	}
	code, reason, output := ofCommand(e.Err)
	l.write(slog.LevelError, fmt.Sprintf("%s: %s failed: %v%s", e.Bundle, e.Step, e.Err, now(e.Files(), again(e.Attempt, e.RetryIn), accept)),
		"bundle", e.Bundle, "exit_code", code, "reason", reason, "attempt", e.Attempt, "retry_in", e.RetryIn, "cause", e.Err, output, e.Output)
}

// now returns the end of a line: what is done now, and what to do.
func now(parts ...string) string {
	parts = slices.DeleteFunc(parts, func(part string) bool { return part == "" })
	if len(parts) == 0 {
		return ""
	}
	return " (" + strings.Join(parts, "; ") + ")"
}

// again says which attempt failed, and when the next one comes.
func again(attempt int, retryIn time.Duration) string {
	switch {
	case attempt == 0:
		return ""
	case retryIn == 0:
		return fmt.Sprintf("attempt %d", attempt)
	}
	return fmt.Sprintf("attempt %d, retry in %v", attempt, round(retryIn))
}

// reason returns an error of a query without the query's name.
func reason(q watch.Query, err error) error {
	if e, ok := err.(*watch.Error); ok && e.Query == q {
		return e.Err
	}
	return err
}

// placeName shows a store, or a part of one.
func placeName(store watch.Store, part string) string {
	if part == "" {
		return string(store)
	}
	return fmt.Sprintf("%s, %s", store, part)
}

// words shows a command as people wrote it, and command quotes it.
func words(args []string) string   { return strings.Join(args, " ") }
func command(args []string) string { return fmt.Sprintf("%q", words(args)) }

// withoutCommand returns an error of a command without the command's words.
func withoutCommand(err error, args []string) string {
	text := strings.TrimPrefix(err.Error(), "child: ")
	return strings.TrimPrefix(text, command(args)+": ")
}

// ofCommand returns the exit code of a command that failed, or why it has none, and the
// attribute for what it printed. What was passed on already is of use only to a log besides
// standard error.
func ofCommand(err error) (exitCode int, reason, output string) {
	e, ok := errors.AsType[*process.CommandError](err)
	switch {
	case !ok:
		return 0, "", "output"
	case e.Printed:
		return e.ExitCode, e.Reason, "printed"
	}
	return e.ExitCode, e.Reason, "output"
}

// childReason words why a child is started or ended.
func childReason(reason string) string {
	switch reason {
	case "start":
		return "everything is rendered"
	case "change":
		return "files changed"
	case "retry":
		return "it had ended"
	case "signal":
		return "restencil got that signal"
	default:
		return "restencil ends, its configuration changed, or a variable of its environment did"
	}
}

func files(list []string) string {
	switch len(list) {
	case 0:
		return "no file changed"
	case 1, 2, 3:
		return strings.Join(list, ", ")
	default:
		return fmt.Sprintf("%s and %d more files", list[0], len(list)-1)
	}
}

func round(d time.Duration) time.Duration {
	switch {
	case d < time.Millisecond:
		return d.Round(time.Microsecond)
	case d < time.Second:
		return d.Round(time.Millisecond)
	}
	return d.Round(100 * time.Millisecond)
}
