package vault

import (
	"cmp"
	"time"

	"restencil/watch/schedule"
	"restencil/watch/transport"
	"restencil/watch/vault/client"
	"restencil/watch/vault/limit"
	"restencil/watch/vault/token"
)

// Options configure a Source. Start from DefaultOptions. The VAULT_* variables set
// zero fields of the client (COMPAT 1.8).
type Options struct {
	client.Options // New sets Resend
	Token          token.Options

	// DefaultLease is how long an answer without a lease is valid, and the time
	// between two reads of a list. Zero or less means 5 min.
	DefaultLease time.Duration

	// Threshold is the share of a lease, of a certificate's life or of
	// DefaultLease after which it is replaced, between 0 and 1, with some jitter
	// (COMPAT 4.12.4). Zero means 0.9.
	Threshold float64

	// IssueEvery and IssueBurst bound how often anything is issued or written
	// at a path: for each query IssueBurst times at once, then once every
	// IssueEvery; and for 100 new queries at once, then one every IssueEvery.
	// What is valid for less time than that may be replaced as often as it ends.
	// Zero means 1 min and 3.
	IssueEvery time.Duration
	IssueBurst int

	// MaxRequests is how many requests may be under way. Zero means 32.
	MaxRequests int

	// Retry is the backoff of queries (COMPAT 4.10.4) and logins. The zero value
	// means 250 ms to 1 min. If attempts are limited, each is as many requests as
	// consul-template makes (COMPAT 4.10.3).
	Retry schedule.Backoff

	// Notice, if not nil, receives what is not the failure of a query: Vault's
	// warnings, a token that cannot be renewed. Any goroutine may call it; it must
	// return at once.
	Notice func(error)
}

// DefaultOptions returns what consul-template uses where nothing is configured.
func DefaultOptions() Options {
	return Options{
		Options:      client.Options{Transport: transport.Defaults()},
		DefaultLease: 5 * time.Minute,
		Threshold:    0.9,
		IssueEvery:   time.Minute,
		IssueBurst:   3,
		MaxRequests:  32,
		Retry:        schedule.Backoff{Base: 250 * time.Millisecond, Max: time.Minute},
	}
}

// filled returns o with defaults in place of zero values.
func (o Options) filled() Options {
	d := DefaultOptions()
	o.DefaultLease = cmp.Or(max(o.DefaultLease, 0), d.DefaultLease)
	o.IssueEvery = cmp.Or(max(o.IssueEvery, 0), d.IssueEvery)
	o.IssueBurst = cmp.Or(max(o.IssueBurst, 0), d.IssueBurst)
	o.MaxRequests = cmp.Or(max(o.MaxRequests, 0), d.MaxRequests)
	if o.Threshold <= 0 || o.Threshold >= 1 {
		o.Threshold = d.Threshold
	}
	if o.Retry == (schedule.Backoff{}) {
		o.Retry = d.Retry
	}
	return o
}

// limits returns the options of the limiter. What ends soon may be replaced at
// half the time at which it usually is.
func (o Options) limits() limit.Options {
	return limit.Options{Every: o.IssueEvery, Burst: o.IssueBurst, Part: o.Threshold / 2}
}
