package vault

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"restencil/watch"
)

// A request is one call of Vault's HTTP interface.
type request struct {
	method string // http.MethodGet, http.MethodPut
	path   string // without /v1/ before it, and not escaped
	query  url.Values
	body   any // encoded as JSON; nil for none
	token  token
	hide   []string // what besides the token must not stand in an error: a login's secrets
	once   bool     // it may make something, so that it is never sent again unasked
}

// A caller makes requests. The client is one, and tests have others.
type caller interface {
	// call returns what Vault answered: nil where that is nothing (204), and
	// for a 404 with data in it (a deleted version) that data. Numbers in it
	// are json.Number. It gives up when ctx ends. An answer that is an error is
	// a *responseError, and what is none is whatever the network said.
	call(ctx context.Context, r request) (*watch.Secret, error)
}

// A responseError is an answer of Vault that says that something is wrong.
type responseError struct {
	Status     int
	Messages   []string      // Vault's own
	RetryAfter time.Duration // 0 where Vault did not say
}

func (e *responseError) Error() string {
	if len(e.Messages) == 0 {
		return fmt.Sprintf("Vault answered %d %s", e.Status, http.StatusText(e.Status))
	}
	return fmt.Sprintf("Vault answered %d: %s", e.Status, strings.Join(e.Messages, "; "))
}
