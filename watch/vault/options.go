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

// Options say which Vault to ask, as whom, and how. They are plain values:
// start from DefaultOptions, for zero means what each field says. What they
// leave open, the VAULT_* variables say (COMPAT 1.8).
type Options struct {
	client.Options // New sets Resend
	Token          token.Options

	// DefaultLease is how long an answer that does not say so itself is taken
	// to be good for, and the time between two looks at a list. Zero, and what
	// is less, means the default, 5 min.
	DefaultLease time.Duration

	// Threshold is the share of a lease, of a certificate's life or of
	// DefaultLease after which it is seen to, more than 0 and less than 1. For
	// many at once, a little at random is added or taken (COMPAT 4.12.4). Zero
	// means the default, 0.9.
	Threshold float64

	// IssueEvery and IssueBurst bound how often anything is issued or written
	// at a path: for each query IssueBurst times at once, and then once every
	// IssueEvery; and 100 queries that were not known at once, and then one
	// every IssueEvery. What is good for less time than that may be replaced as
	// often as it ends. Zero means the defaults, 1 min and 3.
	IssueEvery time.Duration
	IssueBurst int

	// MaxRequests is how many requests may be under way at a time. Zero means
	// the default, 32.
	MaxRequests int

	// Timeout is how long a request may take. Zero is VAULT_CLIENT_TIMEOUT,
	// and without that 60 s.
	Timeout time.Duration

	// Retry spaces the attempts of a query that fails (COMPAT 4.10.4), and of
	// a login. The zero value means the default, 250 ms to 1 min. Where
	// attempts are counted, one is as many requests as one of
	// consul-template's (COMPAT 4.10.3), and none is made beyond them.
	Retry schedule.Backoff

	// Notice takes what people should know that is no failure of a query:
	// warnings that Vault gave, a token that cannot be renewed. It may be
	// called from any goroutine and returns at once. nil: nobody wants it.
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

// filled returns o with the defaults where there is zero.
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

// limits returns how much may be issued. What ends soon may be replaced when
// half of the share is over after which it is.
func (o Options) limits() limit.Options {
	return limit.Options{Every: o.IssueEvery, Burst: o.IssueBurst, Part: o.Threshold / 2}
}
