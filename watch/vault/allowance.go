package vault

import (
	"fmt"
	"math"
	"strings"
	"sync"
	"time"

	"restencil/watch"
)

// An allowance bounds how often anything is issued or written at a path: for each
// query burst times at once, and then once every so often; and of queries that
// were not heard of before, many at once, and then one every so often. (Several
// certificates of one role are several queries. A template that asks for another
// at each turn has ever new ones.) It outlives the queries that use it. Its
// methods are for any goroutine.
//
// What is good for less time than that, or for little more, gives the query that
// holds it a claim to one successor, which costs nothing once a good part of its
// time is over. So what was paid for once can be kept up for as long as it is
// wanted, and nothing else can.
type allowance struct {
	every time.Duration
	burst float64
	part  float64 // of a life, after which there may be a successor

	mu    sync.Mutex
	paths map[string]*account
}

// An account is what is known of one path. One in which nothing is missing, and
// that has no claims, is like none.
type account struct {
	fresh   credit // for queries that are not known
	asking  int    // payments for requests that may yet turn out to make nothing
	makes   bool   // requests here have made something
	queries map[watch.ID]*tab
}

// A tab is what is known of one query at a path.
type tab struct {
	credit credit
	claim  claim // zero: there is none
}

// A credit is how many requests may be made. It grows by one every so often.
type credit struct {
	amount float64
	at     time.Time // when that was so
}

// A claim says that the holder of something short-lived may replace it.
type claim struct {
	from  time.Time // when a part of its life is over
	until time.Time // a good while after its end; then it has been given up
}

const (
	newcomers   = 100     // how many queries may come to a path at once
	maxAccounts = 1 << 16 // how many paths are known at a time; what would be beyond is refused
	maxTabs     = 1 << 12 // how many queries of a path are known
)

func newAllowance(o Options) *allowance {
	return &allowance{
		every: o.IssueEvery, burst: float64(o.IssueBurst), part: min(1, o.Threshold) / 2,
		paths: make(map[string]*account),
	}
}

// A spentError says that a path's allowance is used up.
type spentError struct {
	what  string // the method and the path
	every time.Duration
	until time.Time
	soon  bool // it may only seem so: others are asking there, and may make nothing
}

func (e *spentError) Error() string {
	_, what, _ := strings.Cut(e.what, " ")
	return fmt.Sprintf("too much was issued or written at %s in a short time: it goes on at %s, and then once in %s (issue_every, issue_burst)",
		what, e.until.Format(time.TimeOnly), e.every)
}

// A payment is what a request was allowed for.
type payment struct {
	path  string
	by    watch.ID
	used  claim // the claim that it used; zero: it was paid for with credit
	fresh bool  // the query was not known
}

// take allows q one request at path, or says until when there are to be none.
func (a *allowance) take(path string, q watch.ID, now time.Time) (payment, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	p := payment{path: path, by: q}
	known := a.paths[path]
	if known == nil {
		if len(a.paths) >= maxAccounts && !a.tidy(now) {
			return p, &spentError{what: path, every: a.every, until: now.Add(a.every)}
		}
		known = &account{fresh: credit{newcomers, now}, queries: make(map[watch.ID]*tab)}
		a.paths[path] = known
	}
	if t := known.queries[q]; t != nil && t.claim.holds(now) {
		p.used, t.claim = t.claim, claim{}
		return p, nil
	}
	if wait := a.pay(known, &p, now); wait > 0 {
		return p, &spentError{what: path, every: a.every, until: now.Add(wait), soon: wait == soon}
	}
	known.asking++
	return p, nil
}

// soon is when to come again for a payment that may be given back any time.
const soon = 20 * time.Millisecond

// pay takes p from the credit of its query, or returns how long there is none.
func (a *allowance) pay(known *account, p *payment, now time.Time) (wait time.Duration) {
	t := known.queries[p.by]
	if t != nil {
		return t.credit.take(a.burst, a.every, now)
	}
	if len(known.queries) >= maxTabs && !a.room(known, now) {
		return a.every
	}
	wait = known.fresh.take(newcomers, a.every, now)
	switch {
	case wait > 0 && known.asking > 0:
		return soon
	case wait > 0:
		return wait
	}
	known.queries[p.by], p.fresh = &tab{credit: credit{a.burst - 1, now}}, true
	return 0
}

