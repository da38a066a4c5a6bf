package vault

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"restencil/watch"
)

// tokenIn returns the token that a text holds: the text itself without the
// blanks around it, or what a JSON text of Vault's about a wrapping token says
// is the token.
func tokenIn(text string) token {
	var wrap struct {
		Token string `json:"token"`
	}
	if json.Unmarshal([]byte(text), &wrap) == nil {
		text = wrap.Token
	}
	return token(strings.TrimSpace(text))
}

// unwrapToken exchanges a wrapping token for the token that it wraps.
func unwrapToken(ctx context.Context, c caller, wrapping token) (grant, error) {
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
func unwrap(ctx context.Context, c caller, wrapping token) (*watch.Secret, error) {
	secret, err := c.call(ctx, request{method: http.MethodPut, path: "sys/wrapping/unwrap", token: wrapping})
	var answer *responseError
	if errors.As(err, &answer) && (answer.Status == http.StatusBadRequest || refusedToken(err)) {
		return nil, failed("the wrapping token has been used before, or has ended: a new one is needed", err)
	}
	return secret, err
}

func grantOf(auth *watch.SecretAuth) grant {
	return grant{
		token:     token(auth.ClientToken),
		known:     true,
		ttl:       seconds(int64(auth.LeaseDuration)),
		renewable: auth.Renewable,
	}
}

func seconds(n int64) time.Duration { return time.Duration(min(n, 1<<31)) * time.Second }

var errSilent = errors.New("the answer says nothing about the token")

// renewSelf extends the life of a token.
func renewSelf(ctx context.Context, c caller, t token) (grant, error) {
	r := request{method: http.MethodPut, path: "auth/token/renew-self", body: map[string]any{"increment": 0}, token: t}
	secret, err := c.call(ctx, r)
	switch {
	case err != nil:
		return grant{}, err
	case secret == nil || secret.Auth == nil:
		return grant{}, errSilent
	}
	return grantOf(secret.Auth), nil
}

// lookupSelf asks how long a token lives.
func lookupSelf(ctx context.Context, c caller, t token) (grant, error) {
	secret, err := c.call(ctx, request{method: http.MethodGet, path: "auth/token/lookup-self", token: t})
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
	return grant{token: t, known: true, ttl: seconds(n), renewable: renewable}, nil
}
