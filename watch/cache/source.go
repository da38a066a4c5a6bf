package cache

import (
	"context"
	"fmt"
	"time"

	"restencil/watch"
)

// A Source is another source with a memory that outlives the process. It
// implements watch.Batcher.
type Source struct {
	inner watch.Source
	file  string
	o     Options
	shelf *shelf
	wake  chan struct{} // capacity 1: there is something to write
	told  bool          // of a write that failed, with none since that did not; for Run
}

var _ watch.Batcher = (*Source)(nil)

// New returns a source that answers as source does and keeps its answers in
// the file. It does not look at the file: Run reads it first of all, and
// writes it, in a directory that is made where there is none. From then on
// source belongs to what New returns.
func New(source watch.Source, file string, o Options) *Source {
	o = o.filled()
	return &Source{inner: source, file: file, o: o, shelf: newShelf(o), wake: make(chan struct{}, 1)}
}

// Run implements watch.Source. Before it returns it writes what has changed.
func (s *Source) Run(ctx context.Context) {
	s.load()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.inner.Run(ctx)
	}()
	s.keep(ctx)
	<-ended
	s.save()
}

// load reads the file.
func (s *Source) load() {
	c, err := readFile(s.file, s.o.Size)
	switch {
	case err != nil || len(c.Records) == 0:
	case c.Schema != schemaOf(s.shelf.types):
		err = errOldVersion
	case c.Of != s.o.Of:
		err = errOther
	}
	if err != nil {
		s.o.Problem(fmt.Errorf("the cache %s is not used: %w", s.file, err))
		return
	}
	s.shelf.put(c.Records, time.Now())
}

// keep writes the file now and then, until ctx ends.
func (s *Source) keep(ctx context.Context) {
	daily := time.NewTicker(seldom)
	defer daily.Stop()
	for pause := s.o.Every; ; {
		select {
		case <-ctx.Done():
			return
		case <-s.wake:
		case <-daily.C:
		}
		if !sleep(ctx, pause) {
			return
		}
		start := time.Now()
		if !s.save() {
			s.stir() // again
		}
		// At most a twentieth of the time is spent on it.
		pause = max(s.o.Every, 20*time.Since(start))
	}
}

// sleep waits; false: ctx has ended.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// save writes the file, if something has changed. It returns false where it
// could not.
func (s *Source) save() bool {
	records := s.shelf.tidy(time.Now())
	if records == nil {
		return true
	}
	c := content{Schema: schemaOf(s.shelf.types), Of: s.o.Of, Records: records}
	err := writeFile(s.file, c.format())
	if err != nil {
		s.shelf.unwritten()
		if !s.told {
			s.o.Problem(fmt.Errorf("writing the cache: %w", err))
		}
	}
	s.told = err != nil
	return err == nil
}

// stir has the file written soon.
func (s *Source) stir() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Watch implements watch.Source.
func (s *Source) Watch(q watch.Query, sink watch.Sink) {
	s.WatchAll([]watch.Subscription{{Query: q, Sink: sink}})
}

// Unwatch implements watch.Source. The answer is kept for when q is watched
// again.
func (s *Source) Unwatch(q watch.Query) { s.UnwatchAll([]watch.Query{q}) }

// WatchAll implements watch.Batcher.
func (s *Source) WatchAll(list []watch.Subscription) {
	tapped := s.tap(list)
	if b, ok := s.inner.(watch.Batcher); ok {
		b.WatchAll(tapped)
		return
	}
	for _, sub := range tapped {
		s.inner.Watch(sub.Query, sub.Sink)
	}
}

// tap returns the subscriptions with a tap before each sink.
func (s *Source) tap(list []watch.Subscription) []watch.Subscription {
	taps, tapped := make([]*tap, len(list)), make([]watch.Subscription, len(list))
	for i, sub := range list {
		taps[i] = &tap{s: s, query: sub.Query, to: sub.Sink}
		tapped[i] = watch.Subscription{Query: sub.Query, Sink: taps[i]}
	}
	s.shelf.watch(taps)
	return tapped
}

// UnwatchAll implements watch.Batcher.
func (s *Source) UnwatchAll(queries []watch.Query) {
	s.shelf.unwatch(queries)
	if b, ok := s.inner.(watch.Batcher); ok {
		b.UnwatchAll(queries)
		return
	}
	for _, q := range queries {
		s.inner.Unwatch(q)
	}
}

// A tap is the sink of a query that the inner source is given.
type tap struct {
	s     *Source
	query watch.Query
	to    watch.Sink
	told  bool // it has an answer, be it of the file; guarded by the shelf
}

// Publish implements watch.Sink.
func (t *tap) Publish(a watch.Answer) {
	t.s.shelf.learn(t, a, time.Now())
	t.s.stir()
	t.to.Publish(a)
}

// Fail implements watch.Sink.
func (t *tap) Fail(err error) {
	if a, ok := t.s.shelf.recall(t); ok {
		t.to.Publish(a)
	}
	t.to.Fail(err)
}
