// Package cache lets templates render while Consul is away, though the daemon
// has been restarted and has not reached it yet.
//
// A [Source] stands before another source and keeps the last answer of each
// query in a file. Where the first attempt at a query fails, it publishes the
// answer that the file has, and then passes the failure on: everybody sees
// that what is there is not current. The first real answer takes its place. What
// the store refuses to tell is taken out of the file: the token may have lost the
// right to it.
//
// Only answers of Consul are kept, and no certificate with its private key
// (COMPAT 3.4, caLeaf), nor the answer of a query whose name was made of a secret.
// The file is readable by its owner alone: keys may hold
// anything.
//
// The file can be lost at any time. One that is damaged, of another version of
// restencil or about another store is not used, and replaced.
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
	"reflect"
	"slices"
	"sync"
	"time"

	"restencil/renderer/atomicfile"
	"restencil/watch"
	"restencil/watch/schedule"
)

// Options say how answers are kept. The zero Options are usable.
type Options struct {
	// Of names what the answers are about, such as the store's address. A
	// file that was written with another name is not used.
	Of string

	// Every is the shortest time between two writes of the file. One that
	// takes long is not repeated so soon. Zero means 5 s.
	Every time.Duration

	// Unused is how long the answer to a query that nobody watches is kept.
	// Zero means 30 days.
	Unused time.Duration

	// Size is how large the file may be, in bytes; beyond that, what has been
	// unused the longest is left out. Zero means 64 MiB.
	Size int

	// Problem is told why a file is not used, which is ErrOtherVersion after
	// an upgrade, and why the file could not be written; of the latter once,
	// until it could. It is called by Run's goroutines and returns at once.
	// Nil: nobody is told.
	Problem func(error)
}

// A Source is another source whose answers outlive the process. It implements
// watch.Source.
type Source struct {
	inner watch.Source
	file  string
	o     Options
	wake  schedule.Wakeup // there is something to write
	told  bool            // of a write that failed, with none since that did not; for Run

	mu      sync.Mutex
	entries map[watch.ID]entry
	sinks   map[watch.ID]*sink // of the queries that are watched
	changed bool               // something is not in the file yet
}

var _ watch.Source = (*Source)(nil)

// New returns a source that answers as source does and keeps its answers in
// the file. It does not look at the file: Run reads it first of all, and
// writes it, in a directory that is made where there is none. From then on
// source belongs to what New returns.
func New(source watch.Source, file string, o Options) *Source {
	o.Every = cmp.Or(o.Every, 5*time.Second)
	o.Unused = cmp.Or(o.Unused, 30*24*time.Hour)
	o.Size = cmp.Or(o.Size, 64<<20)
	if o.Problem == nil {
		o.Problem = func(error) {}
	}
	return &Source{
		inner:   source,
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
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.inner.Run(ctx)
	}()
	s.keep(ctx)
	<-ended
	s.save()
}

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
		if now.Sub(e.used) <= s.o.Unused {
			s.entries[e.query.ID()] = e
		}
	}
}

// keep writes the file now and then, until ctx ends: when something has
// changed, and once a day to note what is used still.
func (s *Source) keep(ctx context.Context) {
	daily := time.Tick(24 * time.Hour)
	for pause := s.o.Every; ; {
		select {
		case <-ctx.Done():
			return
		case <-s.wake:
		case <-daily:
			s.touch()
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		start := time.Now()
		if !s.save() {
			s.touch() // again
		}
		// At most a twentieth of the time is spent on it.
		pause = max(s.o.Every, 20*time.Since(start))
	}
}

// touch has the file written soon.
func (s *Source) touch() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.change()
}

// change is touch, called with mu held.
func (s *Source) change() {
	s.changed = true
	s.wake.Wake()
}

// save writes the file, if something has changed. It returns false where it
// could not.
func (s *Source) save() bool {
	list := s.current(time.Now())
	if list == nil {
		return true
	}
	b, left := format(list, s.o.Of, s.o.Size)
	s.mu.Lock()
	for _, e := range left { // there is no room for it
		if id := e.query.ID(); s.sinks[id] == nil {
			delete(s.entries, id)
		}
	}
	s.mu.Unlock()
	err := os.MkdirAll(filepath.Dir(s.file), 0o700)
	if err == nil {
		err = atomicfile.Write(s.file, b)
	}
	if err != nil && !s.told {
		s.o.Problem(fmt.Errorf("writing the cache: %w", err))
	}
	s.told = err != nil
	return err == nil
}

// current returns what is to be in the file, what was used last first; nil
// where nothing has changed.
func (s *Source) current(now time.Time) []entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.changed {
		return nil
	}
	s.changed = false
	list := make([]entry, 0, len(s.entries))
	for q, e := range s.entries {
		if s.sinks[q] != nil {
			e.used = now
			s.entries[q] = e
		}
		if now.Sub(e.used) > s.o.Unused {
			delete(s.entries, q)
			continue
		}
		list = append(list, e)
	}
	slices.SortFunc(list, func(a, b entry) int {
		return cmp.Or(b.used.Compare(a.used), cmp.Compare(a.query.Name, b.query.Name))
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

// Unwatch implements watch.Source. The answers are kept for when the queries are
// watched again.
func (s *Source) Unwatch(queries ...watch.ID) {
	s.mu.Lock()
	for _, q := range queries {
		delete(s.sinks, q)
	}
	s.mu.Unlock()
	s.inner.Unwatch(queries...)
}

// A sink is what the inner source tells of a query.
type sink struct {
	source *Source
	id     watch.ID
	to     watch.Sink
	told   bool // it has an answer, be it of the file; guarded by the source
}

func (k *sink) Publish(a watch.Answer) {
	s := k.source
	s.mu.Lock()
	k.told = true
	if q := k.id.Value(); s.sinks[k.id] == k && !q.Private && decoder(q.Kind) != nil {
		old, known := s.entries[k.id]
		s.entries[k.id] = entry{query: q, used: time.Now(), answer: a}
		if !known || !reflect.DeepEqual(old.answer.Data, a.Data) {
			s.change()
		}
	}
	s.mu.Unlock()
	k.to.Publish(a)
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
	recall := known && !k.told
	k.told = k.told || recall
	s.mu.Unlock()
	if recall {
		k.to.Publish(e.answer)
	}
	k.to.Fail(err)
}
