package consul

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"sync"

	"restencil/watch"
	"restencil/watch/consul/plan"
)

// How much may be read that nobody asked for before a prefix is given up.
const (
	wasteAllowed = 256 << 10 // bytes of keys and values
	wasteFactor  = 8         // times what was asked for, where that is more
)

// A spread takes the answers for a prefix and hands them on to the queries for
// keys, and for prefixes, within it; to each only what changes for it.
type spread struct {
	lessons *lessons
	extent  plan.Extent

	mu      sync.Mutex
	members []*member // by text
	known   bool
	newest  reply        // data is []*watch.KeyPair, sorted by path
	why     *watch.Error // it fails at the moment, nil: it does not
}

// A member is a query within the extent.
type member struct {
	job  *job
	text string

	told  bool             // it has an answer of this spread
	pairs []*watch.KeyPair // of the spread's, in the answer that it has
	own   []*watch.KeyPair // what it has for each of them
}

// change lets jobs join and leave. Those that join are told what is known.
func (sp *spread) change(m *move) {
	sp.mu.Lock()
	defer sp.mu.Unlock()
	if len(m.left) > 0 {
		sp.members = slices.DeleteFunc(sp.members, func(old *member) bool { return m.left[old.job] })
	}
	for _, j := range m.joined {
		sp.members = append(sp.members, &member{job: j, text: plan.Text(j.query())})
		sp.welcome(j)
	}
	slices.SortFunc(sp.members, func(a, b *member) int { return cmp.Compare(a.text, b.text) })
	if sp.known && len(m.joined) > 0 {
		sp.distribute(false)
	}
}

func (sp *spread) empty() bool {
	sp.mu.Lock()
	defer sp.mu.Unlock()
	return len(sp.members) == 0
}

// readable is how large a reply may be, in bytes, that holds what was not asked
// for.
const readable = 16 << 20

// most returns how large the next reply may be; zero: no limit.
func (sp *spread) most() int64 {
	sp.mu.Lock()
	defer sp.mu.Unlock()
	if slices.ContainsFunc(sp.members, sp.asks) {
		return 0
	}
	return readable
}

// asks tells whether m asks for all that the spread is about.
func (sp *spread) asks(m *member) bool {
	return m.text == sp.extent.Prefix && m.job.query().Kind == watch.KVList
}

func (sp *spread) welcome(j *job) {
	j.give(sp)
	if sp.why != nil {
		j.failed(sp, sp.why)
	}
}

// take implements receiver.
func (sp *spread) take(r reply, recovered bool) bool {
	sp.mu.Lock()
	defer sp.mu.Unlock()
	sp.newest, sp.known, sp.why = r, true, nil
	news := sp.distribute(recovered)
	if sp.wasteful() {
		sp.lessons.bar(sp.extent)
	}
	return news
}

// distribute gives the members what they do not have, or where again is set,
// all that there is for them. It tells whether there was news.
func (sp *spread) distribute(again bool) (news bool) {
	pairs := sp.newest.data.([]*watch.KeyPair)
	for _, m := range sp.members {
		// Both are sorted, so that none before this one is for a later member.
		first, _ := slices.BinarySearchFunc(pairs, m.text, func(p *watch.KeyPair, text string) int {
			return cmp.Compare(p.Path, text)
		})
		pairs = pairs[first:]
		mine := m.within(pairs)
		if len(mine) == 0 && sp.newest.filtered && m.doubtful() {
			sp.lessons.doubt(m.job.id)
			continue
		}
		if changed := m.update(mine); changed || again {
			m.job.publish(sp, m.answer(), sp.newest.index)
			news = news || changed
		}
	}
	return news
}

// doubtful tells whether m's key may be there, though it is not in an answer
// from which something was left out that the token may not see.
func (m *member) doubtful() bool {
	return m.job.query().Kind == watch.KVGet && (!m.told || len(m.pairs) > 0)
}

// within returns those of pairs, of which none comes before m's text, that are
// m's business.
func (m *member) within(pairs []*watch.KeyPair) []*watch.KeyPair {
	n := 0
	if m.job.query().Kind == watch.KVGet {
		if len(pairs) > 0 && pairs[0].Path == m.text {
			n = 1
		}
		return pairs[:n]
	}
	n, _ = slices.BinarySearchFunc(pairs, m.text, func(p *watch.KeyPair, text string) int {
		if strings.HasPrefix(p.Path, text) {
			return -1
		}
		return 1
	})
	return pairs[:n]
}

// update notes what there is for m now, and tells whether that has changed.
func (m *member) update(pairs []*watch.KeyPair) (changed bool) {
	if m.told && slices.EqualFunc(m.pairs, pairs, samePair) {
		return false
	}
	m.own = make([]*watch.KeyPair, len(pairs))
	for i, p := range pairs {
		own := *p
		own.Key = watch.RelativeKey(m.job.query().Name, p.Path)
		m.own[i] = &own
	}
	m.pairs, m.told = slices.Clone(pairs), true
	return true
}

func samePair(a, b *watch.KeyPair) bool { return a == b || *a == *b }

// answer returns what m's query is answered with.
func (m *member) answer() any {
	switch {
	case m.job.query().Kind != watch.KVGet:
		return m.own
	case len(m.own) == 0:
		return nil
	default:
		return m.own[0]
	}
}

// wasteful tells whether too much of the answer is for nobody.
func (sp *spread) wasteful() bool {
	all, asked := 0, 0
	for _, p := range sp.newest.data.([]*watch.KeyPair) {
		all += sizeOf(p)
	}
	if all <= wasteAllowed {
		return false
	}
	list := "" // the last one; it covers what follows and begins with it
	for i, m := range sp.members {
		if i > 0 && list != "" && strings.HasPrefix(m.text, list) {
			continue
		}
		for _, p := range m.pairs {
			asked += sizeOf(p)
		}
		if m.job.query().Kind == watch.KVList {
			list = m.text
		}
	}
	return all-asked > max(wasteAllowed, wasteFactor*asked)
}

func sizeOf(p *watch.KeyPair) int { return len(p.Path) + len(p.Value) }

// failed implements receiver. That the prefix may not be read says nothing of
// the keys: they will be asked for in another way.
func (sp *spread) failed(err *watch.Error) {
	sp.mu.Lock()
	defer sp.mu.Unlock()
	if err.Class == watch.Denied || errors.Is(err, errTooMuch) {
		sp.lessons.bar(sp.extent)
		return
	}
	sp.why = err
	for _, m := range sp.members {
		m.job.failed(sp, err)
	}
}

// awaits implements receiver.
func (sp *spread) awaits() bool {
	sp.mu.Lock()
	defer sp.mu.Unlock()
	return slices.ContainsFunc(sp.members, func(m *member) bool { return len(m.pairs) == 0 })
}
