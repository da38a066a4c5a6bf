package runner

import (
	"crypto/sha256"
	"fmt"
	"slices"
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
	defer func() {
		for _, u := range due {
			r.plan(u)
		}
	}()
	if r.opts.Dry {
		return r.print(due, now)
	}
	return r.putInPlace(due, now)
}

// due returns the units whose output goes in place now, in order. A wait that
// has ended takes the whole bundle along.
func (r *Runner) due(now time.Time) []*unit {
	var due []*unit
	for _, u := range r.settled {
		if !u.rendered || u.bundle.debounce.due.IsZero() {
			due = append(due, u)
		}
	}
	r.settled = nil
	for _, b := range r.waits.PopAll(now) {
		b.debounce.stop()
		for _, u := range b.members {
			if u.pending != nil && !u.retryAt.After(now) {
				due = append(due, u)
			}
		}
	}
	slices.SortFunc(due, byIndex)
	return slices.Compact(due)
}

func (u *unit) file() renderer.File { return u.fileOf(u.pending) }

// fileOf returns what u's destination is to be with this output.
func (u *unit) fileOf(out *outcome) renderer.File {
	perm := u.spec.Perm
	if perm == 0 && secret(out.Used) {
		perm = u.secretPerms
	}
	return renderer.File{
		Path:      u.spec.Destination,
		Content:   out.Output,
		Perm:      perm,
		User:      u.spec.User,
		Group:     u.spec.Group,
		DirPerm:   u.spec.DirPerm,
		NoParents: u.spec.NoParents,
		Backup:    u.spec.Backup,
		Differs:   u.rendered && u.failure == "" && out.print.output != u.written.output,
	}
}

// putInPlace writes the files of units and deals with each by itself.
func (r *Runner) putInPlace(due []*unit, now time.Time) error {
	r.owe(due)
	extras := make([]bool, len(due)) // whether any of these changed
	var results []renderer.Result
	if slices.ContainsFunc(due, (*unit).hasExtras) {
		results = writeWithExtras(due, extras)
	} else {
		results = renderer.WriteAll(writers, files(due)...)
	}
	var fatal error
	for i, u := range due {
		err := results[i].Err
		if err == nil {
			r.inPlace(u, results[i], extras[i], now)
			continue
		}
		if err := r.failed(u, u.renderError(secretsOf(u).MaskError(err)), now); err != nil && fatal == nil {
			fatal = err
		}
	}
	return fatal
}

func files(units []*unit) []renderer.File {
	files := make([]renderer.File, len(units))
	for i, u := range units {
		files[i] = u.file()
	}
	return files
}

// writeWithExtras writes the files of units, and what their templates wrote
// besides (writeToFile), which goes first and in order: where that fails, the
// template's own file stays as it was, as in consul-template.
func writeWithExtras(due []*unit, extras []bool) []renderer.Result {
	staged := make([]*renderer.Staged, len(due))
	results := make([]renderer.Result, len(due))
	parallel(len(due), writers, func(i int) {
		staged[i], results[i].Err = renderer.Stage(due[i].file())
	})
	var ready []*renderer.Staged
	for i, u := range due {
		if results[i].Err != nil {
			continue
		}
		if extras[i], results[i].Err = u.writeExtras(); results[i].Err != nil {
			staged[i].Discard()
			continue
		}
		ready = append(ready, staged[i])
	}
	swapped := renderer.Swap(ready...)
	for i := range results {
		if results[i].Err == nil {
			results[i], swapped = swapped[0], swapped[1:]
		}
	}
	return results
}

// renderError words an error as consul-template does (COMPAT, appendix B).
func (u *unit) renderError(err error) error {
	return fmt.Errorf("error rendering %q => %q: %w", u.spec.Name, u.spec.Destination, err)
}

// hasExtras tells whether u's template asked for files besides its own that are
// still to be written.
func (u *unit) hasExtras() bool { return len(u.pending.Files) > 0 && !u.inPlace(u.pending) }

// writeExtras writes what u's template asked for with writeToFile, and tells
// whether any of it changed.
func (u *unit) writeExtras() (changed bool, err error) {
	if !u.hasExtras() {
		return false, nil
	}
	return u.writeFiles(u.pending)
}

// writeFiles is writeExtras for any output.
func (u *unit) writeFiles(out *outcome) (changed bool, err error) {
	for _, f := range out.Files {
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
	looked := u.inPlace(u.pending) && res.Change == renderer.Unchanged
	r.rendered(u)
	r.lookAtMode(u, u.pending)
	printed := u.pending.Secrets.Mask(u.pending.Printed)
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
		r.changed(u, now)
	}
}

// rendered notes that u's pending output is in place.
func (r *Runner) rendered(u *unit) {
	u.hold(u.pending)
	u.written = u.pending.print
	if !u.rendered {
		u.rendered = true
		r.unrendered--
		r.recall(u.bundle)
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
			if err := r.failed(u, u.renderError(secretsOf(u).MaskError(err)), now); err != nil {
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
		r.inPlaceDry(u, change, now)
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

func (r *Runner) inPlaceDry(u *unit, change renderer.Change, now time.Time) {
	r.rendered(u)
	u.pending = nil
	if u.recover() {
		r.tell(Recovered{Template: u.spec.Name, Destination: u.spec.Destination})
	}
	r.tell(Rendered{Template: u.spec.Name, Destination: u.spec.Destination, Change: change})
	if change == renderer.Replaced {
		r.changed(u, now)
	}
}

func (r *Runner) stdout(text string) {
	if text != "" {
		// What a debugging aid prints is not worth ending for.
		_, _ = fmt.Fprint(r.opts.Stdout, text)
	}
}
