package bundle

import (
	"context"
	"io"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"restencil/renderer"
	"restencil/runner/bundle/group"
	"restencil/runner/bundle/turn"
	"restencil/runner/event"
	"restencil/runner/journal"
	"restencil/runner/templates"
	"restencil/runner/transaction"
	"restencil/template"
)

// Shared is what the bundles of a runner have in common. All fields are required
// unless they say otherwise. Its functions are called concurrently.
type Shared struct {
	// Tools are those of transactions, without Mask and Writer, which Registry has. With
	// Preview the function Plan is called in place of Run.
	transaction.Tools

	// State is what a reload may change. A bundle keeps the journal that it was made
	// with.
	State atomic.Pointer[State]

	Queue    turn.Queue // orders the commands of bundles with the policy Each
	Registry Registry

	Events func(event.Event)
	Report func(Report) // to the runner's loop, which always receives it

	// Stdout and Stderr take the files whose destinations lead there. Stdout also
	// takes what Print and the functions for debugging print.
	Stdout, Stderr *Stream

	Once     bool // failures end the runner
	Attempts int  // how often a turn among other hosts is asked for again before that ends the runner; 0: for ever
}

// State says what is kept of files, and how often they are compared.
type State struct {
	// Journal keeps what was applied across restarts and crashes, and the
	// generations of named bundles. The caller opens and closes it. Nil: there is
	// none.
	Journal *journal.Journal

	// Unresolved reports that the journal has a change that a crash has interrupted,
	// and that could not be completed or undone: what is left of it beside the
	// destinations may be the only copy, and stays.
	Unresolved bool

	// KeepSecrets has the journal keep files that hold secrets, too.
	KeepSecrets bool

	// Fleet returns what has the hosts take turns that share a key. Nil: bundles do not
	// wait for other hosts.
	Fleet func(group.Rolling) turn.Fleet

	// Reconcile is how often the destinations are compared, in case somebody else
	// has changed them. The command does not run for a mode or owner. Zero: only when
	// their template has been executed.
	Reconcile time.Duration
}

func (s *Shared) fleets() func(group.Rolling) turn.Fleet { return s.State.Load().Fleet }

const unusedFor = 30 * 24 * time.Hour // until the journal forgets a bundle that no longer exists

// Inherit has the bundles owe what the journal says that others owe for their files:
// the configuration may have changed since the last process. It has the journal
// forget bundles that have not existed for long. It is called when all bundles have
// been made, and none runs.
func (s *Shared) Inherit() {
	j := s.State.Load().Journal
	if j == nil {
		return
	}
	owing, _ := j.Owing() // the error is reported when a bundle reads its state
	for key, files := range owing {
		inherited := false
		for b := range s.Registry.bundles {
			if own := b.ownFiles(files); len(own) > 0 && b.entry.key != key {
				b.entry.owe(own)
				inherited = true
			}
		}
		if inherited && !s.Registry.has(key, nil) {
			_, _ = j.Applied(key, newID(), nil) // after an error, it is owed twice
		}
	}
	// What cannot be removed does no harm, and is removed at another start.
	_ = j.Forget(func(key string, changed time.Time) bool {
		return time.Since(changed) > unusedFor && !s.Registry.has(key, nil)
	})
}

// An Offer is what the runner has for a bundle.
type Offer struct {
	// Pass is the number of the pass whose outputs these are, from 1.
	Pass int

	// Outputs are the newest of the members that have new ones, by the member's
	// index in the spec.
	Outputs map[int]templates.Result

	// Outstanding reports that a member without an output waits for answers that are
	// on their way. The first run of the command waits for it.
	Outstanding bool

	// NotBefore is when outputs go in place at the earliest, unless a later Offer says
	// otherwise: others that belong to the same change are being made. Zero: at once.
	NotBefore time.Time

	ticket *turn.Ticket // with Each
}

