package token

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"restencil/watch"
	"restencil/watch/vault/client"
	"restencil/watch/vault/lease"
)

// tokenIn returns the token that a text holds: the text itself without the
// blanks around it, or what a JSON text of Vault's about a wrapping token says
// is the token.
func tokenIn(text string) client.Token {
	var wrap struct {
		Token string `json:"token"`
	}
	if json.Unmarshal([]byte(text), &wrap) == nil {
		text = wrap.Token
	}
	return client.Token(strings.TrimSpace(text))
}

// unwrapToken exchanges a wrapping token for the token that it wraps.
func unwrapToken(ctx context.Context, c client.Caller, wrapping client.Token) (grant, error) {
	secret, err := unwrap(ctx, c, wrapping)
	switch {
	case err != nil:
		return grant{}, failed("vaultwatcher: vault unwrap", err)
	case secret == nil:
		return grant{}, denied("vaultwatcher: vault unwrap: no secret")
	case secret.Auth == nil:
		return grant{}, denied("vaultwatcher: vault unwrap: no secret auth")
	case secret.Auth.ClientToken == "":
		return grant{}, denied("vaultwatcher: vault unwrap: no token returned")
	}
	return grantOf(secret.Auth), nil
}

// unwrap returns what a wrapping token wraps, which can be had once.
func unwrap(ctx context.Context, c client.Caller, wrapping client.Token) (*watch.Secret, error) {
	secret, err := c.Call(ctx, client.Request{Method: http.MethodPut, Path: "sys/wrapping/unwrap", Token: wrapping})
	if client.Status(err) == http.StatusBadRequest || client.RefusedToken(err) {
		spent := failed("the wrapping token has been used before, or has ended: a new one is needed", err)
		spent.Class = watch.Invalid
		return nil, spent
	}
	return secret, err
}

func grantOf(auth *watch.SecretAuth) grant {
	return grant{
		token:     client.Token(auth.ClientToken),
		known:     true,
		ttl:       lease.Seconds(int64(auth.LeaseDuration)),
		renewable: auth.Renewable,
	}
}

var errSilent = errors.New("the answer says nothing about the token")

// renewSelf extends the life of a token.
func renewSelf(ctx context.Context, c client.Caller, t client.Token) (grant, error) {
	secret, err := c.Call(ctx, client.RenewToken(t))
	switch {
	case err != nil:
		return grant{}, err
	case secret == nil || secret.Auth == nil:
		return grant{}, errSilent
	}
	return grantOf(secret.Auth), nil
}

// lookupSelf asks how long a token lives.
func lookupSelf(ctx context.Context, c client.Caller, t client.Token) (grant, error) {
	secret, err := c.Call(ctx, client.Request{Method: http.MethodGet, Path: "auth/token/lookup-self", Token: t})
	switch {
	case err != nil:
		return grant{}, err
	case secret == nil:
		return grant{}, errSilent
	}
	ttl, ok := secret.Data["ttl"].(json.Number)
	n, err := ttl.Int64()
	if !ok || err != nil {
		return grant{}, errSilent
	}
	renewable, _ := secret.Data["renewable"].(bool)
	return grant{token: t, known: true, ttl: lease.Seconds(n), renewable: renewable}, nil
}
