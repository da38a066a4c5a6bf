package config

import "time"

// Vault says how to reach Vault.
type Vault struct {
	Address   string
	Enabled   bool
	Namespace string
	Token     string

	// AgentTokenFile is where a Vault agent keeps the token; "" for nowhere.
	// Where it is written, even as "", the token of the login on this machine
	// is none.
	AgentTokenFile string

	RenewToken            bool
	UnwrapToken           bool
	DefaultLeaseDuration  time.Duration
	LeaseRenewalThreshold float64 // share of a lease after which it is renewed
	ClientUserAgent       string

	K8SAuthRoleName            string
	K8SServiceAccountToken     string
	K8SServiceAccountTokenPath string
	K8SServiceMountPath        string

	// At most one of the ways to log in is written; an empty TokenCommand is
	// none, and the origins of the blocks tell which of them are there.
	AppRole             AppRole
	JWT                 JWTLogin
	CertLogin           CertLogin
	TokenCommand        []string // prints the token; one element of several words goes to the shell
	TokenCommandTimeout time.Duration

	RevokeOnExit bool          // leases, and the token of a login, are given back at the end
	IssueEvery   time.Duration // how often anything may be issued or written at a path,
	IssueBurst   int           // after so many times at once
	MaxRequests  int           // how many requests may be under way at a time

	Retry     Retry
	SSL       SSL
	Transport Transport
}

// AppRole is a login with a role's id and its secret, written down or in files
// that are read at each login.
type AppRole struct {
	Mount                  string // of the method, without auth/ before it
	RoleID, RoleIDFile     string
	SecretID, SecretIDFile string
	SecretIDWrapped        bool // the secret has to be unwrapped first
}

// JWTLogin is a login with a JSON Web Token, written down or in a file that is
// read at each login.
type JWTLogin struct {
	Mount            string // of the method, without auth/ before it
	Role             string
	Token, TokenFile string
}

// CertLogin is a login with the client certificate of Vault.SSL.
type CertLogin struct {
	Mount string // of the method, without auth/ before it
	Role  string // "": any that fits the certificate
}

// The keys of the ways to log in that are ours. The first three are blocks,
// which count as written even where they are empty.
const (
	appRoleLogin = "vault.approle"
	jwtLogin     = "vault.jwt"
	certLogin    = "vault.cert_login"
	tokenCommand = "vault.token_command"
)

// login returns the key of the way to log in that is written, of those that are
// ours; "" for none.
func (c *Config) login() string {
	if ways := c.logins(); len(ways) > 0 {
		return ways[0]
	}
	return ""
}

// logins returns all of them.
func (c *Config) logins() []string {
	var ways []string
	for _, key := range []string{appRoleLogin, jwtLogin, certLogin} {
		if c.isSet(key) {
			ways = append(ways, key)
		}
	}
	if !emptyCommand(c.Vault.TokenCommand) {
		ways = append(ways, tokenCommand)
	}
	return ways
}
