package token

import (
	"fmt"
	"time"
)

// Options say where the token comes from. The first of File, Text, Command and Login
// that is set is used. If none is, requests have no token.
type Options struct {
	// Text is the token itself, or Vault's JSON for a wrapping one.
	Text string

	// File contains the token, and is followed. While it is missing or empty, the
	// last token stays.
	File string

	// Unwrap says that Text or File is a wrapping token, which wraps the token.
	Unwrap bool

	// Command prints the token. It runs again before the token ends, and when Vault
	// refuses it. A zero CommandTimeout means 30 s. CommandEnv is its environment;
	// nil means that of this process.
	Command        []string
	CommandTimeout time.Duration
	CommandEnv     []string

	// Login obtains the token, again before the token ends, and when Vault refuses
	// it.
	Login Login

	// Renew renews the token as long as Vault allows it.
	Renew bool
}

// Format implements fmt.Formatter for all verbs: Options may contain secrets.
func (Options) Format(f fmt.State, _ rune) { fmt.Fprint(f, "***") }

// A Method is a way to log in.
type Method string

// The ways to log in, with the fields of Login that each uses besides Mount.
const (
	Kubernetes Method = "kubernetes" // Role, and JWT or JWTFile (COMPAT 4.12.1)
	AppRole    Method = "approle"    // RoleID or RoleIDFile, SecretID or SecretIDFile
	JWT        Method = "jwt"        // Role, and JWT or JWTFile
	Cert       Method = "cert"       // Role, "" for any; the certificate is that of TLS
)

// Login configures a login. Files are read at each login. Vault reports what is
// missing.
type Login struct {
	Method Method // "" for none
	Mount  string // path of the method's mount, with or without auth/; "" means Method
	Role   string

	RoleID, RoleIDFile     string
	SecretID, SecretIDFile string
	SecretIDWrapped        bool // SecretID or its file is a wrapping token
	JWT, JWTFile           string
}

// Format implements fmt.Formatter for all verbs: a Login may contain secrets.
func (Login) Format(f fmt.State, _ rune) { fmt.Fprint(f, "***") }
