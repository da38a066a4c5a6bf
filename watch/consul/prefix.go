package consul

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	"restencil/watch"
	"restencil/watch/consul/client"
	"restencil/watch/consul/fetch"
	"restencil/watch/consul/plan"
	"restencil/watch/consul/requester"
)

// How much may be read that nobody asked for before a prefix is given up.
const (
	wasteAllowed = 256 << 10 // bytes of keys and values
	wasteFactor  = 8         // times what was asked for, where that is more
)

// A prefixWatch takes the answers for a prefix and hands them on to the queries for
// keys, and for prefixes, within it; to each only what changes for it.
type prefixWatch struct {
	feedback  *feedback
	extent    plan.Extent
	requester *requester.Requester
	stop      context.CancelFunc // of the requester; nil: it was not started

	// What change is to do; the source's lock guards it.
	left   bool // some members have another place
	joined []*subscription

	mu      sync.Mutex
	members []*member // by text
	known   bool
	newest  fetch.Reply  // data is []*watch.KeyPair, sorted by path
	why     *watch.Error // it fails at the moment, nil: it does not
}

// A member is a query within the extent.
type member struct {
	sub  *subscription
	text string

	told  bool             // it has an answer of this watch
	pairs []*watch.KeyPair // of the watch's, in the answer that it has
}

// newPrefixWatch returns a watch without members.
func newPrefixWatch(s *Source, e plan.Extent) *prefixWatch {
	p := &prefixWatch{feedback: s.feedback, extent: e}
	kind, _ := s.agent.Client.ForKind(watch.KVList)
	p.requester = &requester.Requester{
		Agent: s.agent, Query: scoped(watch.KVList, e.Prefix, e.Scope), Kind: kind,
		To: p, Most: p.most, Awaits: p.awaits, Shared: true,
	}
	return p
}

// change lets subscriptions leave and join, and reports whether there are any. Those
// that join are told what is known.
func (p *prefixWatch) change() (used bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	left, joined := p.left, p.joined
	p.left, p.joined = false, nil
	if left {
		here := plan.Place{Way: plan.Prefix, Extent: p.extent}
		p.members = slices.DeleteFunc(p.members, func(m *member) bool { return m.sub.place == nil || *m.sub.place != here })
	}
	for _, sub := range joined {
		p.members = append(p.members, &member{sub: sub, text: plan.Text(sub.query())})
		sub.give(p)
		if p.why != nil {
			sub.failed(p, p.why)
		}
	}
	if len(joined) > 0 {
		slices.SortFunc(p.members, func(a, b *member) int { return cmp.Compare(a.text, b.text) })
		if p.known {
			p.distribute()
		}
	}
	return len(p.members) > 0
}

// readable is how large a reply may be, in bytes, that holds what was not asked
// for.
const readable = 16 << 20

// most returns how large the next reply may be; zero: no limit.
func (p *prefixWatch) most() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	if slices.ContainsFunc(p.members, func(m *member) bool {
		return m.text == p.extent.Prefix && m.sub.query().Kind == watch.KVList
	}) {
		return 0 // somebody asks for all of it
	}
	return readable
}

// Take implements requester.Receiver.
func (p *prefixWatch) Take(r fetch.Reply) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, pair := range r.Data.([]*watch.KeyPair) {
		pair.Key = "" // which is what a key has; lists give their own
	}
	p.newest, p.known, p.why = r, true, nil
	news := p.distribute()
	if p.wasteful() {
		p.feedback.refuse(p.extent)
	}
	return news
}

// distribute gives the members what they do not have. It tells whether there was
// news.
func (p *prefixWatch) distribute() (news bool) {
	pairs := p.newest.Data.([]*watch.KeyPair)
	for _, m := range p.members {
		// Both are sorted, so that none before this one is for a later member.
		first, _ := slices.BinarySearchFunc(pairs, m.text, func(p *watch.KeyPair, text string) int {
			return cmp.Compare(p.Path, text)
		})
		pairs = pairs[first:]
		mine := m.within(pairs)
		if p.newest.Filtered && m.lacks(mine) {
			if m.sub.query().Kind == watch.KVGet {
				p.feedback.refuse(m.sub.id)
			} else {
				m.sub.failed(p, &watch.Error{Class: watch.Denied, Err: requester.FilteredError{Query: m.sub.query()}})
			}
			continue
		}
		changed := !m.told || !slices.EqualFunc(m.pairs, mine, func(a, b *watch.KeyPair) bool { return a == b || *a == *b })
		m.pairs, m.told = mine, true // the older list is let go as a whole
		if changed || m.sub.fails() {
			m.sub.take(p, changed, m.answer(), p.newest.Index)
			news = news || changed
		}
	}
	return news
}

// lacks reports whether there may be more for m than these pairs, which are from
// an answer from which something was left out that the token may not see.
func (m *member) lacks(pairs []*watch.KeyPair) bool {
	if m.sub.query().Kind == watch.KVGet {
		return len(pairs) == 0 && (!m.told || len(m.pairs) > 0)
	}
	return m.told && len(pairs) < len(m.pairs)
}

// within returns those of pairs, of which none comes before m's text, that are
// m's business.
func (m *member) within(pairs []*watch.KeyPair) []*watch.KeyPair {
	n := 0
	if m.sub.query().Kind == watch.KVGet {
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

// answer returns what m's query is answered with.
func (m *member) answer() any {
	q := m.sub.query()
	if q.Kind == watch.KVGet {
		if len(m.pairs) == 0 {
			return nil
		}
		return m.pairs[0]
	}
	list := make([]*watch.KeyPair, len(m.pairs))
	for i, p := range m.pairs {
		own := *p
		own.Key = watch.RelativeKey(q.Name, p.Path)
		list[i] = &own
	}
	return list
}

// wasteful tells whether too much of the answer is for nobody.
func (p *prefixWatch) wasteful() bool {
	all, asked := 0, 0
	for _, pair := range p.newest.Data.([]*watch.KeyPair) {
		all += sizeOf(pair)
	}
	if all <= wasteAllowed {
		return false
	}
	list := "" // the last one; it covers what follows and begins with it
	for i, m := range p.members {
		if i > 0 && list != "" && strings.HasPrefix(m.text, list) {
			continue
		}
		for _, pair := range m.pairs {
			asked += sizeOf(pair)
		}
		if m.sub.query().Kind == watch.KVList {
			list = m.text
		}
	}
	return all-asked > max(wasteAllowed, wasteFactor*asked)
}

func sizeOf(p *watch.KeyPair) int { return len(p.Path) + len(p.Value) }

// Failed implements requester.Receiver. That the prefix may not be read says nothing of
// the keys: they will be asked for in another way.
func (p *prefixWatch) Failed(err *watch.Error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err.Class == watch.Denied || errors.Is(err, client.ErrTooMuch) {
		p.feedback.refuse(p.extent)
		return
	}
	p.why = err
	for _, m := range p.members {
		m.sub.failed(p, err)
	}
}

// awaits tells whether a template waits for a key that is not there.
func (p *prefixWatch) awaits() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.ContainsFunc(p.members, func(m *member) bool { return len(m.pairs) == 0 })
}
