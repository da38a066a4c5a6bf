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
	tell *slog.Logger

	mu     sync.Mutex
	failed bool
}

func newFallible(name string, h, tell slog.Handler) slog.Handler {
	return fallible{h, &health{name: name, tell: slog.New(tell).With("component", "logging")}}
}

func (f fallible) Handle(ctx context.Context, r slog.Record) error {
	err := f.Handler.Handle(ctx, r)
	f.note(ctx, err)
	return err
}

func (f fallible) WithAttrs(attrs []slog.Attr) slog.Handler {
	return fallible{f.Handler.WithAttrs(attrs), f.health}
}

func (f fallible) WithGroup(name string) slog.Handler {
	return fallible{f.Handler.WithGroup(name), f.health}
}

// note takes in what became of a line.
func (h *health) note(ctx context.Context, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch failed := err != nil; {
	case failed == h.failed:
	case failed:
		h.tell.ErrorContext(ctx, h.name+" may lack lines from now on: "+err.Error())
	default:
		h.tell.WarnContext(ctx, h.name+" gets all lines again")
	}
	h.failed = err != nil
}
