// Package limit bounds how often anything is issued or written at a path of Vault.
// It is pure: times are arguments.
package limit

import (
	"fmt"
	"maps"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"restencil/watch"
)

// Options configure a Limiter.
type Options struct {
	// Each query may issue Burst things at once, then one every Every.
	Every time.Duration
	Burst int

	// Part is the share of a life after which what was issued may be replaced, if
	// that is sooner than Every.
	Part float64
}

const (
	// NewQueries is how many new queries may issue something at a path at once;
	// then one every Every. A template may make a new query at each execution.
	NewQueries = 100

	maxBuckets = 1 << 16         // of paths and queries; more are refused
	minLife    = 2 * time.Second // a shorter life gives no higher rate
)

// A Limiter is a rate limiter for requests that issue or write something. Each path
// has a token bucket for new queries, and each query that has issued something at a
// path has its own. Whether a request issues something is known only when it has
// ended: concurrent requests may leave a bucket in debt. Its methods are for any
// goroutine.
type Limiter struct {
	options Options

	mu      sync.Mutex
	buckets map[key]*rate.Limiter // a missing one is full
}

// A key identifies the bucket of a query at a path, or with the zero query that of
// the path.
type key struct {
	path  string
	query watch.ID
}

// New returns a Limiter with full buckets.
func New(o Options) *Limiter {
	return &Limiter{options: o, buckets: make(map[key]*rate.Limiter)}
}

// An Error says that no more may be issued at a path until a time.
type Error struct {
	Path  string
	Every time.Duration
	Until time.Time
}

func (e *Error) Error() string {
	return fmt.Sprintf("too much was issued or written at %s in a short time: it goes on at %s, and then once in %s (issue_every, issue_burst)",
		e.Path, e.Until.Format(time.TimeOnly), e.Every)
}

// Allow returns an *Error unless a query may make a request, such as
// "GET database/creds/app".
func (l *Limiter) Allow(request string, q watch.ID, now time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	wait := time.Duration(0)
	b := l.buckets[key{request, q}]
	if b == nil {
		b = l.buckets[key{path: request}]
	}
	switch {
	case b != nil:
		wait = time.Duration(float64(time.Second) * (1 - b.TokensAt(now)) / float64(b.Limit()))
	case len(l.buckets) >= maxBuckets: // full ones can be forgotten
		maps.DeleteFunc(l.buckets, func(_ key, b *rate.Limiter) bool { return b.TokensAt(now) >= float64(b.Burst()) })
		if len(l.buckets) >= maxBuckets {
			wait = l.options.Every
		}
	}
	if wait <= 0 {
		return nil
	}
	_, path, _ := strings.Cut(request, " ")
	return &Error{Path: path, Every: l.options.Every, Until: now.Add(wait)}
}

// Issued records that a request of a query has issued something, or may have, with
// a life; zero if unknown.
func (l *Limiter) Issued(request string, q watch.ID, life time.Duration, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.buckets[key{request, q}] == nil {
		l.bucket(key{path: request}, NewQueries).ReserveN(now, 1)
	}
	own := l.bucket(key{request, q}, l.options.Burst)
	own.ReserveN(now, 1)
	every := l.options.Every
	if life >= minLife {
		every = min(every, time.Duration(float64(life)*l.options.Part))
	}
	own.SetLimitAt(now, rate.Every(every))
}

func (l *Limiter) bucket(k key, burst int) *rate.Limiter {
	if l.buckets[k] == nil {
		l.buckets[k] = rate.NewLimiter(rate.Every(l.options.Every), burst)
	}
	return l.buckets[k]
}
