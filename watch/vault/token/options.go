package token

import (
	"fmt"
	"time"

	"restencil/watch/schedule"
)

// Options say where the token comes from. Of the ways that are written, the first
// in this order counts: File, Text, Command, Login. With none, requests bear no
// token.
type Options struct {
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

// Format implements fmt.Formatter for all verbs: what Options hold is not shown.
func (Options) Format(f fmt.State, _ rune) { fmt.Fprint(f, "***") }

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

// Login is a way to log in, and with what. Files are read anew each time. What is
// missing, Vault says.
type Login struct {
	Method Method // "": none
	Mount  string // where the method is mounted; auth/ before it does not matter
	Role   string

	RoleID, RoleIDFile     string
	SecretID, SecretIDFile string
	SecretIDWrapped        bool // what SecretID or its file holds is a wrapping token of it
	JWT, JWTFile           string
}

// Format implements fmt.Formatter for all verbs: what a Login holds is not shown.
func (Login) Format(f fmt.State, _ rune) { fmt.Fprint(f, "***") }

// defaultRetry spaces attempts where nothing else is said.
var defaultRetry = schedule.Backoff{Base: 250 * time.Millisecond, Max: time.Minute}
