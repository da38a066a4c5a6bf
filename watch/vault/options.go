package vault

import (
	"time"

	"restencil/watch/schedule"
	"restencil/watch/transport"
	"restencil/watch/vault/client"
	"restencil/watch/vault/lease"
	"restencil/watch/vault/limit"
	"restencil/watch/vault/token"
)

// Options configure a Source. Start from DefaultOptions. The VAULT_* variables set
// zero fields of the client (COMPAT 1.8).
type Options struct {
	client.Options // New sets Resend
	Token          token.Options

	// Lease says when answers are replaced. Lease.Default is the time between two reads
	// of a list, too; zero or less means 5 min.
	Lease lease.Rules

	// Limit bounds how often anything is issued or written at a path. What is valid
	// for less time than Limit.Every may be replaced as often as it ends: New sets
	// Limit.Part.
	Limit limit.Options

	// MaxRequests is how many requests may be under way.
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
		Options:     client.Options{Server: transport.Server{Transport: transport.Defaults()}},
		Lease:       lease.Rules{Threshold: 0.9, Default: 5 * time.Minute},
		Limit:       limit.Options{Every: time.Minute, Burst: 3},
		MaxRequests: 32,
		Retry:       schedule.Backoff{Base: 250 * time.Millisecond, Max: time.Minute},
	}
}
