package vault

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"restencil/test/await"
	"restencil/test/servers"
)

// TestOnceWaitsForARole: what Vault refuses because it is not there yet is asked
// for again, by what runs once, too.
func TestOnceWaitsForARole(t *testing.T) {
	t.Parallel()
	s := newSite(t, servers.Vault(t))
	s.leased()
	refuse := answers(http.StatusBadRequest, "unknown role: a")
	var asked atomic.Int32
	s.proxy.fault("GET /v1/leased/a", func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if asked.Add(1) < 4 {
			refuse(w, r, next)
			return
		}
		next.ServeHTTP(w, r)
	})
	s.server.Write("leased/a", map[string]any{"v": "1", "ttl": "1h"})
	s.template("a", `{{ with secret "leased/a" }}{{ .Data.v }}{{ end }}`)
	_, stderr := s.run(0, "-once", "-log-level", "debug")
	if err := await.Holds(s.file("a"), "1")(); err != nil {
		t.Error(err)
	}
	for attempt := 1; attempt <= 3; attempt++ {
		if want := fmt.Sprintf("vault secret leased/a: attempt %d failed: Vault answered 400: unknown role: a", attempt); !strings.Contains(stderr, want) {
			t.Errorf("%q is not told:\n%s", want, stderr)
		}
	}
}

// TestRetriesOfTheLibrary: as in consul-template, one attempt is up to three
// requests, so one error is no failure where there is to be no other attempt.
func TestRetriesOfTheLibrary(t *testing.T) {
	t.Parallel()
	for env, code := range map[string]int{"": 0, "VAULT_MAX_RETRIES=0": 14} {
		t.Run(env, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, servers.Vault(t))
			if env != "" {
				s.env = append(s.env, env)
			}
			s.vault += "\n retry { enabled = false }"
			s.put("a", map[string]any{"v": "1"})
			s.template("a", `{{ with secret "secret/a" }}{{ .Data.data.v }}{{ end }}`)
			fail := answers(http.StatusInternalServerError, "internal error")
			var asked atomic.Int32
			s.proxy.fault("GET /v1/secret/data/a", func(w http.ResponseWriter, r *http.Request, next http.Handler) {
				if asked.Add(1) == 1 {
					fail(w, r, next)
					return
				}
				next.ServeHTTP(w, r)
			})
			s.run(code, "-once")
		})
	}
}

// TestNoRequestTooMany: there are as many as the attempts allow.
func TestNoRequestTooMany(t *testing.T) {
	t.Parallel()
	s := newSite(t, servers.Vault(t))
	s.env = append(s.env, "VAULT_MAX_RETRIES=0")
	s.template("a", `{{ with secret "secret/a" }}{{ .Data.data.v }}{{ end }}`)
	for name, do := range map[string]func(http.ResponseWriter, *http.Request, http.Handler){
		"internal": answers(http.StatusInternalServerError, "internal error"),
		"refused":  answers(http.StatusBadRequest, "no"),
	} {
		s.proxy.fault("GET /v1/secret/data/a", do)
		for range 6 {
			before := s.proxy.count("GET /v1/secret/data/a")
			_, stderr := s.run(14, "-once", "-vault-retry-attempts", "2", "-vault-retry-backoff", "1ms")
			if n := s.proxy.count("GET /v1/secret/data/a") - before; n != 3 {
				t.Errorf("%s: %d requests, want 3", name, n)
			}
			if !strings.Contains(stderr, "gave up after 3 attempts") {
				t.Errorf("%s: it says:\n%s", name, stderr)
			}
		}
	}
}

// TestSpentWrappingToken ends what runs once: there is nothing to wait for.
func TestSpentWrappingToken(t *testing.T) {
	t.Parallel()
	s := newSite(t, servers.Vault(t))
	s.vault = `token = "hvs.spent"` + "\n unwrap_token = true"
	s.template("a", `{{ with secret "secret/a" }}{{ .Data.data.v }}{{ end }}`)
	_, stderr := s.run(14, "-once")
	if n := s.proxy.count("unwrap"); n != 1 || !strings.Contains(stderr, "has been used before") {
		t.Errorf("%d attempts:\n%s", n, stderr)
	}
}

// TestNegativeDefaultLease: it is no error in consul-template.
func TestNegativeDefaultLease(t *testing.T) {
	t.Parallel()
	s := newSite(t, servers.Vault(t))
	s.put("a", map[string]any{"v": "1"})
	s.vault += "\n default_lease_duration = \"-1s\""
	s.template("a", `{{ with secret "secret/a" }}{{ .Data.data.v }}{{ end }}`)
	s.run(0, "-once")
}

// TestWhatIsNotThere is told as what it is.
func TestWhatIsNotThere(t *testing.T) {
	t.Parallel()
	s := newSite(t, servers.Vault(t))
	for _, v := range []string{"1", "2", "3"} {
		s.put("versions", map[string]any{"v": v})
	}
	s.server.Write("secret/destroy/versions", map[string]any{"versions": []int{1}})
	s.server.Write("secret/delete/versions", map[string]any{"versions": []int{2}})
	s.policy("elsewhere", `path "elsewhere/*" { capabilities = ["read"] }`)
	weak := fmt.Sprintf("token = %q\n renew_token = false", s.token("elsewhere", time.Hour))
	strong := s.vault
	for path, test := range map[string]struct {
		vault string
		code  int
		want  string
	}{
		"secret/versions?version=1": {strong, 0, "version 1 was destroyed, and has no data any more"},
		"secret/versions?version=2": {strong, 14, "version 2 was deleted at "},
		"secret/versions?version=9": {strong, 14, "there is no version 9"},
		"secret/none":               {strong, 14, "no secret exists at secret/none"},
		"elsewhere/a":               {weak, 14, "no secrets engine is mounted for elsewhere/a"},
		"nowhere/a":                 {weak, 14, "the token may not read nowhere/a: no secrets engine is mounted there, or the token's policies do not grant"},
	} {
		s.vault = test.vault
		s.template("a", fmt.Sprintf(`{{ with secret %q }}{{ .Data.data }}{{ end }}`, path))
		_, stderr := s.run(test.code, "-once", "-vault-retry-attempts", "1", "-vault-retry-backoff", "1ms")
		if !strings.Contains(stderr, test.want) {
			t.Errorf("%s: it says:\n%s", path, stderr)
		}
	}
}
