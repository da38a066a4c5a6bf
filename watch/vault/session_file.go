package vault

import (
	"errors"
	"time"

	"restencil/watch"
)

// fileNews is what stands in the token's file, or why that is not known.
type fileNews struct {
	text string
	err  error
}

// fileSink is the watch.Sink of the token's file.
type fileSink struct{ *session }

// Publish implements watch.Sink.
func (f fileSink) Publish(a watch.Answer) {
	text, _ := a.Data.(string)
	f.post(func(l *letters) { l.file = &fileNews{text: text} })
}

// Fail implements watch.Sink.
func (f fileSink) Fail(err error) {
	var told *watch.Error
	if errors.As(err, &told) {
		err = told.Err
	}
	f.post(func(l *letters) { l.file = &fileNews{err: err} })
}

// readAnew has the file read, whether it seems to have changed or not.
func (s *session) readAnew() {
	q := watch.Query{Kind: watch.FileContent, Name: s.path}
	s.files.Unwatch(q)
	s.files.Watch(q, fileSink{s})
}

var errNoContent = errors.New("it is empty")

// heedFile takes up what stands in the file. Where that is nothing, what it had
// before stays in use.
func (s *session) heedFile(now time.Time, news fileNews) {
	l := &s.life
	text, err := tokenIn(news.text), news.err
	if err == nil && text == "" {
		err = errNoContent
	}
	switch {
	case err != nil && l.has:
		l.notice("there is no token in the file %s any more, the last one stays in use: %w", s.path, err)
	case err != nil && s.taken == "":
		l.err = failed("there is no token in the file "+s.path+" yet", err)
	case err == nil && text != s.taken:
		s.taken = text
		l.offer(now, text, s.unwrap)
	}
}