// take takes one, or returns how long there is none.
func (c *credit) take(most float64, every time.Duration, now time.Time) (wait time.Duration) {
	c.grow(most, every, now)
	if c.amount < 1 {
		return time.Duration(math.Ceil((1 - c.amount) * float64(every)))
	}
	c.amount--
	return 0
}

func (c *credit) grow(most float64, every time.Duration, now time.Time) {
	if passed := now.Sub(c.at); passed > 0 {
		c.amount = min(most, c.amount+float64(passed)/float64(every))
		c.at = now
	}
}

func (c claim) holds(now time.Time) bool {
	return !now.Before(c.from) && now.Before(c.until)
}

// tidy forgets accounts that are like none, and tells whether there is room
// then. The caller holds the lock.
func (a *allowance) tidy(now time.Time) bool {
	for path, known := range a.paths {
		a.room(known, now)
		known.fresh.grow(newcomers, a.every, now)
		a.drop(path, known)
	}
	return len(a.paths) < maxAccounts
}

// room forgets queries that are like unknown ones, and tells whether there is
// room for one then.
func (a *allowance) room(known *account, now time.Time) bool {
	for q, t := range known.queries {
		t.credit.grow(a.burst, a.every, now)
		if t.credit.amount >= a.burst && !now.Before(t.claim.until) {
			delete(known.queries, q)
		}
	}
	return len(known.queries) < maxTabs
}

func (a *allowance) drop(path string, known *account) {
	if known.fresh.amount >= newcomers && len(known.queries) == 0 && known.asking == 0 {
		delete(a.paths, path)
	}
}

// makes tells whether requests at path have made something lately.
func (a *allowance) makes(path string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	known := a.paths[path]
	return known != nil && known.makes
}

// settled ends what take began: what came of it is known. It returns nil where
// nothing is known of the query any more. The caller holds the lock.
func (a *allowance) settled(p payment) (*account, *tab) {
	known := a.paths[p.path]
	if known == nil {
		return nil, nil
	}
	if p.used == (claim{}) {
		known.asking--
	}
	return known, known.queries[p.by]
}

// giveBack undoes a payment: nothing was made.
func (a *allowance) giveBack(p payment) {
	a.mu.Lock()
	defer a.mu.Unlock()
	known, t := a.settled(p)
	if known == nil {
		return
	}
	switch {
	case t == nil:
	case p.used != (claim{}):
		t.claim = p.used
	default:
		t.credit.amount = min(a.burst, t.credit.amount+1)
	}
	if p.fresh {
		known.fresh.amount = min(newcomers, known.fresh.amount+1)
	}
	if t != nil && !known.makes && t.credit.amount >= a.burst {
		delete(known.queries, p.by)
		a.drop(p.path, known)
	}
}

// shortest is the shortest life that gives a claim: what is good for even less
// cannot be kept up.
const shortest = 2 * time.Second

// spent ends a payment that is gone: something was made that is good for so
// long (zero: nobody knows), or may have been.
func (a *allowance) spent(p payment, life time.Duration, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	known, t := a.settled(p)
	if known == nil {
		return
	}
	known.makes = true
	part := time.Duration(float64(life) * a.part)
	if t != nil && life >= shortest && part < a.every {
		t.claim = claim{from: now.Add(part), until: now.Add(2 * a.every)}
	}
}

// due says when what q has made at path is to be replaced: its claim counts from
// then at the latest. That of a certificate can be long before half of its time,
// which begins before it was issued.
func (a *allowance) due(path string, q watch.ID, at, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if known := a.paths[path]; known != nil {
		if t := known.queries[q]; t != nil && !t.claim.until.IsZero() {
			t.claim.from = earlier(t.claim.from, later(at, now.Add(shortest/2)))
		}
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
