package vault

import (
	"fmt"
	"math"
	"strings"
	"sync"
	"time"

	"restencil/watch"
)

// An allowance bounds how often anything is issued or written at a path: burst
// times at once, and then once every so often. It outlives the queries that use
// it. Its methods are for any goroutine.
//
// What is good for less time than that, or for little more, gives the query that
// holds it a claim to one successor, which costs nothing once half of its time
// is over. So what was paid for once can be kept up for as long as it is wanted,
// and nothing else can.
type allowance struct {
	every time.Duration
	burst float64

	mu    sync.Mutex
	paths map[string]*account
}

// An account is what is known of one path. One that is full and has no claims
// is like none.
type account struct {
	credit float64   // how many requests may be made
	at     time.Time // when that was so
	asking int       // payments for requests that may yet turn out to make nothing
	makes  bool      // requests here have made something
	claims map[watch.ID]claim
}

// A claim says that the holder of something short-lived may replace it.
type claim struct {
	from  time.Time // when half of its life was over
	until time.Time // a good while after its end; then it has been given up
}

// maxAccounts is how many paths are known at a time; maxClaims how many claims
// a path has. What would be beyond that is refused, or is no claim.
const (
	maxAccounts = 1 << 16
	maxClaims   = 1 << 12
)

func newAllowance(o Options) *allowance {
	return &allowance{every: o.IssueEvery, burst: float64(o.IssueBurst), paths: make(map[string]*account)}
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
	path string
	by   watch.ID
	used claim // the claim that it used; zero: it was paid for with credit
}

// take allows q one request at path, or says until when there are to be none.
func (a *allowance) take(path string, q watch.ID, now time.Time) (payment, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	p := payment{path: path, by: q}
	known, err := a.account(path, now)
	if err != nil {
		return p, err
	}
	if c, ok := known.claims[q]; ok && !now.Before(c.from) && now.Before(c.until) {
		delete(known.claims, q)
		p.used = c
		return p, nil
	}
	if known.credit < 1 {
		return p, &spentError{what: path, every: a.every, until: now.Add(known.wait(a.every)), soon: known.asking > 0}
	}
	known.credit--
	known.asking++
	return p, nil
}

// soon is when to come again for a payment that may be given back any time.
const soon = 20 * time.Millisecond

func (k *account) wait(every time.Duration) time.Duration {
	if k.asking > 0 {
		return soon
	}
	return time.Duration(math.Ceil((1 - k.credit) * float64(every)))
}

// account returns that of a path, up to date. The caller holds the lock.
func (a *allowance) account(path string, now time.Time) (*account, error) {
	known := a.paths[path]
	if known == nil {
		if len(a.paths) >= maxAccounts && !a.tidy(now) {
			return nil, &spentError{what: path, every: a.every, until: now.Add(a.every)}
		}
		known = &account{credit: a.burst, at: now}
		a.paths[path] = known
	}
	known.accrue(a, now)
	return known, nil
}

func (k *account) accrue(a *allowance, now time.Time) {
	if passed := now.Sub(k.at); passed > 0 {
		k.credit = min(a.burst, k.credit+float64(passed)/float64(a.every))
		k.at = now
	}
	for q, c := range k.claims {
		if !now.Before(c.until) {
			delete(k.claims, q)
		}
	}
}

// tidy forgets accounts that are like none, and tells whether there is room
// then. The caller holds the lock.
func (a *allowance) tidy(now time.Time) bool {
	for path, known := range a.paths {
		known.accrue(a, now)
		a.drop(path, known)
	}
	return len(a.paths) < maxAccounts
}

func (a *allowance) drop(path string, known *account) {
	if known.credit >= a.burst && len(known.claims) == 0 && known.asking == 0 {
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

// settled ends what take began: what came of it is known. The caller holds the
// lock.
func (a *allowance) settled(p payment) *account {
	known := a.paths[p.path]
	if known != nil && p.used == (claim{}) {
		known.asking--
	}
	return known
}

// giveBack undoes a payment: nothing was made.
func (a *allowance) giveBack(p payment) {
	a.mu.Lock()
	defer a.mu.Unlock()
	known := a.settled(p)
	if known == nil {
		return
	}
	if p.used != (claim{}) {
		known.claim(p.by, p.used)
		return
	}
	known.credit = min(a.burst, known.credit+1)
	if !known.makes {
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
	known := a.settled(p)
	if known == nil {
		return
	}
	known.makes = true
	if life >= shortest && life/2 < a.every {
		known.claim(p.by, claim{from: now.Add(life / 2), until: now.Add(2 * a.every)})
	}
}

func (k *account) claim(q watch.ID, c claim) {
	if k.claims == nil {
		k.claims = make(map[watch.ID]claim)
	}
	if _, ok := k.claims[q]; ok || len(k.claims) < maxClaims {
		k.claims[q] = c
	}
}
