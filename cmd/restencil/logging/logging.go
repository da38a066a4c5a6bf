// Package logging writes the program's log: to standard error, and besides to
// a file that is rotated and to the system log (COMPAT 4.15). Any of them can
// fail, with a full disk, a system log that hangs, or a standard error that
// nobody reads: that loses lines, which standard error reports, and never ends or
// blocks the program (see [Writer]).
//
// Two libraries were not used. natefinch/lumberjack names files in its own way and
// does not rotate by age; the names here are consul-template's, so that scripts
// that collect and delete them still work. log/syslog sets no deadline on its
// writes, so a system log that does not read blocks its clients.
package logging

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"
)

// Options say where the log goes.
type Options struct {
	// Level is the lowest level that is written; see the function Level.
	Level string

	// Format is text or json, which makes each line an object, as slog.JSONHandler
	// writes it. Empty for text.
	Format string

	// Stderr gets every line. Nil for none. A *Writer reports the lines that it
	// drops in the format of the log.
	Stderr io.Writer

	File   File
	Syslog Syslog
}

// A File is a log file that is rotated.
type File struct {
	// Path names the files: a file app.log in a directory gives
	// app-<nanoseconds since 1970>.log there. The directory must exist. A
	// name without an extension gets .log; a path that is a directory, with
	// the slash, has consul-template.log in it. Empty for no file.
	Path string

	// MaxBytes is the size at which a new file is begun. 0 for no limit.
	MaxBytes int64

	// MaxAge is how long a file is used. 0 for 24 hours.
	MaxAge time.Duration

	// Keep is how many old files are kept besides the current one. 0 for all,
	// below 0 for none.
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
	outputs atomic.Pointer[outputs]
}

// Open opens a log. Its File is a new one each time, so that a log can be
// opened before the one that it replaces is closed. The caller closes it.
func Open(o Options) (*Log, error) {
	if o.Stderr == nil {
		o.Stderr = io.Discard
	}
	json := o.Format == "json"
	if w, ok := o.Stderr.(*Writer); ok {
		w.OnLost(func(lines int) []byte {
			out := output{json: json, stderr: true}
			_ = out.format(loss(fmt.Sprintf("standard error was not read: %d lines were dropped here", lines)))
			return out.line.Bytes()
		})
	}
	toStderr := func(_ slog.Level, line []byte) error {
		_, err := o.Stderr.Write(line)
		return err
	}
	all := &outputs{level: Level(o.Level), list: []*output{{json: json, stderr: true, sink: toStderr}}}
	if o.File.Path != "" {
		f, err := openFile(o.File)
		if err != nil {
			return nil, fmt.Errorf("error setting up log_file logging: %w", err)
		}
		all.list = append(all.list, &output{name: "the log file", json: json, sink: f.write, closer: f})
	}
	if o.Syslog.Enabled {
		s, err := dialSyslog(o.Syslog)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("error setting up syslog logging: %w", err), all.close())
		}
		all.list = append(all.list, &output{name: "the system log", json: json, bare: true, sink: s.write, closer: s})
	}
	l := &Log{}
	l.outputs.Store(all)
	l.Logger = slog.New(handler{log: l})
	return l, nil
}

// Replace has l and the loggers made of it write where next does, and closes what
// they wrote to. From then on, closing l closes next.
func (l *Log) Replace(next *Log) error { return l.outputs.Swap(next.outputs.Load()).close() }

// Close closes the file and the connection to the system log. Standard error
// is left open, and alone gets what is logged from now on. To close a log
// again does nothing.
func (l *Log) Close() error { return l.outputs.Load().close() }

// A handler writes to the outputs that its log has at the time.
type handler struct {
	log   *Log
	attrs []slog.Attr
}

// Enabled implements slog.Handler.
func (h handler) Enabled(_ context.Context, l slog.Level) bool {
	return l >= h.log.outputs.Load().level
}

// Handle implements slog.Handler. Standard error reports the outputs that fail.
func (h handler) Handle(_ context.Context, r slog.Record) error {
	if h.attrs != nil {
		given := r
		r = slog.NewRecord(r.Time, r.Level, r.Message, r.PC)
		r.AddAttrs(h.attrs...)
		given.Attrs(func(a slog.Attr) bool {
			r.AddAttrs(a)
			return true
		})
	}
	h.log.outputs.Load().write(r)
	return nil
}

// WithAttrs implements slog.Handler.
func (h handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return handler{h.log, slices.Concat(h.attrs, attrs)}
}

// WithGroup implements slog.Handler. Nobody makes groups.
func (h handler) WithGroup(string) slog.Handler { return h }
