// Package logging writes the program's log: to standard error, and besides to
// a file that is rotated and to the system log (COMPAT 4.15). Any of them can
// fail, with a full disk, a system log that hangs, or a standard error that
// nobody reads: that loses lines, which standard error says, and never ends or
// holds up the program (see [Writer] and fallible).
//
// Two things here have libraries, which do not fit. The names of log files are
// consul-template's, so that what collects and cleans them up goes on working,
// while natefinch/lumberjack and the like have schemes of their own, and no
// rotation by age. And log/syslog sets no deadline on its writes, so that a
// system log that does not read stops its clients; what it sends is kept.
package logging

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync/atomic"
	"time"
)

// Options say where the log goes. They are plain values.
type Options struct {
	// Level is the lowest that is written, everywhere.
	Level slog.Level

	// JSON makes each line an object, in log/slog's form, rather than text.
	JSON bool

	// Stderr gets every line. Nil for none. A *Writer says in the form of the
	// log what it has dropped.
	Stderr io.Writer

	File   File
	Syslog Syslog
}

// A File is a log file, of which there is a new one now and then.
type File struct {
	// Path names the files: a file app.log in a directory gives
	// app-<nanoseconds since 1970>.log there. The directory must exist. A
	// name without an extension gets .log; a path that is a directory, with
	// the slash, has consul-template.log in it. Empty for no file.
	Path string

	// MaxBytes is the size from which there is a new file. 0: any.
	MaxBytes int64

	// MaxAge is how long a file is used. 0 for 24 hours.
	MaxAge time.Duration

	// Keep is how many files there are besides the one in use; older ones are
	// removed. 0 for all, below 0 for none.
	Keep int
}

// Syslog is the system log of this machine.
type Syslog struct {
	// Enabled turns it on.
	Enabled bool

	// Facility is a name of COMPAT 4.15, in small letters or capitals.
	Facility string

	// Name is what the lines are logged under.
	Name string

	// Socket is where the system log listens. Empty for the usual places.
	Socket string
}

// A Log is an open log. It may be used concurrently.
type Log struct {
	*slog.Logger
	closers []io.Closer
}

// Open opens a log. Its File is a new one each time, so that a log can be
// opened before the one it replaces is closed. The caller closes it.
func Open(o Options) (*Log, error) {
	if o.Stderr == nil {
		o.Stderr = io.Discard
	}
	if w, ok := o.Stderr.(*Writer); ok {
		w.OnLost(o.lost)
	}
	l := &Log{}
	stderr := o.handler(o.Stderr, false, true)
	handlers := []slog.Handler{stderr}
	add := func(name string, h slog.Handler, c io.Closer) {
		handlers = append(handlers, newFallible(name, h, stderr))
		l.closers = append(l.closers, c)
	}
	if o.File.Path != "" {
		f, err := openFile(o.File)
		if err != nil {
			return nil, fmt.Errorf("error setting up log_file logging: %w", err)
		}
		add("the log file", o.handler(f, false, false), f)
	}
	if o.Syslog.Enabled {
		s, err := dialSyslog(o.Syslog)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("error setting up syslog logging: %w", err), l.Close())
		}
		add("the system log", syslogHandler{o.handler(&s.line, true, false), s}, s)
	}
	l.Logger = slog.New(slog.NewMultiHandler(handlers...))
	return l, nil
}

// Current is a handler that passes records on to the log that is in force.
type Current struct{ *atomic.Pointer[Log] }

// Enabled implements slog.Handler.
func (c Current) Enabled(ctx context.Context, l slog.Level) bool { return c.Load().Enabled(ctx, l) }

// Handle implements slog.Handler.
func (c Current) Handle(ctx context.Context, r slog.Record) error {
	return c.Load().Handler().Handle(ctx, r)
}

// WithAttrs implements slog.Handler. Who logs here gives its attributes with each
// record.
func (c Current) WithAttrs([]slog.Attr) slog.Handler { return c }

// WithGroup implements slog.Handler.
func (c Current) WithGroup(string) slog.Handler { return c }

// handler returns what writes lines to w, which may be standard error; bare ones
// of text lack time and level.
func (o Options) handler(w io.Writer, bare, stderr bool) slog.Handler {
	if !o.JSON {
		return newText(w, o.Level, bare, stderr)
	}
	return slog.NewJSONHandler(w, &slog.HandlerOptions{
		Level: o.Level,
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if a.Key == printedKey {
				return slog.Attr{}
			}
			if l, ok := a.Value.Any().(slog.Level); ok && len(groups) == 0 && a.Key == slog.LevelKey && l <= LevelTrace {
				a.Value = slog.StringValue("TRACE")
			}
			return a
		},
	})
}

// lost returns the line that stands for others.
func (o Options) lost(lines int) []byte {
	o.Level = slog.LevelWarn
	var line bytes.Buffer
	slog.New(o.handler(&line, false, true)).Warn(fmt.Sprintf("standard error was not read: %d lines were dropped here", lines), "component", "logging")
	return line.Bytes()
}

// Close closes the file and the connection to the system log. Standard error
// is left open, and alone gets what is logged from now on. To close a log
// again does nothing.
func (l *Log) Close() error {
	var errs []error
	for _, c := range l.closers {
		errs = append(errs, c.Close())
	}
	l.closers = nil
	return errors.Join(errs...)
}
