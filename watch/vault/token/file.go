package token

import (
	"context"
	"errors"

	"restencil/watch"
	"restencil/watch/vault/client"
)

// A file is where somebody else keeps the token.
type file struct {
	path   string
	read   func(path string) ([]byte, error)
	unwrap bool         // a wrapped token is kept there
	source watch.Source // tells when the file changes
	taken  client.Token // what stood in it last
}

var errUnchanged = errors.New("the file says the same")

// obtain returns the token that stands in the file. A wrapping token is good for
// one unwrapping, so what was there before is passed over.
func (f *file) obtain(ctx context.Context, c client.Caller) (grant, error) {
	content, err := f.read(f.path)
	text := tokenIn(string(content))
	if err == nil && text == "" {
		err = errors.New("it is empty")
	}
	switch {
	case err != nil:
		return grant{}, failed("there is no token in the file "+f.path, err)
	case text == f.taken:
		return grant{}, errUnchanged
	}
	g := grant{token: text}
	if f.unwrap {
		g, err = unwrapToken(ctx, c, text)
	}
	if err == nil || client.Class(err) != watch.Retry {
		f.taken = text
	}
	return g, err
}

// A fileSink is the watch.Sink of the file: that something has changed is all that
// counts.
type fileSink struct{ m *Manager }

// Publish implements watch.Sink.
func (s fileSink) Publish(watch.Answer) { s.m.post(func(in *inbox) { in.changed = true }) }

// Fail implements watch.Sink.
func (s fileSink) Fail(error) { s.m.post(func(in *inbox) { in.changed = true }) }
