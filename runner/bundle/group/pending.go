package group

import (
	"io/fs"

	"restencil/template"
)

// Newest returns what the files of the group of this name, or of the whole bundle,
// are to hold by the newest outputs, in place or not: nothing where an output is not
// complete.
func (s *Set) Newest(name string) []Want {
	for _, g := range s.groups {
		if Path(g.name) == Path(name) && g.complete() {
			return g.target(g.hash()).Wants
		}
	}
	return nil
}

// Plan returns the changes to the newest outputs, and for each why a guard would hold
// it, "" where none would.
func (s *Set) Plan() (targets []Target, held []string) {
	for _, g := range s.groups {
		if g.complete() {
			t := g.target(g.hash())
			targets, held = append(targets, t), append(held, g.objection(s.spec.Guard, t.Hash))
		}
	}
	return targets, held
}

// MayHoldSecret reports whether what is in place, with this mode, may have been made
// of a secret. Of what another process has put there, only the mode says something.
func (f *File) MayHoldSecret(mode fs.FileMode) bool {
	return f.secret || f.sum == template.Sum{} && mode&readableByAll == 0
}
