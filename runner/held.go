package runner

import (
	"bytes"
	"fmt"
	"os"

	"restencil/runner/guard"
	"restencil/watch"
)

// objection says why a change is not to be made, "" where it may.
func (r *Runner) objection(b *named, hash string) string {
	switch hash {
	case b.accepted, b.applied:
		return ""
	case b.pinned:
		return "somebody rolled back from it"
	}
	for _, u := range b.members {
		if why := u.spec.Guard.Check(r.facts(u)); why != "" {
			return why
		}
	}
	return b.spec.Guard.Check(r.facts(b.members...))
}

// facts returns what the newest outputs of units come to.
func (r *Runner) facts(units ...*unit) guard.Facts {
	f := guard.Facts{Instances: make(map[string]int)}
	for _, u := range units {
		r.countInstances(u, f.Instances)
		file := guard.File{
			Path: u.spec.Destination, Old: -1, New: len(u.latest.Output),
			Blank: len(bytes.TrimSpace(u.latest.Output)) == 0,
		}
		if info, err := os.Stat(u.spec.Destination); err == nil {
			file.Old = int(info.Size())
		}
		f.Files = append(f.Files, file)
	}
	return f
}

// countInstances counts the instances of the services that u uses. Where it asks
// for one in several ways, the fewest count, since those are in some file; but
// not those with a certain tag where it asks without one.
func (r *Runner) countInstances(u *unit, count map[string]int) {
	tagged := make(map[string]int)
	for _, q := range r.graph.Uses(u.id) {
		n, ok := instancesIn(r.answers[q.ID()])
		to := count
		if q.Tag != "" {
			to = tagged
		}
		if least, known := to[q.Name]; ok && (!known || n < least) {
			to[q.Name] = n
		}
	}
	for name, n := range tagged {
		if _, known := count[name]; !known {
			count[name] = n
		}
	}
}

// instancesIn returns how many instances of a service an answer has, where it
// is one about that.
func instancesIn(st watch.State) (n int, ok bool) {
	switch data := st.Answer.Data.(type) {
	case []*watch.HealthService:
		return len(data), true
	case []*watch.NomadServiceInstance:
		return len(data), true
	}
	return 0, false
}

// hold notes that b's newest change is not made. The error ends Run.
func (r *Runner) hold(b *named, why string) error {
	if b.held != why {
		b.held = why
		r.tell(BundleHeld{Bundle: b.spec.Name, Reason: why})
	}
	if r.opts.Once {
		return fmt.Errorf("bundle %q is held back: %s", b.spec.Name, why)
	}
	return nil
}

func (r *Runner) release(b *named) {
	if b.held != "" {
		b.held = ""
		r.tell(BundleReleased{Bundle: b.spec.Name})
	}
}
