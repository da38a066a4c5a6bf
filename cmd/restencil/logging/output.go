package logging

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"time"
)

// outputs are the places that the log is written to. They may be used concurrently.
type outputs struct {
	level slog.Level
	list  []*output // standard error first
}

// write writes a record to all outputs. When one begins or ceases to fail, it says
// so on standard error.
func (o *outputs) write(r slog.Record) {
	for i, out := range o.list {
		changed, err := out.write(r)
		if i == 0 || !changed {
			continue
		}
		report := loss(out.name + " gets all lines again")
		if err != nil {
			report = loss(out.name + " may lack lines from now on: " + err.Error())
			report.Level = slog.LevelError
		}
		if report.Level >= o.level {
			_, _ = o.list[0].write(report)
		}
	}
}

// loss returns a record of the log about lines that it lost.
func loss(message string) slog.Record {
	r := slog.NewRecord(time.Now(), slog.LevelWarn, message, 0)
	r.AddAttrs(slog.String("component", "logging"))
	return r
}

func (o *outputs) close() error {
	var errs []error
	for _, out := range o.list[1:] {
		errs = append(errs, out.close())
	}
	return errors.Join(errs...)
}

// An output is a place that a log is written to. It may be used concurrently.
type output struct {
	name   string
	json   bool
	stderr bool // it is standard error
	bare   bool // text is without time and level, which the system log adds itself

	mu     sync.Mutex
	sink   func(level slog.Level, line []byte) error // takes lines; nil: the output is closed
	closer io.Closer                                 // nil for standard error, which stays open
	line   bytes.Buffer                              // the record that is being written
	failed bool                                      // the last record could not be written
}

// write writes a record, and reports whether that fails where the one before did
// not, or the other way round.
func (o *output) write(r slog.Record) (changed bool, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.sink == nil {
		return false, nil
	}
	if err = o.format(r); err == nil {
		err = o.sink(r.Level, o.line.Bytes())
	}
	changed = o.failed != (err != nil)
	o.failed = err != nil
	return changed, err
}

func (o *output) format(r slog.Record) error {
	o.line.Reset()
	if !o.json {
		o.formatText(r)
		return nil
	}
	return slog.NewJSONHandler(&o.line, &slog.HandlerOptions{
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if a.Key == printedKey {
				return slog.Attr{}
			}
			if l, ok := a.Value.Any().(slog.Level); ok && len(groups) == 0 && a.Key == slog.LevelKey && l <= LevelTrace {
				a.Value = slog.StringValue("TRACE")
			}
			return a
		},
	}).Handle(context.Background(), r)
}

func (o *output) close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.sink == nil {
		return nil
	}
	o.sink = nil
	return o.closer.Close()
}
