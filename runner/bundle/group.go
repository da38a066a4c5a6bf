package bundle

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"slices"
	"strconv"
	"time"

	"restencil/renderer"
	"restencil/runner/event"
	"restencil/runner/guard"
	"restencil/runner/transaction"
)

// How long a change of several files waits at least for what belongs to it:
// answers that a store gives to several queries because of one write.
const (
	togetherMin = 10 * time.Millisecond
	togetherMax = 50 * time.Millisecond
)

// A group is files that go in place all or none.
type group struct {
	name     string // what people call it
	members  []*member
	debounce *debounce // several groups may have one

	applied   string // the hash of what is in place and was loaded, "": not known
	recheck   bool   // the destinations are to be compared, though all was applied
	goingBack bool   // somebody rolls back: nobody goes back from there
	gathering bool   // it waits for the rest of a change, for a moment
	trouble   trouble

	held     string // why the newest change is not made, "": it is not held
	accepted string // the hash of a change that was held and may be made
	pinned   string // the hash of a change that is not made, since somebody rolled back
}

// newGroups returns the groups of a bundle.
func newGroups(s Spec) []*group {
	var groups []*group
	waits := make(map[Wait]*debounce)
	together := &group{name: s.Name, debounce: new(debounce)}
	for i, m := range s.Members {
		one := &member{Member: m, index: i}
		if s.Policy == Together {
			together.members = append(together.members, one)
			continue
		}
		// Files with one command and one wait change as one, so that the command
		// runs once; without a command nothing joins them.
		d := waits[m.Wait]
		if d == nil || s.Reload.None() {
			d = new(debounce)
			waits[m.Wait] = d
		}
		groups = append(groups, &group{name: m.Destination, members: []*member{one}, debounce: d})
	}
	if s.Policy == Together {
		groups = append(groups, together)
	}
	return groups
}

// change returns what g's newest outputs ask for.
func (g *group) change(ctx context.Context, s Spec, shared *Shared) *transaction.Change {
	c := &transaction.Change{Bundle: g.name, Check: s.Check}
	for _, m := range g.members {
		c.Files = append(c.Files, m.file(ctx, s.Policy, shared))
	}
	return c
}

// complete tells whether every member has an output.
func (g *group) complete() bool {
	return !slices.ContainsFunc(g.members, func(m *member) bool { return m.latest == nil })
}

