package runner

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"strings"
	"time"

	"restencil/renderer"
	"restencil/template"
	"restencil/watch"
)

// reconcile has those destinations put right, if it is time to look, that
// somebody else has changed.
func (r *Runner) reconcile(now time.Time) {
	every := r.opts.Reconcile
	if every <= 0 || r.opts.Once || r.opts.Dry {
		r.lookAt = time.Time{}
		return
	}
	if r.lookAt.IsZero() {
		r.lookAt = now.Add(every)
	}
	if now.Before(r.lookAt) {
		return
	}
	r.lookAt = now.Add(every)
	for _, u := range r.units {
		if u.rendered && u.drifted(r.graph.Uses(u.id)) {
			u.recheck = true
			r.mark(u)
		}
	}
}

// sweep removes what a process that was killed left beside the destinations.
// One that runs once may be at work beside another. Of a bundle whose roll-back
// failed, what is left is the old content: only where the journal knows that all
// is whole may it go.
func (r *Runner) sweep() {
	unknown := len(r.opts.Bundles) > 0 && r.opts.journal() == nil
	if r.opts.Dry || r.opts.Unresolved || unknown {
		return
	}
	untouched := time.Duration(0)
	if r.opts.Once {
		untouched = time.Minute
	}
	var paths []string
	for _, u := range r.units {
		paths = append(paths, u.spec.Destination)
	}
	renderer.Sweep(untouched, paths...)
}

// drifted tells whether u's destination is not what it was made to be, of what
// u uses.
func (u *unit) drifted(used []watch.Query) bool {
	content, err := os.ReadFile(u.spec.Destination)
	if err != nil || sha256.Sum256(content) != u.written.output {
		return true
	}
	f := u.fileOf(&outcome{Result: template.Result{Used: used}})
	f.Content, f.Differs = content, false
	change, err := renderer.Compare(f)
	return err != nil || change != renderer.Unchanged
}

// restless tells whether an output differs from the last one though there is
// no new data, so that it would differ each time: what is in place stays then.
// Plugins may have news of their own.
func (r *Runner) restless(u *unit, out *outcome) bool {
	fed, before := u.fed, u.came
	u.fed, u.came = false, out.print
	if fed || !u.rendered || u.failure != "" || out.print == before || strings.Contains(u.spec.Text, "plugin") {
		u.restless = u.restless && !fed
		return false
	}
	old, err := os.ReadFile(u.spec.Destination)
	if err != nil || sha256.Sum256(old) != u.written.output {
		return false // it is to be put right anyway
	}
	u.pending, u.recheck = nil, false
	if !u.restless {
		u.restless = true
		r.tell(Restless{Template: u.spec.Name, Destination: u.spec.Destination, Difference: difference(old, out)})
	}
	return true
}

// difference says where an output begins to differ from the old one.
func difference(old []byte, out *outcome) string {
	was, is := bytes.Split(old, []byte("\n")), bytes.Split(out.Output, []byte("\n"))
	line := 0
	for line < min(len(was), len(is)) && bytes.Equal(was[line], is[line]) {
		line++
	}
	switch {
	case secret(out.Used):
		return fmt.Sprintf("line %d", line+1)
	case line >= len(was) || line >= len(is):
		return fmt.Sprintf("line %d is there or not", line+1)
	}
	return fmt.Sprintf("line %d is %q and %q", line+1, was[line], is[line])
}

// giveUpAt is when Run is to end because a store has been away for too long.
func (r *Runner) giveUpAt() time.Time {
	if _, since := r.stores.longest(); r.opts.StoreDown > 0 && !since.IsZero() {
		return since.Add(r.opts.StoreDown)
	}
	return time.Time{}
}

// givenUp returns the error that ends Run then.
func (r *Runner) givenUp(now time.Time) error {
	if at := r.giveUpAt(); at.IsZero() || now.Before(at) {
		return nil
	}
	store, since := r.stores.longest()
	return fmt.Errorf("%s has been away since %s (on_store_down)", store, since.Format(time.RFC3339))
}

// feed notes that there is new data for u.
func (u *unit) feed(old, now watch.State) {
	u.fed = u.fed || now.Version != old.Version
}
