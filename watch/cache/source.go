package cache

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"restencil/renderer/atomicfile"
	"restencil/watch"
	"restencil/watch/schedule"
)

// Options configure a Source. The zero Options are usable.
type Options struct {
	// Of names the store, as by its address. A file with another name is not
	// used.
	Of string

	// Size is the maximum size of the file in bytes. What has been unused the
	// longest is left out. Zero means 64 MiB.
	Size int

	// Problem, if not nil, is called with the reason why a file is not used
	// (ErrOtherVersion after an upgrade), and why writing it failed: the first
	// time after a success. Run's goroutines call it; it must return at once.
	Problem func(error)
}

const (
	writeInterval = 5 * time.Second     // the shortest time between two writes of the file
	maxUnused     = 30 * 24 * time.Hour // an answer is kept that long after its query was watched last
)

// A Source is another source whose answers outlive the process. It implements
// watch.Source.
type Source struct {
	inner  watch.Source
	file   string
	o      Options
	wake   schedule.Wakeup // there is something to write
	failed bool            // the last write failed; Run's own

	mu      sync.Mutex
	entries map[watch.ID]entry
	sinks   map[watch.ID]*sink // of the watched queries
	changed atomic.Bool        // the file lacks something; not guarded by mu
}

var _ watch.Source = (*Source)(nil)

// New returns a source that answers as inner does, which it owns from then on,
// and keeps the answers in the file. Only Run reads and writes the file; it
// creates missing directories.
func New(inner watch.Source, file string, o Options) *Source {
	o.Size = cmp.Or(o.Size, 64<<20)
	if o.Problem == nil {
		o.Problem = func(error) {}
	}
	return &Source{
		inner:   inner,
		file:    file,
		o:       o,
		wake:    schedule.NewWakeup(),
		entries: make(map[watch.ID]entry),
		sinks:   make(map[watch.ID]*sink),
	}
}

// Run implements watch.Source. Before it returns it writes what has changed.
func (s *Source) Run(ctx context.Context) {
	s.load()
	var inner sync.WaitGroup
	inner.Go(func() { s.inner.Run(ctx) })
	s.saveChanges(ctx)
	inner.Wait()
	s.save()
}

// load reads the file.
func (s *Source) load() {
	var list []entry
	f, err := atomicfile.Open(s.file)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err == nil {
		var b []byte
		if b, err = io.ReadAll(io.LimitReader(f, int64(s.o.Size))); err == nil {
			list, err = parse(b, s.o.Of)
		}
		f.Close()
	}
	if err != nil {
		s.o.Problem(fmt.Errorf("the cache %s is not used: %w", s.file, err))
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	for _, e := range list {
		if now.Sub(e.Used) <= maxUnused {
			s.entries[e.Query.ID()] = e
		}
	}
}

// saveChanges writes the file until ctx ends: when something has changed, and
// once a day to note which answers are still in use.
func (s *Source) saveChanges(ctx context.Context) {
	daily := time.Tick(24 * time.Hour)
	for pause := writeInterval; ; {
		select {
		case <-ctx.Done():
			return
		case <-s.wake:
		case <-daily:
			s.change()
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		start := time.Now()
		if !s.save() {
			s.change() // try again
		}
		pause = max(writeInterval, 20*time.Since(start)) // spend at most a twentieth of the time
	}
}

// change has the file written soon.
func (s *Source) change() {
	s.changed.Store(true)
	s.wake.Wake()
}

// save writes the file if something has changed. It returns false if that fails.
func (s *Source) save() bool {
	list := s.current(time.Now())
	if list == nil {
		return true
	}
	b, left := format(list, s.o.Of, s.o.Size)
	s.mu.Lock()
	for _, e := range left {
		if id := e.Query.ID(); s.sinks[id] == nil {
			delete(s.entries, id)
		}
	}
	s.mu.Unlock()
	err := os.MkdirAll(filepath.Dir(s.file), 0o700)
	if err == nil {
		err = atomicfile.Write(s.file, b)
	}
	if err != nil && !s.failed {
		s.o.Problem(fmt.Errorf("writing the cache: %w", err))
	}
	s.failed = err != nil
	return err == nil
}

// current returns the entries for the file, those used last first, or nil if
// nothing has changed.
func (s *Source) current(now time.Time) []entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.changed.Swap(false) {
		return nil
	}
	list := make([]entry, 0, len(s.entries))
	for q, e := range s.entries {
		if s.sinks[q] != nil {
			e.Used = now
			s.entries[q] = e
		}
		if now.Sub(e.Used) > maxUnused {
			delete(s.entries, q)
			continue
		}
		list = append(list, e)
	}
	slices.SortFunc(list, func(a, b entry) int {
		return cmp.Or(b.Used.Compare(a.Used), cmp.Compare(a.Query.Name, b.Query.Name))
	})
	return list
}

// Watch implements watch.Source.
func (s *Source) Watch(list ...watch.Subscription) {
	own := make([]watch.Subscription, len(list))
	s.mu.Lock()
	for i, sub := range list {
		to := &sink{source: s, id: sub.ID, to: sub.Sink}
		s.sinks[sub.ID] = to
		own[i] = watch.Subscription{ID: sub.ID, Sink: to}
	}
	s.mu.Unlock()
	s.inner.Watch(own...)
}

// Unwatch implements watch.Source. It keeps the answers for the next Watch.
func (s *Source) Unwatch(queries ...watch.ID) {
	s.mu.Lock()
	for _, q := range queries {
		delete(s.sinks, q)
	}
	s.mu.Unlock()
	s.inner.Unwatch(queries...)
}

// Inspect implements watch.Inspector.
func (s *Source) Inspect() (i watch.Inspection) {
	if inner, ok := s.inner.(watch.Inspector); ok {
		i = inner.Inspect()
	}
	return i
}

// A sink receives what the inner source publishes of a query.
type sink struct {
	source   *Source
	id       watch.ID
	to       watch.Sink
	answered bool // it has published an answer, perhaps of the file; guarded by source.mu
}

func (k *sink) Publish(a watch.Answer) (news bool) {
	news = k.to.Publish(a)
	s := k.source
	s.mu.Lock()
	defer s.mu.Unlock()
	k.answered = true
	if q := k.id.Value(); s.sinks[k.id] == k && !q.Private && decoder(q.Kind) != nil {
		_, known := s.entries[k.id]
		s.entries[k.id] = entry{Query: q, Used: time.Now(), Time: a.Time, Index: a.Index, Data: a.Data}
		if news || !known {
			s.change()
		}
	}
	return news
}

func (k *sink) Fail(err error) {
	s := k.source
	s.mu.Lock()
	e, known := s.entries[k.id]
	if known && watch.Classify(err) == watch.Denied { // the token may have lost the right to it
		delete(s.entries, k.id)
		s.change()
		known = false
	}
	fromFile := known && !k.answered
	k.answered = k.answered || fromFile
	s.mu.Unlock()
	if fromFile {
		k.to.Publish(watch.Answer{
			Data: e.Data, Index: e.Index, Time: e.Time,
			Partial: "the store is away, and the answer is an earlier one, from the cache",
		})
	}
	k.to.Fail(err)
}
