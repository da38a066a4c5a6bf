package client

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"restencil/watch"
)

// A Token is what a request bears. It shows as ***.
type Token string

// Format implements fmt.Formatter for all verbs.
func (Token) Format(f fmt.State, _ rune) { fmt.Fprint(f, "***") }

// A Request is one call of Vault's HTTP interface.
type Request struct {
	Method string // http.MethodGet, http.MethodPut
	Path   string // without /v1/ before it, and not escaped
	Query  url.Values
	Body   any // encoded as JSON; nil for none
	Token  Token
	Hide   []string // what besides the token must not stand in an error: a login's secrets
	Once   bool     // it may make something, so that it is never sent again unasked
	Mount  string   // the path of the engine that is known to be mounted there; "": not known
}

// A Caller makes requests. A Client is one, and tests have others.
type Caller interface {
	// Call returns what Vault answered: nil where that is nothing (204), and
	// for a 404 with data in it (a deleted version) that data. Numbers in it
	// are json.Number. It gives up when ctx ends. An error reply is a
	// *ResponseError; any other error is what the network said.
	Call(ctx context.Context, r Request) (*watch.Secret, error)
}

// Lists reports whether the request lists names.
func (r Request) Lists() bool { return r.Query.Get("list") == "true" }

func (r Request) action() string {
	switch {
	case r.Lists():
		return "list"
	case r.Method == http.MethodGet:
		return "read"
	}
	return "write"
}

func (r Request) capability() string {
	switch {
	case r.action() != "write":
		return `"` + r.action() + `"`
	case strings.HasPrefix(r.Path, "sys/") || strings.HasPrefix(r.Path, "auth/token/"):
		return `"update"`
	}
	return `"create" or "update"`
}

// secrets returns what must not stand in an error of the request.
func (r Request) secrets() []string { return append([]string{string(r.Token)}, r.Hide...) }

// Mask returns text with *** for each of the secrets.
func Mask(text string, secrets []string) string {
	for _, secret := range secrets {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "***")
		}
	}
	return text
}

const mountLookup = "sys/internal/ui/mounts/" // begins the path at which Vault says which engine is mounted

// LookupMount returns the request that asks which engine is mounted at path.
func LookupMount(path string, t Token) Request {
	return Request{Method: http.MethodGet, Path: mountLookup + path, Token: t}
}

// Health returns a request that Vault answers at once where it is able to work,
// and that costs nothing.
func Health() Request {
	return Request{
		Method: http.MethodGet, Path: "sys/health",
		Query: url.Values{"standbyok": {"true"}, "perfstandbyok": {"true"}},
	}
}

// RenewToken returns the request that renews a token.
func RenewToken(t Token) Request {
	return Request{Method: http.MethodPut, Path: "auth/token/renew-self", Body: map[string]any{"increment": 0}, Token: t}
}

// RenewLease returns the request that renews a lease.
func RenewLease(id string, t Token) Request {
	return Request{Method: http.MethodPut, Path: "sys/leases/renew", Body: map[string]any{"lease_id": id, "increment": 0}, Token: t}
}

// RevokeToken returns the request that ends the life of a token.
func RevokeToken(t Token) Request {
	return Request{Method: http.MethodPut, Path: "auth/token/revoke-self", Token: t}
}

// RevokeLease returns the request that ends a lease.
func RevokeLease(id string, t Token) Request {
	return Request{Method: http.MethodPut, Path: "sys/leases/revoke", Body: map[string]any{"lease_id": id}, Token: t}
}