// merge returns a newer offer with what it does not replace of o. It has its own
// place in the queue: with that of o it would come before others of its pass whose
// templates are earlier.
func (o Offer) merge(newer Offer) Offer {
	all := make(map[int]templates.Result)
	maps.Copy(all, o.Outputs)
	for i, r := range newer.Outputs {
		if old, ok := all[i]; ok {
			r.SameData = r.SameData && old.SameData
			r.Recheck = r.Recheck || old.Recheck
			r.Unplaced = r.Unplaced || old.Unplaced
			r.Causes = old.Causes.With(r.Causes)
		}
		all[i] = r
	}
	newer.Outputs = all
	o.ticket.Release()
	return newer
}

// A Report is what the runner's loop is to know of a bundle. Zero fields say
// nothing.
type Report struct {
	Bundle *Bundle

	// Pass is the newest offer of which all is done that can be done now: what is
	// left waits for a time, for other data, or for somebody.
	Pass int

	group.News // what has changed; a command has loaded it

	// Drifted are the members whose destination somebody has changed. Their
	// templates are to be executed and offered again.
	Drifted []int

	Command error // why the command failed, with Once
}

// A Registry has the bundles that exist, and the secrets in their files. The zero
// value is empty. Its methods may be called concurrently.
type Registry struct {
	mu        sync.Mutex
	bundles   map[*Bundle]bool
	templates map[string]string           // by the path of their destination; nil: to be made
	secrets   map[string]template.Secrets // that may be in a file, by its key
}

func (r *Registry) set(b *Bundle, exists bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.bundles == nil {
		r.bundles = make(map[*Bundle]bool)
	}
	r.templates = nil
	if delete(r.bundles, b); exists {
		r.bundles[b] = true
	}
}

// has reports whether there is a bundle with this key, other than one.
func (r *Registry) has(key string, one *Bundle) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for b := range r.bundles {
		if b != one && b.entry.key == key {
			return true
		}
	}
	return false
}

// removed reports whether b was stopped and nothing replaces it: what failed is not tried
// again.
func (r *Registry) removed(b *Bundle) bool { return closed(b.stop) && !r.has(b.entry.key, b) }

// writer returns the template whose destination a path is, "": none.
func (r *Registry) writer(path string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.templates == nil {
		r.templates = make(map[string]string)
		for b := range r.bundles {
			for _, m := range b.spec.Members {
				if renderer.StreamOf(m.Destination) == renderer.NoStream {
					r.templates[group.Path(m.Destination)] = m.Template
				}
			}
		}
	}
	return r.templates[group.Path(path)]
}

// SetSecrets records which secrets may be in a file, by its key, or in a variable of the
// environment.
func (r *Registry) SetSecrets(key string, secrets template.Secrets) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.secrets == nil {
		r.secrets = make(map[string]template.Secrets)
	}
	if secrets.None() {
		delete(r.secrets, key)
	} else {
		r.secrets[key] = secrets
	}
}

// Secrets returns all secrets that may be in any file.
func (r *Registry) Secrets() template.Secrets {
	r.mu.Lock()
	defer r.mu.Unlock()
	return template.Secrets{}.With(slices.Collect(maps.Values(r.secrets))...)
}

// A Stream is an output of the process that bundles share. Writes are atomic. It may
// be used concurrently.
type Stream struct {
	w    io.Writer
	free chan struct{} // capacity 1: full while somebody writes
}

// NewStream returns a stream that writes to w.
func NewStream(w io.Writer) *Stream {
	return &Stream{w: w, free: make(chan struct{}, 1)}
}

// write writes b, and waits until that is done or ctx ends: the reader may never
// read. The goroutine then ends with the process.
func (s *Stream) write(ctx context.Context, b []byte) error {
	select {
	case s.free <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	done := make(chan error, 1)
	go func() {
		_, err := s.w.Write(b)
		<-s.free
		done <- err
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// A streamWriter writes the content of a file to a stream, and records that.
type streamWriter struct {
	ctx    context.Context
	stream *Stream
	want   group.Want
}

func (w *streamWriter) Write(b []byte) (int, error) {
	if err := w.stream.write(w.ctx, b); err != nil {
		return 0, err
	}
	w.want.Written()
	return len(b), nil
}
