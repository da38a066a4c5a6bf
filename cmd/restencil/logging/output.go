package logging

import (
	"bytes"
	"context"
	"io"
	"log/slog"
)

// An output is a place that a log is written to.
type output struct {
	name   string
	json   bool
	stderr bool // it is standard error
	bare   bool // text is without time and level, which the system log adds itself

	sink   sink
	line   bytes.Buffer // the record that is being written
	failed bool         // the last record could not be written
}

// A sink takes lines.
type sink interface {
	write(level slog.Level, line []byte) error
	Close() error
}

// write writes a record, and reports whether that fails where the one before did
// not, or the other way round.
func (o *output) write(r slog.Record) (changed bool, err error) {
	if err = o.format(r); err == nil {
		err = o.sink.write(r.Level, o.line.Bytes())
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

type stderr struct{ io.Writer }

func (s stderr) write(_ slog.Level, line []byte) error {
	_, err := s.Write(line)
	return err
}

// Close leaves standard error open.
func (s stderr) Close() error { return nil }
