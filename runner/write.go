package runner

import (
	"crypto/sha256"
	"fmt"
	"time"

	"restencil/renderer"
	"restencil/template"
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
	r.pass++
	if r.opts.Dry {
		return r.print(due, now)
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
		Differs:   u.rendered && u.failure == "" && sha256.Sum256(u.pending.Output) != u.written.output,
	}
}

// swap renames what was staged into place, and deals with each file by itself.
// What a template wrote besides (writeToFile) goes first: where that fails, the
// template's own file stays as it was, as in consul-template.
func (r *Runner) swap(due []*unit, staged []*renderer.Staged, errs []error, now time.Time) error {
	extras := make([]bool, len(due))
	for i, u := range due {
		if errs[i] != nil {
			continue
		}
		if extras[i], errs[i] = u.writeExtras(); errs[i] != nil {
			staged[i].Discard()
			staged[i] = nil
		}
	}
	ready := make([]*renderer.Staged, 0, len(staged))
	for _, s := range staged {
		if s != nil {
			ready = append(ready, s)
		}
	}
	results := renderer.Swap(ready...)
	var fatal error
	for i, u := range due {
		var result renderer.Result
		err := errs[i]
		if err == nil {
			result, results = results[0], results[1:]
			err = result.Err
		}
		if err == nil {
			r.inPlace(u, result, extras[i], now)
			continue
		}
		if err := r.failed(u, u.renderError(err), now); err != nil && fatal == nil {
			fatal = err
		}
	}
	return fatal
}

// renderError words an error as consul-template does (COMPAT, appendix B).
func (u *unit) renderError(err error) error {
	return fmt.Errorf("error rendering %q => %q: %w", u.spec.Name, u.spec.Destination, err)
}

// writeExtras writes what u's template asked for with writeToFile, and tells
// whether any of it changed.
func (u *unit) writeExtras() (changed bool, err error) {
	if u.inPlace(*u.pending) {
		return false, nil // they have taken effect already
	}
	for _, f := range u.pending.Files {
		one, err := writeExtra(f)
		if err != nil {
			return changed, err
		}
		changed = changed || one
	}
	return changed, nil
}

// A fingerprint tells results apart by what they put on disk.
type fingerprint struct {
	output [sha256.Size]byte
	files  [sha256.Size]byte // what writeToFile writes; zero where that is nothing
}

func fingerprintOf(r template.Result) fingerprint {
	print := fingerprint{output: sha256.Sum256(r.Output)}
	if len(r.Files) > 0 {
		h := sha256.New()
		for _, f := range r.Files {
			fmt.Fprintf(h, "%q", fmt.Sprint(f))
		}
		h.Sum(print.files[:0])
	}
	return print
}

// inPlace notes that u's destination is right; extras tells whether a file
// that it wrote besides changed.
func (r *Runner) inPlace(u *unit, res renderer.Result, extras bool, now time.Time) {
	looked := u.inPlace(*u.pending) && res.Change == renderer.Unchanged
	u.written = fingerprintOf(*u.pending)
	u.rendered = true
	printed := u.pending.Printed
	u.pending = nil
	if looked {
		return // and found what was expected
	}
	r.stdout(printed)
	if u.recover() {
		r.tell(Recovered{Template: u.spec.Name, Destination: u.spec.Destination})
	}
	r.tell(Rendered{
		Template:    u.spec.Name,
		Destination: u.spec.Destination,
		Change:      res.Change,
		InPlace:     res.InPlace,
		Warnings:    res.Warnings,
	})
	if res.Change == renderer.Replaced || extras {
		u.bundle.want(u, now)
		r.changed(u)
	}
}

// print is write for a dry run: it prints what would be written, in the form
// of COMPAT 1.7, but for files that hold it already.
func (r *Runner) print(due []*unit, now time.Time) error {
	for _, u := range due {
		change, err := u.wouldChange()
		if err == nil {
			_, err = u.writeExtras() // as in consul-template (COMPAT 1.7)
		}
		if err != nil {
			if err := r.failed(u, u.renderError(err), now); err != nil {
				return err
			}
			continue
		}
		r.stdout(u.pending.Printed)
		if change == renderer.Replaced {
			if _, err := fmt.Fprintf(r.opts.Stdout, "> %s\n%s", u.spec.Destination, u.pending.Output); err != nil {
				return fmt.Errorf("printing %s: %w", u.spec.Name, err)
			}
		}
		r.inPlaceDry(u, change)
	}
	return nil
}

// wouldChange says what writing u's output would do.
func (u *unit) wouldChange() (renderer.Change, error) {
	if u.spec.Destination == "" {
		return renderer.Replaced, nil
	}
	return renderer.Compare(u.file())
}

func (r *Runner) inPlaceDry(u *unit, change renderer.Change) {
	u.written = fingerprintOf(*u.pending)
	u.pending, u.rendered = nil, true
	if u.recover() {
		r.tell(Recovered{Template: u.spec.Name, Destination: u.spec.Destination})
	}
	r.tell(Rendered{Template: u.spec.Name, Destination: u.spec.Destination, Change: change})
	if change == renderer.Replaced {
		r.changed(u)
	}
}

func (r *Runner) stdout(text string) {
	if text != "" {
		// What a debugging aid prints is not worth ending for.
		_, _ = fmt.Fprint(r.opts.Stdout, text)
	}
}
