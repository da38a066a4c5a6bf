package logging

import (
	"context"
	"log/slog"
	"sync"
)

// A fallible handler writes to a place that may fail, and says so in another,
// once each time that it begins or ends.
type fallible struct {
	slog.Handler
	*health // shared by all handlers of the place
}

// A health is the state of a place where the log goes.
type health struct {
	name string
	log  *slog.Logger

	mu     sync.Mutex
	failed bool
}

func newFallible(name string, h, log slog.Handler) slog.Handler {
	return fallible{h, &health{name: name, log: slog.New(log).With("component", "logging")}}
}

func (f fallible) Handle(ctx context.Context, r slog.Record) error {
	err := f.Handler.Handle(ctx, r)
	f.mu.Lock()
	defer f.mu.Unlock()
	switch failed := err != nil; {
	case failed == f.failed:
	case failed:
		f.log.ErrorContext(ctx, f.name+" may lack lines from now on: "+err.Error())
	default:
		f.log.WarnContext(ctx, f.name+" gets all lines again")
	}
	f.failed = err != nil
	return err
}

func (f fallible) WithAttrs(attrs []slog.Attr) slog.Handler {
	return fallible{f.Handler.WithAttrs(attrs), f.health}
}

func (f fallible) WithGroup(name string) slog.Handler {
	return fallible{f.Handler.WithGroup(name), f.health}
}
