package bundle

import (
	"cmp"
	"slices"
	"time"

	"restencil/renderer"
)

// inherit takes over what old knew, whose place b takes.
func (b *Bundle) inherit(old *Bundle) {
	known := make(map[string]*member)
	for _, g := range old.groups {
		for _, m := range g.members {
			known[m.key()] = m
		}
	}
	for _, g := range b.groups {
		for _, m := range g.members {
			was := known[m.key()]
			if was == nil {
				continue
			}
			index, spec := m.index, m.Member
			*m = *was
			m.index, m.Member, m.latest, m.known = index, spec, nil, false
			if m.placed {
				b.report.Placed = append(b.report.Placed, m.index)
			}
		}
	}
	same := b.spec.Policy == old.spec.Policy && (b.spec.Key() == old.spec.Key() ||
		b.spec.Policy == Each && slices.Equal(b.spec.Reload.Args, old.spec.Reload.Args))
	if !same {
		b.oweFor(old)
		return
	}
	spec := b.command.spec
	b.command = old.command
	b.command.spec, b.command.shared, b.command.first = spec, b.shared, 0
	if b.spec.Policy == Together {
		from, to := old.groups[0], b.groups[0]
		to.pinned, to.accepted, to.recheck = from.pinned, from.accepted, true
	}
}

// oweFor has the command owed for files of b for which old owes another one.
func (b *Bundle) oweFor(old *Bundle) {
	if b.spec.Policy != Each || b.spec.Reload.None() || !old.command.owed {
		return
	}
	var files []string
	for _, m := range b.spec.Members {
		if slices.Contains(old.command.files.List(), m.Destination) {
			files = append(files, m.Destination)
		}
	}
	if len(files) > 0 {
		b.command.debt = b.memory.owe(b.command.debt, files)
		b.command.want(files, 0)
	}
}

// recall takes over what the journal knows from the last process. Of a bundle
// that was renewed in this one it knows no more than its predecessor, but for
// what is owed: what was proven bad may be good with another specification.
func (b *Bundle) recall(renewed bool) {
	st := b.memory.state()
	if st.Owed() && !b.command.owed {
		b.command.owed = true
		b.command.debt = cmp.Or(st.Desired, newDebt()) // "" where the journal was damaged
		b.command.files.Add(st.Files...)
	}
	if renewed || b.spec.Policy != Together {
		return
	}
	g := b.groups[0]
	g.pinned, g.accepted = st.Pinned, st.Accepted
	if st.Rejected != "" {
		g.trouble = trouble{hash: st.Rejected, attempts: st.Attempts, proven: st.Attempts, reason: st.Reason, retry: st.Retry}
	}
}

// sweep removes what a process that was killed left beside the destinations. One
// that runs once may be at work beside another. Of a bundle whose old files are
// kept there only the journal knows when they may go.
func (b *Bundle) sweep() {
	if b.spec.Policy == Print || b.shared.Unresolved || b.spec.Policy == Together && b.shared.Journal == nil {
		return
	}
	untouched := time.Duration(0)
	if b.shared.Once {
		untouched = time.Minute
	}
	var paths []string
	for _, m := range b.spec.Members {
		paths = append(paths, m.Destination)
	}
	renderer.Sweep(untouched, paths...)
}

// lookForDrift has the templates executed again whose destinations somebody else
// has changed, if it is time to look.
func (b *Bundle) lookForDrift(now time.Time) {
	every := b.shared.Reconcile
	if every <= 0 || b.shared.Once || b.spec.Policy == Print {
		return
	}
	if b.driftAt.IsZero() {
		b.driftAt = now.Add(every)
	}
	if now.Before(b.driftAt) {
		return
	}
	b.driftAt = now.Add(every)
	for _, g := range b.groups {
		for _, m := range g.members {
			if m.placed && !m.Shadowed && m.drifted() {
				b.report.Again = append(b.report.Again, m.index)
			}
		}
	}
}
