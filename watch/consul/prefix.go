package consul

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	"restencil/watch"
	"restencil/watch/blocking"
	"restencil/watch/blocking/requester"
	"restencil/watch/consul/plan"
)

const (
	// A prefix is given up if its reply has more than that which no query asks for.
	wasteAllowed = 256 << 10 // bytes of keys and values
	wasteFactor  = 8         // times what is asked for, if that is more

	// mostShared limits a reply that no query asks for as a whole, in bytes.
	mostShared = 16 << 20
)

// A prefixWatch watches a prefix for the queries for keys, and for prefixes, within
// it. Each gets only what changes for it.
type prefixWatch struct {
	feedback  feedback
	extent    plan.Extent
	requester *requester.Requester
	stop      context.CancelFunc // of the requester; nil: it was not started

	// The changes for change; guarded by the source's lock.
	left   bool // some members have another place
	joined []*subscription

	mu      sync.Mutex
	members []*member // by text
	known   bool
	newest  blocking.Reply // data is []*watch.KeyPair, sorted by path
	failure *watch.Error   // nil: it does not fail
}

// A member is a query within the extent.
type member struct {
	sub  *subscription
	text string

	known bool             // it got an answer of this watch
	pairs []*watch.KeyPair // in that answer
	data  any              // of that answer
}

// newPrefixWatch returns a watch without members.
func newPrefixWatch(s *Source, e plan.Extent) *prefixWatch {
	p := &prefixWatch{feedback: s.feedback, extent: e}
	p.requester = &requester.Requester{
		Agent: s.agent, Query: scoped(watch.KVList, e.Prefix, e.Scope), Kind: s.kind(watch.KVList),
		To: p, Most: p.most, Shared: true,
	}
	return p
}

// change applies the changes of members, and reports whether there are any members.
// New ones get the last reply.
func (p *prefixWatch) change() (used bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	left, joined := p.left, p.joined
	p.left, p.joined = false, nil
	if left {
		here := plan.Place{Way: plan.Prefix, Extent: p.extent}
		p.members = slices.DeleteFunc(p.members, func(m *member) bool { return m.sub.place == nil || *m.sub.place != here })
	}
	p.members = slices.Grow(p.members, len(joined))
	for _, sub := range joined {
		p.members = append(p.members, &member{sub: sub, text: plan.Text(sub.query())})
		if sub.setOwner(p) && p.stop == nil {
			p.requester.LeaderFirst = true
		}
	}
	if len(joined) > 0 {
		slices.SortFunc(p.members, func(a, b *member) int { return cmp.Compare(a.text, b.text) })
		if p.known {
			p.distribute(func(m *member) bool { return m.known })
		}
		if p.failure != nil { // an answer ends a failure
			for _, sub := range joined {
				sub.failed(p, p.failure)
			}
		}
	}
	return len(p.members) > 0
}

// most returns the limit of the next reply's size; zero: none of its own.
func (p *prefixWatch) most() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	if slices.ContainsFunc(p.members, func(m *member) bool {
		return m.text == p.extent.Prefix && m.sub.query().Kind == watch.KVList
	}) {
		return 0 // the query asks for all of it
	}
	return mostShared
}

// Take implements requester.Receiver.
func (p *prefixWatch) Take(r blocking.Reply) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, pair := range r.Data.([]*watch.KeyPair) {
		pair.Key = "" // as for a query for a key; answers of lists set it
	}
	p.newest, p.known, p.failure = r, true, nil
	news := p.distribute(func(*member) bool { return false })
	if p.wasteful() {
		p.feedback.add(p.extent)
	}
	return news
}

// distribute gives the members, but for those that have it, their parts of the newest
// reply, and reports whether any of them was news.
func (p *prefixWatch) distribute(has func(*member) bool) (news bool) {
	pairs := p.newest.Data.([]*watch.KeyPair)
	for _, m := range p.members {
		// Both are sorted: the pairs before this member's are for no later one.
		first, _ := slices.BinarySearchFunc(pairs, m.text, func(p *watch.KeyPair, text string) int {
			return cmp.Compare(p.Path, text)
		})
		pairs = pairs[first:]
		if has(m) {
			continue
		}
		mine := m.within(pairs)
		if p.newest.Filtered && m.lacks(mine) {
			if m.sub.query().Kind == watch.KVGet {
				p.feedback.add(m.sub.id)
			} else {
				m.sub.failed(p, &watch.Error{Class: watch.Denied, Err: requester.FilteredError{Query: m.sub.query()}})
			}
			continue
		}
		changed := !m.known || !slices.EqualFunc(m.pairs, mine, func(a, b *watch.KeyPair) bool { return a == b || *a == *b })
		m.pairs, m.known = mine, true // no part of the older list is kept
		if changed {
			m.data = m.answer()
		}
		reply := p.newest
		reply.Filtered = reply.Filtered && m.sub.query().Kind != watch.KVGet
		news = m.sub.take(p, m.data, p.requester.Query, reply) || news
	}
	return news
}

// lacks reports whether m may have more than these pairs of a filtered reply.
func (m *member) lacks(pairs []*watch.KeyPair) bool {
	if m.sub.query().Kind == watch.KVGet {
		return len(pairs) == 0 && (!m.known || len(m.pairs) > 0)
	}
	return m.known && len(pairs) < len(m.pairs)
}

// within returns the pairs that m asks for. None of pairs is before m's text.
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

// answer returns the answer to m's query.
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

// wasteful reports whether too much of the reply is for no member.
func (p *prefixWatch) wasteful() bool {
	all, asked := 0, 0
	for _, pair := range p.newest.Data.([]*watch.KeyPair) {
		all += sizeOf(pair)
	}
	if all <= wasteAllowed {
		return false
	}
	list := "" // the last prefix that is asked for: members that begin with it are counted
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

// Failed implements requester.Receiver. A prefix that may not be read is refused: its
// keys get another place.
func (p *prefixWatch) Failed(err *watch.Error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err.Class == watch.Denied || errors.Is(err, blocking.ErrTooMuch) {
		p.feedback.add(p.extent)
		return
	}
	p.failure = err
	for _, m := range p.members {
		m.sub.failed(p, err)
	}
}