// hash tells apart what the members are to hold.
func (g *group) hash() string {
	var text []byte
	for _, m := range g.members {
		text = append(strconv.AppendQuote(text, m.Destination), ' ')
		text = append(hex.AppendEncode(text, m.latest.Sum.content[:]), ' ')
		text = append(hex.AppendEncode(text, m.latest.Sum.files[:]), '\n')
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// inPlace tells whether all is as the newest outputs, of this hash, want it.
func (g *group) inPlace(hash string) bool {
	return hash == g.applied && !g.recheck && !slices.ContainsFunc(g.members, func(m *member) bool { return !m.stillThere() })
}

// objection says why a change to hash is not to be made, "" where it may.
func (g *group) objection(rules guard.Rules, hash string) string {
	switch hash {
	case g.accepted, g.applied:
		return ""
	case g.pinned:
		return "somebody rolled back from it"
	}
	guarded := func(m *member) bool { return !m.Guard.None() }
	if rules.None() && !slices.ContainsFunc(g.members, guarded) {
		return ""
	}
	var files []guard.File
	instances := make(map[string]int)
	for _, m := range g.members {
		facts := guard.Facts{Files: []guard.File{m.facts()}, Instances: m.latest.Instances}
		if why := m.Guard.Check(facts); why != "" {
			return why
		}
		files = append(files, facts.Files...)
		for name, n := range m.latest.Instances {
			if least, known := instances[name]; !known || n < least {
				instances[name] = n
			}
		}
	}
	return rules.Check(guard.Facts{Files: files, Instances: instances})
}

// release notes that g's newest change is not held back.
func (g *group) release(events func(event.Event)) {
	if g.held != "" {
		g.held = ""
		events(event.BundleReleased{Bundle: g.name})
	}
}

// touch has a group looked at.
func (b *Bundle) touch(g *group) { b.touched = append(b.touched, g) }

// take takes in what is offered.
func (b *Bundle) take(o Offer, now time.Time) {
	b.offered.pass, b.offered.outstanding = o.Pass, o.Outstanding
	if b.offered.ticket == nil {
		b.offered.ticket = o.ticket
	} else {
		o.ticket.Release()
	}
	indexes := make([]int, 0, len(o.Outputs))
	for i := range o.Outputs {
		indexes = append(indexes, i)
	}
	slices.Sort(indexes)
	for _, i := range indexes {
		g, m := b.member(i)
		b.takeOutput(g, m, o.Outputs[i], now)
	}
}

// member returns a member, by its place in the spec, and its group.
func (b *Bundle) member(index int) (*group, *member) {
	if b.spec.Policy == Together {
		return b.groups[0], b.groups[0].members[index]
	}
	return b.groups[index], b.groups[index].members[0]
}

func (b *Bundle) takeOutput(g *group, m *member, r Rendered, now time.Time) {
	if r.Output == nil {
		m.latest = nil // an older output does not go in place behind a newer state
		m.hide(b.shared.Secrets)
		return
	}
	if m.differsEachTime(r, b.shared.Events) {
		return
	}
	news := m.latest != nil && m.latest.Sum != r.Output.Sum ||
		m.latest == nil && !(m.known && m.written == r.Output.Sum)
	m.latest, m.offered, m.told = r.Output, r.Output.Sum, m.told || r.Told
	m.hide(b.shared.Secrets)
	g.recheck = g.recheck || r.Recheck
	b.touch(g)
	switch {
	case !news:
	case b.spec.Policy == Together && g.applied != "":
		wait := b.spec.Wait
		g.gathering = wait == Wait{}
		g.debounce.tick(now, Wait{Min: max(wait.Min, togetherMin), Max: max(wait.Max, togetherMax)})
	case b.spec.Policy != Together && m.placed && m.Wait != Wait{}:
		g.debounce.tick(now, m.Wait)
	}
}

// due returns the groups that are to be changed now, in order. It notes when the
// others are, and which are held.
func (b *Bundle) due(now time.Time) []*group {
	looked := make(map[*group]bool, len(b.touched))
	var due []*group
	look := func(g *group) {
		if looked[g] {
			return
		}
		looked[g] = true
		again, is := b.dueAt(g, now)
		if is {
			due = append(due, g)
			again = time.Time{}
		}
		b.timers.Set(g, again)
	}
	touched := b.touched
	b.touched = nil
	for _, g := range touched {
		look(g)
	}
	if b.spec.Policy == Each {
		for _, g := range b.groups { // a wait that has ended takes all along that share it
			if d := g.debounce.due; !d.IsZero() && !d.After(now) {
				look(g)
			}
		}
	}
	for _, g := range due {
		*g.debounce = debounce{}
	}
	slices.SortFunc(due, func(a, b *group) int { return a.members[0].index - b.members[0].index })
	return due
}

// dueAt tells whether g is to be changed now; and if it is not, when it is to be
// looked at again, zero: not by itself.
func (b *Bundle) dueAt(g *group, now time.Time) (again time.Time, is bool) {
	if len(g.members) == 0 || !g.complete() {
		return time.Time{}, false
	}
	hash := g.hash()
	if g.pinned != "" && g.pinned != hash { // when it comes back it is new
		g.pinned = ""
		b.remember(g)
	}
	owed := b.spec.Policy == Together && b.command.owed
	if g.inPlace(hash) && !owed {
		g.gathering = false
		if b.spec.Policy == Together {
			*g.debounce = debounce{}
		}
		g.release(b.shared.Events)
		b.unchanged(g)
		return time.Time{}, false
	}
	if at := b.notBefore(g, hash); at.After(now) {
		if g.trouble.hash == hash && g.trouble.held() {
			b.hold(g, g.trouble.reason)
		}
		return at, false
	}
	g.gathering = false
	if why := g.objection(b.spec.Guard, hash); why != "" {
		b.hold(g, why)
		return time.Time{}, false
	}
	if g.trouble.hash != hash {
		g.release(b.shared.Events)
	}
	return time.Time{}, true
}

// hold notes that the newest change of g is not made, and tells it if that is
// news. The last good files, where they are all there, are as good as rendered.
func (b *Bundle) hold(g *group, why string) {
	if b.shared.Once {
		b.fail(fmt.Errorf("bundle %q is held back: %s", g.name, why))
	}
	if g.held != why {
		g.held = why
		b.shared.Events(event.BundleHeld{Bundle: g.name, Reason: why})
	}
	missing := func(m *member) bool {
		_, err := os.Stat(m.Destination)
		return err != nil
	}
	if slices.ContainsFunc(g.members, missing) {
		return
	}
	for _, m := range g.members {
		if !m.placed {
			m.placed = true
			b.report.Placed = append(b.report.Placed, m.index)
		}
	}
}

// unchanged notes that the newest outputs are in place already.
func (b *Bundle) unchanged(g *group) {
	for _, m := range g.members {
		if m.told {
			b.shared.Events(event.Rendered{Template: m.Template, Destination: m.Destination, Change: renderer.Unchanged})
		}
		m.told = false
		if b.spec.Policy != Together { // nothing needs the content any more
			m.latest = nil
		}
	}
}

// notBefore is when a change of g to hash may be made.
func (b *Bundle) notBefore(g *group, hash string) time.Time {
	at := g.debounce.due
	if retry := g.trouble.retryAt(hash); retry.After(at) && hash != g.accepted {
		at = retry
	}
	if b.spec.Policy == Together {
		if rested := b.command.restedAt(); rested.After(at) {
			at = rested
		}
	}
	return at
}
