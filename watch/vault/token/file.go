package token

import (
	"errors"
	"sync/atomic"
	"time"

	"restencil/watch"
	"restencil/watch/vault/client"
)

// A file is where somebody else keeps the token.
type file struct {
	path   string
	unwrap bool         // a wrapped token is kept there
	source watch.Source // follows the file
	taken  client.Token // what stood in it last

	why atomic.Pointer[Error] // why it has no token
}

// fileNews is what stands in the file, or why that is not known.
type fileNews struct {
	text string
	err  error
}

// A fileSink is the watch.Sink of the file.
type fileSink struct{ m *Manager }

// Publish implements watch.Sink.
func (s fileSink) Publish(a watch.Answer) {
	text, _ := a.Data.(string)
	s.m.post(func(in *inbox) { in.file = &fileNews{text: text} })
}

// Fail implements watch.Sink.
func (s fileSink) Fail(err error) {
	var told *watch.Error
	if errors.As(err, &told) {
		err = told.Err
	}
	s.m.post(func(in *inbox) { in.file = &fileNews{err: err} })
}

// readAnew has the file read, whether it seems to have changed or not.
func (f *file) readAnew(m *Manager) {
	q := watch.Query{Kind: watch.FileContent, Name: f.path}
	f.source.Unwatch(q)
	f.source.Watch(q, fileSink{m})
}

// missing returns why there is no token in the file.
func (f *file) missing() error { return f.why.Load() }

var errNoContent = errors.New("it is empty")

// take takes up what stands in the file. Where that is nothing, what it had
// before stays in use.
func (f *file) take(l *life, news fileNews, now time.Time) {
	text, err := tokenIn(news.text), news.err
	if err == nil && text == "" {
		err = errNoContent
	}
	switch {
	case err != nil && l.usable():
		l.notice("there is no token in the file %s any more, the last one stays in use: %w", f.path, err)
	case err != nil && f.taken == "":
		// Vault has no part in it: it is an attempt that failed.
		f.why.Store(failed("there is no token in the file "+f.path+" yet", err))
		l.obtainFailed(now, f.missing())
	case err == nil && text != f.taken:
		f.taken = text
		l.offer(now, text, f.unwrap)
	}
}
