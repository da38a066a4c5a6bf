package runner

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"time"

	"restencil/renderer"
	"restencil/runner/journal"
)

// What a crash must not make the runner forget: that a command is to be run
// for files that are in place.

// journal returns what remembers, nil where nothing does.
func (o Options) journal() *journal.Journal {
	if o.Once || o.Dry {
		return nil
	}
	return o.Journal
}

// owe notes, before files of these units change, that the commands of their
// implicit bundles are owed. A command that is owed already goes on to be owed
// by the same debt, which costs no write to the disk: the files of a burst of
// changes do not wait for one each.
func (r *Runner) owe(due []*unit) {
	j := r.opts.journal()
	if j == nil {
		return
	}
	files := make(map[*bundle][]string)
	var bundles []*bundle
	for _, u := range due {
		if b := u.bundle; len(b.command.Args) > 0 && u.willChange() {
			if files[b] == nil {
				bundles = append(bundles, b)
			}
			files[b] = append(files[b], u.spec.Destination)
		}
	}
	for _, b := range bundles {
		if b.debt == "" {
			b.debt = strconv.FormatInt(time.Now().UnixNano(), 36) // like no other
		}
		r.complain(j.Owe(b.name, b.debt, files[b]))
	}
}

// willChange tells whether putting u's output in place changes its bytes.
func (u *unit) willChange() bool {
	if u.rendered && u.failure == "" {
		return u.pending.print != u.written
	}
	change, err := renderer.Compare(u.file())
	return err != nil || change == renderer.Replaced
}

// paid notes that b's command has succeeded for all that it was owed for.
func (r *Runner) paid(b *bundle) {
	j := r.opts.journal()
	if j == nil || b.debt == "" || b.wanted {
		return
	}
	r.complain(j.Applied(b.name, b.debt, nil))
	b.debt = ""
}

// recall has b's command run if it was owed when the last process ended, once
// its files are in place.
func (r *Runner) recall(b *bundle) {
	j := r.opts.journal()
	if j == nil || b.recalled || len(b.command.Args) == 0 {
		return
	}
	for _, u := range b.members {
		if !u.rendered {
			return
		}
	}
	b.recalled = true
	st, err := j.State(b.name)
	r.complain(err)
	if b.debt != "" || !st.Owed() {
		return
	}
	b.debt = st.Desired
	b.files.add(st.Files...)
	if b.began.IsZero() {
		b.began = time.Now()
	}
	r.want(b)
	if b.since == 0 {
		b.since = r.pass
	}
}

// recallNamed takes over what a named bundle is owed from the last process.
func (r *Runner) recallNamed(b *named) {
	j := r.opts.journal()
	if j == nil || b.recalled {
		return
	}
	b.recalled = true
	st, err := j.State(b.spec.Name)
	r.complain(err)
	b.owed = b.owed || st.Owed()
}

// complain tells that the journal fails, if that is news.
func (r *Runner) complain(err error) {
	text := ""
	if err != nil {
		text = err.Error()
		if text != r.complained {
			r.tell(JournalFailed{Err: err})
		}
	}
	r.complained = text
}

// Accept has the change made that holds the named bundle back. It is an error
// that nothing is held. It may be called from any goroutine while Run is under
// way, and returns when that is settled, or with the cause of ctx's end.
func (r *Runner) Accept(ctx context.Context, bundle string) error {
	return r.ask(ctx, bundle, func(_ context.Context, b *named, _ time.Time, done func(error)) {
		if b.held == "" {
			done(fmt.Errorf("bundle %q is not held back: there is nothing to accept", bundle))
			return
		}
		b.accepted, b.pinned = b.hash(), ""
		r.stir(b)
		done(nil)
	})
}

// Rollback puts a generation of the named bundle's files back, which the
// journal keeps, and reloads what reads them. The change from which that goes
// back is held until other data comes, or it is accepted. Rollback may be called
// from any goroutine while Run is under way. It returns what came of it.
func (r *Runner) Rollback(ctx context.Context, bundle string, generation int) error {
	return r.ask(ctx, bundle, func(ctx context.Context, b *named, now time.Time, done func(error)) {
		if err := r.goBack(ctx, b, generation, now, done); err != nil {
			done(err)
		}
	})
}

func (r *Runner) goBack(ctx context.Context, b *named, generation int, now time.Time, done func(error)) error {
	j := r.opts.journal()
	switch {
	case j == nil:
		return errors.New("there is no history: no state directory is in use")
	case b.attempt != nil:
		return fmt.Errorf("bundle %q is being changed at this moment: try again", b.spec.Name)
	case !b.complete():
		return fmt.Errorf("bundle %q has templates that wait for data: only complete bundles go back", b.spec.Name)
	}
	g, err := j.Generation(b.spec.Name, generation)
	if err != nil {
		return err
	}
	c := r.change(b)
	for i := range c.Members {
		if err := restore(&c.Members[i].File, g); err != nil {
			return err
		}
	}
	c.Rollback, c.First, c.Owed = false, false, true
	a := b.newAttempt(g.Hash, now)
	a.done = done
	a.prints = make([]fingerprint, len(a.members)) // not what the templates say now
	b.pinned = b.hash()
	r.launch(ctx, a, c, reasonChange, nil)
	return nil
}

// restore makes f the file of the generation.
func restore(f *renderer.File, g journal.Generation) error {
	path, err := filepath.Abs(f.Path) // as the journal has it
	if err != nil {
		return err
	}
	for _, old := range g.Files {
		if old.Path != path {
			continue
		}
		if old.Secret {
			return fmt.Errorf("%s holds a secret, which generation %d does not keep", f.Path, g.Number)
		}
		f.Content, f.Perm, f.User, f.Group, f.Differs = old.Content, old.Perm, old.User, old.Group, false
		return nil
	}
	return fmt.Errorf("generation %d has no %s", g.Number, f.Path)
}

// ask has the loop do something about a named bundle, and waits for its answer.
func (r *Runner) ask(ctx context.Context, bundle string, do func(context.Context, *named, time.Time, func(error))) error {
	answer := make(chan error, 1)
	request := func(ctx context.Context, now time.Time) {
		for _, b := range r.named {
			if b.spec.Name == bundle {
				do(ctx, b, now, func(err error) { answer <- err })
				return
			}
		}
		answer <- fmt.Errorf("there is no bundle %q", bundle)
	}
	select {
	case r.requests <- request:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
