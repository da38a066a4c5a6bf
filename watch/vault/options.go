package vault

import (
	"time"

	"restencil/watch/schedule"
	"restencil/watch/transport"
)

// Options say which Vault to ask, as whom, and how. They are plain values:
// start from DefaultOptions, for zero means what each field says. What they
// leave open, Vault's own library takes from the VAULT_* variables (COMPAT 1.8).
type Options struct {
	// Address of the server, with its scheme: http://…, https://… or
	// unix:///path. "" is VAULT_AGENT_ADDR, then VAULT_ADDR, and without
	// those https://127.0.0.1:8200.
	Address string

	// Namespace is sent with every request; "" is VAULT_NAMESPACE.
	Namespace string

	// UserAgent is sent with every request; "" is Go's own.
	UserAgent string

	Token     Token
	Transport transport.Options

	// TLS leaves open whether it is used, which the address says, and what the
	// VAULT_* variables say, but for SkipVerify: who has certificates verified
	// must not be overruled.
	TLS transport.TLS

	// DefaultLease is how long an answer that does not say so itself is taken
	// to be good for, and the time between two looks at a list. Zero means
	// the default, 5 min.
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
	// a login. The zero value means the default, 250 ms to 1 min.
	Retry schedule.Backoff

	// Notice takes what people should know that is no failure of a query:
	// warnings that Vault gave, a token that cannot be renewed. It may be
	// called from any goroutine and returns at once. nil: nobody wants it.
	Notice func(error)
}

// Token says where the token comes from. Of the ways that are written, the first
// in this order counts: File, Text, Command, Login. With none, requests bear no
// token.
type Token struct {
	// Text is the token itself, or the JSON text that Vault gives for a
	// wrapped one.
	Text string

	// File is kept by somebody else, such as a Vault agent, and followed: what
	// it says is the token from then on. While it is missing or empty there
	// is none, or the one that it had before.
	File string

	// Unwrap says that the token of Text or File is a wrapped one: it is good
	// for one unwrapping, which gives the token.
	Unwrap bool

	// Command prints the token. It is run again before that ends, where it
	// ends, and when it is refused. CommandTimeout zero means 30 s.
	// CommandEnv are the variables of its environment; nil: the program's own.
	Command        []string
	CommandTimeout time.Duration
	CommandEnv     []string

	// Login gets the token. It is done again before that ends, and when it is
	// refused.
	Login Login

	// Renew extends the token's life while that is possible. What cannot be
	// renewed any more is replaced, where there is a way, before it ends.
	Renew bool
}

// A Method is a way to log in.
type Method string

// The ways to log in. After each: the fields of Login that it uses besides
// Mount, whose default is the method's name, too.
const (
	Kubernetes Method = "kubernetes" // Role, and JWT or JWTFile (COMPAT 4.12.1)
	AppRole    Method = "approle"    // RoleID or RoleIDFile, SecretID or SecretIDFile
	JWT        Method = "jwt"        // Role, and JWT or JWTFile
	Cert       Method = "cert"       // Role, "" for any; the certificate is that of TLS
)

// Login is a way to log in, and with what. Files are read anew each time.
type Login struct {
	Method Method // "": none
	Mount  string // where the method is mounted; auth/ before it does not matter
	Role   string

	RoleID, RoleIDFile     string
	SecretID, SecretIDFile string
	SecretIDWrapped        bool // what SecretID or its file holds is a wrapping token of it
	JWT, JWTFile           string
}

// DefaultOptions returns what consul-template uses where nothing is configured.
func DefaultOptions() Options {
	return Options{
		Transport:    transport.Defaults(),
		DefaultLease: 5 * time.Minute,
		Threshold:    0.9,
		IssueEvery:   time.Minute,
		IssueBurst:   3,
		MaxRequests:  32,
		Retry:        schedule.Backoff{Base: 250 * time.Millisecond, Max: time.Minute},
	}
}
