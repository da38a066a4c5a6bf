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
	"restencil/runner/event"
	"restencil/runner/journal"
	"restencil/runner/process"
	"restencil/runner/templates"
	"restencil/template"
)

// Shared is what the bundles of a runner work with. All fields are required
// unless they say otherwise. Its functions are called from the goroutines of
// all bundles, concurrently.
type Shared struct {
	// Run runs a command and returns the end of what it printed. When the
	// context ends, it ends the command.
	Run func(context.Context, process.Command) (output string, err error)

	// State is what a reload may change. A bundle has the journal that there was
	// when it was made.
	State atomic.Pointer[State]

	Lane     Lane     // orders the commands of bundles with the policy Each
	Registry Registry // knows the bundles that there are, and the secrets in their files

	Events func(event.Event)
	Report func(Report) // to the runner's loop, which always takes it

	// Stdout and Stderr take the files whose destinations lead there; Stdout, too,
	// what Print and the functions for debugging print.
	Stdout, Stderr *Stream

	Once bool // failures end the runner

	ConsulTemplate bool // the error of a command is worded as there (COMPAT 4.6.3)

	// InPlace says why a check cannot see staged files at their destinations
	// (process.Command.Overlay), nil: it can. It is called only where there is a
	// check.
	InPlace func() error
}

// State says what is remembered of files, and how they are looked after.
type State struct {
	// Journal remembers what was applied across restarts and crashes, and takes the
	// generations of named bundles. The caller opens and closes it. Nil: nothing is
	// remembered.
	Journal *journal.Journal

	// Unresolved says that the journal has a change that a crash cut in two,
	// and that could not be made whole: what is left of it beside the
	// destinations may be the only copy, and stays.
	Unresolved bool

	// KeepSecrets has the journal keep files that hold secrets, too.
	KeepSecrets bool

	// Reconcile is how often the destinations are looked at, whether somebody
	// else has changed them: they are put right then, and the command does not
	// run for a mode or owner. Zero: only when their template has been executed.
	Reconcile time.Duration
}

const unusedFor = 30 * 24 * time.Hour // how long the journal knows a bundle that there is no more

// Inherit has the bundles owe what the journal says that others owe for their files:
// the configuration may have changed since the last process. It has the journal forget
// those that have not been there for a while. It is called when all bundles are there,
// and none runs.
func (s *Shared) Inherit() {
	j := s.State.Load().Journal
	if j == nil {
		return
	}
	owing, _ := j.Owing() // what cannot be read is told when a bundle reads its state
	for key, files := range owing {
		inherited := false
		for b := range s.Registry.bundles {
			if mine := b.among(files); len(mine) > 0 && b.entry.key != key {
				b.entry.owe(mine)
				inherited = true
			}
		}
		if inherited && !s.Registry.has(key) {
			// Where that cannot be noted, it is owed twice.
			_ = j.Applied(key, newDebt(), nil)
		}
	}
	// What cannot be removed does no harm, and is removed at another start.
	_ = j.Forget(func(key string, noted time.Time) bool {
		return time.Since(noted) > unusedFor && !s.Registry.has(key)
	})
}

// An Offer is what the runner has for a bundle.
type Offer struct {
	// Pass is the number of the pass whose outputs these are, from 1. A report
	// says up to which pass the bundle has done what there was to do.
	Pass int

	// Outputs are the newest of the members that have news, by the member's
	// place in the spec.
	Outputs map[int]templates.Result

	// Outstanding tells that a member that has no output yet waits for answers
	// that are on their way. The first run of the command waits for it.
	Outstanding bool

	ticket *Ticket // with Each
}

// after returns o with the place in the lane of an older offer, if that has one.
func (o Offer) after(older *Ticket) Offer {
	if older != nil {
		o.ticket.Release()
		o.ticket = older
	}
	return o
}

// merge returns o with what a newer offer has besides.
func (o Offer) merge(newer Offer) Offer {
	all := o.Outputs
	for i, r := range newer.Outputs {
		if old, ok := all[i]; ok {
			r.SameData = r.SameData && old.SameData
			r.Recheck = r.Recheck || old.Recheck
			r.Reported = r.Reported || old.Reported
			r.Causes = old.Causes.With(r.Causes)
		}
		if all == nil {
			all = make(map[int]templates.Result)
		}
		all[i] = r
	}
	newer.Outputs = all
	return newer.after(o.ticket)
}

// A Report is what a bundle has to tell the runner's loop. Zero fields say
// nothing.
type Report struct {
	Bundle *Bundle

	// Pass is the newest offer of which all is done that can be done now: what is
	// left waits for a time, for other data, or for somebody.
	Pass int

	// Placed are the members whose destination has been right for the first
	// time, by their place in the spec.
	Placed []int

	// Changed are destinations that have new bytes, and that what reads them
	// has been told of if there is a command for that.
	Changed []string

	// Again are members whose templates are to be executed and offered again:
	// somebody has changed their destination.
	Again []int

	// Command is why the command failed, with Once. Fatal is why the runner ends.
	Command, Fatal error
}

// A Registry knows the bundles that there are, and the secrets in their files. The
// zero value has none. It may be used from any goroutine.
type Registry struct {
	mu        sync.Mutex
	bundles   map[*Bundle]bool
	templates map[string]string           // by the path of their destination; nil: to be made
	secrets   map[string]template.Secrets // that may be in a file, by its key
}

func (r *Registry) set(b *Bundle, there bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.bundles == nil {
		r.bundles, r.secrets = make(map[*Bundle]bool), make(map[string]template.Secrets)
	}
	r.templates = nil
	if delete(r.bundles, b); there {
		r.bundles[b] = true
	}
}

func (r *Registry) has(key string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for b := range r.bundles {
		if b.entry.key == key {
			return true
		}
	}
	return false
}

// writer returns the template whose destination a path is, "" where it is none's.
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

// hide notes which secrets may be in a file, so that whatever reads it can be kept
// from printing them.
func (r *Registry) hide(f *group.File) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if secrets := f.Secrets(); secrets.None() {
		delete(r.secrets, f.Key())
	} else {
		r.secrets[f.Key()] = secrets
	}
}

// Secrets returns all secrets that may be in any file.
func (r *Registry) Secrets() template.Secrets {
	r.mu.Lock()
	defer r.mu.Unlock()
	return template.Secrets{}.With(slices.Collect(maps.Values(r.secrets))...)
}

// A Stream is an output of the process that bundles share: what one writes is in
// one piece. It may be used from any goroutine.
type Stream struct {
	w    io.Writer
	free chan struct{} // capacity 1: full while somebody writes
}

// NewStream returns a stream that writes to w.
func NewStream(w io.Writer) *Stream {
	return &Stream{w: w, free: make(chan struct{}, 1)}
}

// write writes b, and waits until that is done or ctx ends: who reads the stream may
// never go on. What was not taken by then is lost with the process, and so is the
// goroutine, which nothing can end.
func (s *Stream) write(ctx context.Context, b []byte) (n int, err error) {
	select {
	case s.free <- struct{}{}:
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
	type result struct {
		n   int
		err error
	}
	done := make(chan result, 1)
	go func() {
		n, err := s.w.Write(b)
		<-s.free
		done <- result{n, err}
	}()
	select {
	case r := <-done:
		return r.n, r.err
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
}

// A show writes the content of a file to a stream, and notes it.
type show struct {
	ctx  context.Context
	to   *Stream
	want group.Want
}

func (s *show) Write(b []byte) (int, error) {
	n, err := s.to.write(s.ctx, b)
	if err == nil {
		s.want.Shown()
	}
	return n, err
}
