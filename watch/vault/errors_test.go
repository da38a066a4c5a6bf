package vault

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"testing"

	"restencil/watch"
)

func TestClassify(t *testing.T) {
	read := request{method: http.MethodGet, path: "secret/data/x", token: "t"}
	list := request{method: http.MethodGet, path: "secret/metadata/x", query: url.Values{"list": {"true"}}, token: "t"}
	write := request{method: http.MethodPut, path: "pki/issue/web", token: "t"}
	lease := request{method: http.MethodPut, path: "sys/leases/renew", token: "t"}
	nobody := request{method: http.MethodGet, path: "secret/data/x"}
	for name, c := range map[string]struct {
		r     request
		err   error
		class watch.Class
		text  string
	}{
		"network":         {read, errors.New("connection refused"), watch.Retry, "connection refused"},
		"may not read":    {read, status(403, "permission denied"), watch.Denied, `the token may not read secret/data/x: its policies must grant "read" on that path (Vault answered 403: permission denied)`},
		"may not list":    {list, status(403, "permission denied"), watch.Denied, `the token may not list secret/metadata/x: its policies must grant "list" on that path (Vault answered 403: permission denied)`},
		"may not write":   {write, status(403, "permission denied"), watch.Denied, `the token may not write pki/issue/web: its policies must grant "create" or "update" on that path (Vault answered 403: permission denied)`},
		"may not renew":   {lease, status(403, "permission denied"), watch.Denied, `the token may not write sys/leases/renew: its policies must grant "update" on that path (Vault answered 403: permission denied)`},
		"unknown token":   {read, status(403, "permission denied; invalid token"), watch.Denied, "Vault does not know the token: it has ended, was revoked, or is another server's (Vault answered 403: permission denied; invalid token)"},
		"no token":        {nobody, status(403, "permission denied"), watch.Denied, "there is no token to read secret/data/x with: set VAULT_TOKEN or vault { token = … }, or configure a token file or a login (Vault answered 403: permission denied)"},
		"no token, older": {nobody, status(400, "missing client token"), watch.Denied, "there is no token to read secret/data/x with: set VAULT_TOKEN or vault { token = … }, or configure a token file or a login (Vault answered 400: missing client token)"},
		"not there":       {read, status(404), watch.Denied, "no secret exists at secret/data/x (Vault answered 404 Not Found)"},
		"no mount":        {read, status(404, "no handler for route"), watch.Denied, "no secrets engine is mounted for secret/data/x (Vault answered 404: no handler for route)"},
		"bad":             {write, status(400, "unknown role"), watch.Invalid, "Vault answered 400: unknown role"},
		"unsupported":     {write, status(405, "unsupported operation"), watch.Invalid, "Vault answered 405: unsupported operation"},
		"sealed":          {read, status(503, "Vault is sealed"), watch.Retry, "Vault is sealed, and answers nothing until it is unsealed (Vault answered 503: Vault is sealed)"},
		"too much":        {read, status(429), watch.Retry, "Vault answered 429 Too Many Requests"},
		"not there yet":   {read, status(412), watch.Retry, "Vault answered 412 Precondition Failed"},
		"standby":         {read, status(473), watch.Retry, "Vault answered 473 "},
		"no login":        {request{}, failed("the login", status(403, "no")), watch.Denied, "the login: Vault answered 403: no"},
		"pending":         {request{}, errPending, watch.Retry, "the token for Vault is being fetched"},
	} {
		t.Run(name, func(t *testing.T) {
			q := watch.Query{Kind: watch.VaultRead, Name: "secret/x"}
			e := classify(q, c.r, fmt.Errorf("%w", c.err))
			if e.Query != q || e.Class != c.class || e.Err.Error() != c.text {
				t.Errorf("class %d: %v", e.Class, e)
			}
			if !errors.Is(e, c.err) {
				t.Error("the cause is not kept")
			}
			if all := name == "unknown token" || name == "no login" || name == "pending"; e.All != all {
				t.Errorf("it stops all queries: %t", e.All)
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
		if got := refusedToken(c.err); got != c.want {
			t.Errorf("%v: %v", c.err, got)
		}
	}
}
