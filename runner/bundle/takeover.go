package bundle

import (
	"cmp"
	"slices"
	"time"

	"restencil/renderer"
	"restencil/runner/bundle/group"
)

// takeOver takes over what old knew, whose place b takes.
func (b *Bundle) takeOver(old *Bundle) {
	sameKey := b.entry.key == old.entry.key
	same := b.spec.Policy == old.spec.Policy && (sameKey ||
		b.spec.Policy == group.Each && slices.Equal(b.spec.Reload.Args, old.spec.Reload.Args))
	b.groups.TakeOver(old.groups, same)
	if same {
		b.command.runs = old.command.runs
		b.command.first, b.command.debt = 0, ""
	}
	if sameKey {
		return
	}
	// What old owes for files of b, b owes now, by its own entry in the journal.
	if old.command.owed {
		files := slices.DeleteFunc(old.command.owedFiles(), func(file string) bool {
			return !slices.ContainsFunc(b.spec.Members, func(m group.Member) bool { return m.Destination == file })
		})
		b.command.owe(files)
		b.command.want(files, 0)
	}
	if !b.shared.Registry.has(old.entry.key) {
		b.entry.forget(old.entry.key, old.spec.Policy)
	}
}

// resume takes over what the journal knows from the last process. Of a bundle
// that was renewed in this one it knows no more than its predecessor, but for
// what is owed: what was rejected may be good with another specification.
func (b *Bundle) resume(renewed bool) {
	st := b.entry.state()
	if st.Owed() {
		b.command.owed = true
		b.command.debt = cmp.Or(b.command.debt, st.Desired, newDebt()) // "" where the journal was damaged
		b.command.files.Add(st.Files...)
	}
	if !renewed && b.spec.Policy == group.Together {
		b.groups.Resume(st.Verdict)
		b.entry.verdict = st.Verdict
	}
}

// sweep removes what a process that was killed left beside the destinations. One
// that runs once may be at work beside another. Of a bundle whose old files are
// kept there only the journal knows when they may go.
func (s *Shared) sweep(spec group.Spec) {
	if spec.Policy == group.Print || s.Unresolved || spec.Policy == group.Together && s.Journal == nil {
		return
	}
	untouched := time.Duration(0)
	if s.Once {
		untouched = time.Minute
	}
	var paths []string
	for _, m := range spec.Members {
		paths = append(paths, m.Destination)
	}
	renderer.Sweep(untouched, paths...)
}
