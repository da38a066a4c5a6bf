package client

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"restencil/watch"
)

// A Token is the token of a request. It prints as ***.
type Token string

// Format implements fmt.Formatter for all verbs.
func (Token) Format(f fmt.State, _ rune) { fmt.Fprint(f, "***") }

// A Request is one call of Vault's HTTP interface.
type Request struct {
	Method string // http.MethodGet, http.MethodPut
	Path   string // without /v1/, not escaped
	Query  url.Values
	Body   any // encoded as JSON; nil for none
	Token  Token
	Hide   []string // other secrets that no error may contain
	Once   bool     // it may issue something: never send it again
	Mount  string   // the path of the secrets engine there, "" if unknown

	Store watch.Store // of the query, for advice; "" is watch.Vault
}

// A Caller makes requests. It is a *Client, except in tests.
type Caller interface {
	// Call returns Vault's answer: nil if it is empty (204), and the data of a
	// 404 that has some (a deleted version). Numbers in it are json.Number. An
	// error reply is a *ResponseError; any other error is of the network.
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

// secrets returns what no error of the request may contain.
func (r Request) secrets() []string { return append([]string{string(r.Token)}, r.Hide...) }

// MountLookup is where to look up the mount of the path that follows.
const MountLookup = "sys/internal/ui/mounts/"

// RenewToken returns the request that renews a token.
func RenewToken(t Token) Request {
	return Request{Method: http.MethodPut, Path: "auth/token/renew-self", Body: map[string]any{"increment": 0}, Token: t}
}

// RevokeToken returns the request that revokes a token.
func RevokeToken(t Token) Request {
	return Request{Method: http.MethodPut, Path: "auth/token/revoke-self", Token: t}
}
