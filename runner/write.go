package runner

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"time"

	"restencil/renderer"
)

// writers bounds how many files are staged at a time: they wait for the disk,
// not for a processor.
const writers = 32

// write puts the outputs in place that are due.
func (r *Runner) write(now time.Time) error {
	due := r.due(now)
	if len(due) == 0 {
		return nil
	}
	if r.opts.Dry {
		return r.print(due)
	}
	staged := make([]*renderer.Staged, len(due))
	errs := make([]error, len(due))
	parallel(len(due), writers, func(i int) {
		staged[i], errs[i] = renderer.Stage(due[i].file())
	})
	return r.swap(due, staged, errs, now)
}

// due returns the units whose output goes in place now, in order. A wait that
// has ended takes the whole bundle along.
func (r *Runner) due(now time.Time) []*unit {
	var due []*unit
	for _, u := range r.units {
		if u.pending == nil || u.retryAt.After(now) {
			continue
		}
		d := &u.bundle.debounce
		if !u.rendered || d.due.IsZero() || d.expired(now) {
			due = append(due, u)
		}
	}
	for _, b := range r.bundles {
		if b.debounce.expired(now) {
			b.debounce.stop()
		}
	}
	return due
}

func (u *unit) file() renderer.File {
	return renderer.File{
		Path:      u.spec.Destination,
		Content:   u.pending.Output,
		Perm:      u.spec.Perm,
		User:      u.spec.User,
		Group:     u.spec.Group,
		NoParents: u.spec.NoParents,
		Backup:    u.spec.Backup,
	}
}

// swap renames what was staged into place, and deals with each file by itself.
func (r *Runner) swap(due []*unit, staged []*renderer.Staged, errs []error, now time.Time) error {
	swapped := renderer.SwapEach(staged)
	var fatal error
	for i, u := range due {
		err := errs[i]
		if err == nil {
			err = swapped[i].Err
		}
		if err != nil {
			err = fmt.Errorf("rendering %s to %s: %w", u.spec.Name, u.spec.Destination, err)
			if err := r.failed(u, err, now); err != nil && fatal == nil {
				fatal = err
			}
			continue
		}
		r.inPlace(u, swapped[i], now)
	}
	return fatal
}

// inPlace notes that u's destination is right.
func (r *Runner) inPlace(u *unit, s renderer.Swapped, now time.Time) {
	u.written = sha256.Sum256(u.pending.Output)
	r.stdout(u.pending.Printed)
	u.pending, u.rendered = nil, true
	if u.recover() {
		r.tell(Recovered{Template: u.spec.Name, Destination: u.spec.Destination})
	}
	r.tell(Rendered{
		Template:    u.spec.Name,
		Destination: u.spec.Destination,
		Change:      s.Change,
		Warnings:    s.Warnings,
	})
	if s.Change == renderer.Replaced {
		u.bundle.want(u, now)
	}
}

// print is write for a dry run: it prints what would be written, in the form
// of COMPAT 1.7, but for files that hold it already.
func (r *Runner) print(due []*unit) error {
	for _, u := range due {
		out := u.pending.Output
		r.stdout(u.pending.Printed)
		u.pending, u.rendered, u.written = nil, true, sha256.Sum256(out)
		u.recover()
		if u.holds(out) {
			continue
		}
		r.tell(Rendered{Template: u.spec.Name, Destination: u.spec.Destination, Change: renderer.Unchanged})
		if _, err := fmt.Fprintf(r.opts.Stdout, "> %s\n%s", u.spec.Destination, out); err != nil {
			return fmt.Errorf("printing %s: %w", u.spec.Name, err)
		}
	}
	return nil
}

// holds tells whether u's destination has just this content.
func (u *unit) holds(content []byte) bool {
	if u.spec.Destination == "" {
		return false
	}
	have, err := os.ReadFile(u.spec.Destination)
	return err == nil && bytes.Equal(have, content)
}

func (r *Runner) stdout(text string) {
	if text != "" {
		// What a debugging aid prints is not worth ending for.
		_, _ = fmt.Fprint(r.opts.Stdout, text)
	}
}
