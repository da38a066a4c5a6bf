package client

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"testing"

	"restencil/watch"
)

// canary stands in every secret of these tests.
const canary = "canary"

func status(code int, messages ...string) error {
	return &ResponseError{Status: code, Messages: messages}
}

func TestExplain(t *testing.T) {
	read := Request{Method: http.MethodGet, Path: "secret/data/x", Token: "t", Mount: "secret/"}
	elsewhere := Request{Method: http.MethodGet, Path: "nowhere/x", Token: "t"}
	list := Request{Method: http.MethodGet, Path: "secret/metadata/x", Query: url.Values{"list": {"true"}}, Token: "t", Mount: "secret/"}
	write := Request{Method: http.MethodPut, Path: "pki/issue/web", Token: "t", Mount: "pki/"}
	lease := Request{Method: http.MethodPut, Path: "sys/leases/renew", Token: "t"}
	nobody := Request{Method: http.MethodGet, Path: "secret/data/x"}
	for name, c := range map[string]struct {
		r     Request
		err   error
		class watch.Class
		text  string
	}{
		"network":         {read, errors.New("connection refused"), watch.Retry, "connection refused"},
		"may not read":    {read, status(403, "permission denied"), watch.Denied, `the token may not read secret/data/x: its policies must grant "read" on that path (Vault answered 403: permission denied)`},
		"may not list":    {list, status(403, "permission denied"), watch.Denied, `the token may not list secret/metadata/x: its policies must grant "list" on that path (Vault answered 403: permission denied)`},
		"may not write":   {write, status(403, "permission denied"), watch.Denied, `the token may not write pki/issue/web: its policies must grant "create" or "update" on that path (Vault answered 403: permission denied)`},
		"may not renew":   {lease, status(403, "permission denied"), watch.Denied, `the token may not write sys/leases/renew: its policies must grant "update" on that path (Vault answered 403: permission denied)`},
		"mount not known": {elsewhere, status(403, "permission denied"), watch.Denied, `the token may not read nowhere/x: no secrets engine is mounted there, or the token's policies do not grant "read" on that path (Vault answered 403: permission denied)`},
		"mount not seen":  {Request{Method: http.MethodGet, Path: MountLookup + "nowhere/x", Token: "t"}, status(403, "preflight"), watch.Denied, "no secrets engine is mounted for nowhere/x, or the token has no policy for any path in it (Vault answered 403: preflight)"},
		"unknown token":   {read, status(403, "permission denied; invalid token"), watch.Denied, "Vault does not know the token: it has expired, was revoked, or belongs to another server (Vault answered 403: permission denied; invalid token)"},
		"no token":        {nobody, status(403, "permission denied"), watch.Denied, "there is no token to read secret/data/x with: set VAULT_TOKEN or vault { token = … }, or configure a token file or a login (Vault answered 403: permission denied)"},
		"no token, label": {Request{Method: http.MethodGet, Path: "x", Store: watch.Vault.In("b")}, status(403, "permission denied"), watch.Denied, `there is no token to read x with: set vault "b" { token = … }, or configure a token file or a login (Vault answered 403: permission denied)`},
		"no token, older": {nobody, status(400, "missing client token"), watch.Denied, "there is no token to read secret/data/x with: set VAULT_TOKEN or vault { token = … }, or configure a token file or a login (Vault answered 400: missing client token)"},
		"not there":       {read, status(404), watch.Denied, "no secret exists at secret/data/x (Vault answered 404 Not Found)"},
		"no mount":        {read, status(404, "no handler for route"), watch.Denied, "no secrets engine is mounted for secret/data/x (Vault answered 404: no handler for route)"},
		"bad":             {write, status(400, "unknown role"), watch.Denied, "Vault answered 400: unknown role"},
		"unsupported":     {write, status(405, "unsupported operation"), watch.Denied, "Vault answered 405: unsupported operation"},
		"sealed":          {read, status(503, "Vault is sealed"), watch.Retry, "Vault is sealed, and answers nothing until it is unsealed (Vault answered 503: Vault is sealed)"},
		"too much":        {read, status(429), watch.Retry, "Vault answered 429 Too Many Requests"},
		"not there yet":   {read, status(412), watch.Retry, "Vault answered 412 Precondition Failed"},
	} {
		t.Run(name, func(t *testing.T) {
			err := Explain(c.r, fmt.Errorf("%w", c.err))
			if err.Error() != c.text || Class(err) != c.class {
				t.Errorf("class %d: %v", Class(err), err)
			}
			if !errors.Is(err, c.err) {
				t.Error("the cause is not kept")
			}
		})
	}
}

func TestRefusedToken(t *testing.T) {
	for _, c := range []struct {
		err  error
		want bool
	}{
		{status(403, "2 errors occurred: permission denied; invalid token"), true},
		{fmt.Errorf("x: %w", status(403, "bad token")), true},
		{status(403, "permission denied"), false},
		{status(400, "invalid token"), false},
		{errors.New("invalid token"), false},
	} {
		if got := RefusedToken(c.err); got != c.want {
			t.Errorf("%v: %v", c.err, got)
		}
	}
}

// TestHarmless: of a request that Vault says has failed, and of one that was not
// sent, it is certain that nothing was made.
func TestHarmless(t *testing.T) {
	for _, c := range []struct {
		err  error
		want bool
	}{
		{status(400), true},
		{status(403), true},
		{status(500, "internal error"), true},
		{status(503), true},
		{status(502), false},
		{status(504), false},
		{&net.OpError{Op: "dial", Err: errors.New("connection refused")}, true},
		{&net.OpError{Op: "read", Err: errors.New("connection reset")}, false},
		{errors.New("no answer within 60s"), false},
	} {
		if got := Harmless(c.err); got != c.want {
			t.Errorf("%v: %v", c.err, got)
		}
	}
}
