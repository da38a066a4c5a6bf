// Package limit bounds how often anything is issued or written at a path of
// Vault. It is pure: times come in as arguments.
package limit

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"restencil/watch"
)

// Options say how much may be issued.
type Options struct {
	// For each query, Burst things may be issued at once, and then one every
	// Every.
	Every time.Duration
	Burst int

	// Part is the share of a life after which what was issued may be replaced:
	// a query whose things live shorter than Every gets one each such part.
	Part float64
}

const (
	// NewQueries is how many queries that are not known may issue something at
	// a path at once; after that one every Every. A template that asks for
	// another thing each time has ever new ones.
	NewQueries = 100

	maxBuckets = 1 << 16         // how many paths and queries are known; what would be beyond is refused
	shortest   = 2 * time.Second // what lives shorter gives no higher rate: it cannot be kept up
	soon       = 20 * time.Millisecond
)

// A Limiter is a rate limiter for requests that issue or write something. Each
// path has a token bucket for queries that are not known there, and each query
// at a path has one of its own. Its methods are for any goroutine.
type Limiter struct {
	options Options

	mu      sync.Mutex
	buckets map[key]*bucket
}

// A key names a bucket: that of a query at a path, or that of the path, which
// has the zero query.
type key struct {
	path  string
	query watch.ID
}

// A bucket is a token bucket, and how many requests are under way that may yet
// take something out of it.
type bucket struct {
	*rate.Limiter
	key     key
	pending int
}

// New returns a Limiter that knows nothing yet.
func New(o Options) *Limiter {
	return &Limiter{options: o, buckets: make(map[key]*bucket)}
}

// An Error says that no more may be issued at a path for the time being.
type Error struct {
	Path  string
	Every time.Duration
	Until time.Time
	Soon  bool // it may only seem so: requests under way may turn out to issue nothing
}

func (e *Error) Error() string {
	return fmt.Sprintf("too much was issued or written at %s in a short time: it goes on at %s, and then once in %s (issue_every, issue_burst)",
		e.Path, e.Until.Format(time.TimeOnly), e.Every)
}

// A Permit allows one request. Done is called when that has ended.
type Permit struct {
	limiter *Limiter
	buckets []*bucket // the query's own, and the path's where that was not known
}

// Allow permits a request of a query, such as "GET database/creds/app", or
// returns an *Error.
func (l *Limiter) Allow(request string, q watch.ID, now time.Time) (*Permit, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := &Permit{limiter: l, buckets: []*bucket{l.buckets[key{request, q}]}}
	if p.buckets[0] == nil {
		p.buckets = []*bucket{l.bucket(key{request, q}, l.options.Burst, now), l.bucket(key{path: request}, NewQueries, now)}
	}
	var wait time.Duration
	for _, b := range p.buckets {
		wait = max(wait, b.wait(now))
	}
	if wait > 0 {
		p.forget(now)
		_, path, _ := strings.Cut(request, " ")
		return nil, &Error{Path: path, Every: l.options.Every, Until: now.Add(wait), Soon: wait == soon}
	}
	for _, b := range p.buckets {
		b.pending++
	}
	return p, nil
}

// bucket returns the bucket of a key, a full one where there was none. Where
// there is no room for one, that is an empty one.
func (l *Limiter) bucket(k key, burst int, now time.Time) *bucket {
	b := l.buckets[k]
	if b != nil {
		return b
	}
	b = &bucket{Limiter: rate.NewLimiter(rate.Every(l.options.Every), burst), key: k}
	if len(l.buckets) >= maxBuckets && !l.tidy(now) {
		b.AllowN(now, burst)
		return b
	}
	l.buckets[k] = b
	return b
}

// tidy forgets buckets that are full, and reports whether there is room then.
func (l *Limiter) tidy(now time.Time) bool {
	for k, b := range l.buckets {
		if b.full(now) {
			delete(l.buckets, k)
		}
	}
	return len(l.buckets) < maxBuckets
}

// full reports whether b is as one of which nothing is known.
func (b *bucket) full(now time.Time) bool {
	return b.pending == 0 && b.TokensAt(now) >= float64(b.Burst())
}

// forget forgets the buckets that are full.
func (p *Permit) forget(now time.Time) {
	for _, b := range p.buckets {
		if b.full(now) {
			delete(p.limiter.buckets, b.key)
		}
	}
}

// wait returns how long there is nothing in b.
func (b *bucket) wait(now time.Time) time.Duration {
	switch left := b.TokensAt(now); {
	case left-float64(b.pending) >= 1:
		return 0
	case left >= 1:
		return soon
	default:
		return time.Duration(float64(time.Second) * (1 - left) / float64(b.Limit()))
	}
}

// Done says what came of the request: whether it has issued something, or may
// have, that lives for so long; zero where nobody knows.
func (p *Permit) Done(issued bool, life time.Duration, now time.Time) {
	o := p.limiter.options
	p.limiter.mu.Lock()
	defer p.limiter.mu.Unlock()
	for _, b := range p.buckets {
		b.pending--
		if issued {
			b.AllowN(now, 1)
		}
	}
	every := o.Every
	if life >= shortest {
		every = min(every, time.Duration(float64(life)*o.Part))
	}
	if issued {
		p.buckets[0].SetLimitAt(now, rate.Every(every))
	}
	p.forget(now)
}
