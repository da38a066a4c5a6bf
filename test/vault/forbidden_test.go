package vault

import (
	"fmt"
	"testing"
	"time"

	"restencil/test/await"
	"restencil/test/servers"
)

// TestForbidden: a policy that lacks a path stops what needs that path, says
// which and what it lacks, and is looked at again.
func TestForbidden(t *testing.T) {
	t.Parallel()
	s := newSite(t, servers.Vault(t))
	s.put("may", map[string]any{"v": "1"})
	s.put("not", map[string]any{"v": "2"})
	s.leased()
	s.server.Write("leased/a", map[string]any{"v": "3", "ttl": "1h"})
	s.authority("1h")
	const may = `path "secret/data/may" { capabilities = ["read"] }`
	s.policy("narrow", may)
	s.vault = fmt.Sprintf("token = %q", s.token("narrow", time.Hour))
	s.template("may", `{{ with secret "secret/may" }}{{ .Data.data.v }}{{ end }}`)
	s.template("not", `{{ with secret "secret/not" }}{{ .Data.data.v }}{{ end }}`)
	s.template("leased", `{{ with secret "leased/a" }}{{ .Data.v }}{{ end }}`)
	s.template("names", `{{ range secrets "secret/" }}{{ . }} {{ end }}`)
	s.template("cert", `{{ with pkiCert "pki/issue/app" "common_name=a.example" }}{{ .Cert }}{{ end }}`)
	d := s.start("-log-level", "info")
	await.Eventually(t, await.Holds(s.file("may"), "1"))
	for path, capability := range map[string]string{
		"secret/data/not": `\"read\"`, "leased/a": `\"read\"`, "secret/metadata": `\"list\"`, "pki/issue/app": `\"update\"`,
	} {
		await.Eventually(t, func() error {
			if d.lines(path, capability) == 0 {
				return d.says(path, capability[2:len(capability)-2])()
			}
			return nil
		})
	}
	time.Sleep(time.Second) // for it to end, if it does
	d.MustBeAlive()
	for _, name := range []string{"not", "leased", "names", "cert"} {
		absent(t, s.file(name))
	}
	s.policy("narrow", may+"\n"+everything)
	for name, want := range map[string]string{"not": "2", "leased": "3", "names": "may not "} {
		await.Within(t, time.Minute+await.Timeout, await.Holds(s.file(name), want))
	}
	await.Within(t, time.Minute+await.Timeout, await.Exists(s.file("cert")))
	if n := len(s.leases("leased/a/")); n != 1 {
		t.Errorf("%d leases", n)
	}
}

// TestTokenIsRevoked: a login gets another token, and all that hung on the old
// one.
func TestTokenIsRevoked(t *testing.T) {
	t.Parallel()
	s := newSite(t, servers.Vault(t))
	s.leased()
	s.server.Write("leased/a", map[string]any{"v": "1", "ttl": "3s"})
	s.appRole(map[string]any{"token_ttl": "1h"})
	s.template("lease", `{{ with secret "leased/a" }}{{ .LeaseID }}{{ end }}`)
	d := s.start("-log-level", "info")
	await.Eventually(t, await.Exists(s.file("lease")))
	lease := content(t, s.file("lease"))
	s.revoke(s.proxy.seenTokens()...)
	await.Eventually(t, differs(s.file("lease"), lease))
	d.MustBeAlive()
	s.alwaysValid(d, 4*time.Second)
	if n := s.proxy.count("PUT /v1/auth/approle/login"); n != 2 {
		t.Errorf("%d logins", n)
	}
}

func (s *site) revoke(tokens ...string) {
	s.t.Helper()
	for _, token := range tokens {
		if err := s.server.Client().Auth().Token().RevokeTree(token); err != nil {
			s.t.Fatal(err)
		}
	}
}

// TestGivenTokenIsRevoked: a token that somebody wrote down is asked for anew,
// in words, and taken up with a reload.
func TestGivenTokenIsRevoked(t *testing.T) {
	t.Parallel()
	s := newSite(t, servers.Vault(t))
	s.put("a", map[string]any{"v": "1"})
	s.policy("everything", everything)
	first := s.token("everything", time.Hour)
	s.vault = fmt.Sprintf("token = %q", first)
	for i := range 20 {
		s.put(fmt.Sprint("other", i), map[string]any{"v": "1"})
		s.template(fmt.Sprint("other", i), fmt.Sprintf(`{{ with secret "secret/other%d?refresh=1s" }}{{ .Data.data.v }}{{ end }}`, i))
	}
	s.template("a", `{{ with secret "secret/a?refresh=1s" }}{{ .Data.data.v }}{{ end }}`)
	d := s.start("-log-level", "info")
	await.Eventually(t, await.Holds(s.file("a"), "1"))
	s.revoke(first)
	s.put("a", map[string]any{"v": "2"})
	await.Eventually(t, d.says("WARN", "Vault does not know the token of the configuration"))
	time.Sleep(2 * time.Second) // for all to have noticed
	if n, most := d.lines("WARN", "Vault does not know the token"), 2; n > most {
		t.Errorf("%d lines of the log tell of one token", n)
	}
	d.MustBeAlive()
	if err := await.Holds(s.file("a"), "1")(); err != nil {
		t.Error(err)
	}
	s.vault = fmt.Sprintf("token = %q", s.token("everything", time.Hour))
	d.reload()
	await.Eventually(t, await.Holds(s.file("a"), "2"))
}

// TestTokenEnds: a token that cannot be renewed is told of before it ends.
func TestTokenEnds(t *testing.T) {
	t.Parallel()
	s := newSite(t, servers.Vault(t))
	s.put("a", map[string]any{"v": "1"})
	s.policy("everything", everything)
	const life = 8 * time.Second
	s.vault = fmt.Sprintf("token = %q", s.token("everything", life))
	s.template("a", `{{ with secret "secret/a" }}{{ .Data.data.v }}{{ end }}`)
	began := time.Now()
	d := s.start()
	await.Eventually(t, d.says("WARN", "token of the configuration: ends at"))
	if took := time.Since(began); took > life {
		t.Errorf("that comes after %v, when it has ended", took)
	}
	d.MustBeAlive()
}
