package vault

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"restencil/test/await"
	"restencil/test/servers"
)

// reads adds a template that reads a secret often, and a policy that lets it.
func (s *site) reads() {
	s.t.Helper()
	s.put("a", map[string]any{"v": "1"})
	s.policy("everything", everything)
	s.template("a", `{{ with secret "secret/a?refresh=1s" }}{{ .Data.data.v }}{{ end }}`)
}

// follows fails the test unless the file follows a change, which takes a token
// that is good.
func (s *site) follows(value string) {
	s.t.Helper()
	s.put("a", map[string]any{"v": value})
	await.Eventually(s.t, await.Holds(s.file("a"), value))
}

// TestAgentTokenFile: the file of a token that somebody else keeps may come
// late, be replaced, be emptied and go, and hold a wrapped one.
func TestAgentTokenFile(t *testing.T) {
	t.Parallel()
	for name, wrapped := range map[string]bool{"plain": false, "wrapped": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, servers.Vault(t))
			s.reads()
			path := s.path("conf", "token")
			s.vault = fmt.Sprintf("vault_agent_token_file = %q\n unwrap_token = %t", path, wrapped)
			token := func() string {
				if wrapped {
					return s.wrapped("everything")
				}
				return s.token("everything", time.Hour)
			}
			d := s.start("-log-level", "info")
			await.Eventually(t, d.says("there is no token in the file"))
			write(t, path, token()+"\n")
			s.follows("2")
			write(t, path, token()) // by a rename
			s.revokeOthers()
			s.follows("3")
			if err := os.WriteFile(path, []byte(token()), 0o600); err != nil { // in place
				t.Fatal(err)
			}
			s.revokeOthers()
			s.follows("4")
			write(t, path, "")
			await.Eventually(t, d.says("it is empty"))
			s.follows("5")
			_ = os.Remove(path)
			s.follows("6")
			write(t, path, token())
			s.revokeOthers()
			s.follows("7")
			d.MustBeAlive()
		})
	}
}

// revokeOthers revokes the tokens that the daemon has used before.
func (s *site) revokeOthers() {
	s.t.Helper()
	used := s.proxy.seenTokens()
	await.Eventually(s.t, func() error {
		if len(s.proxy.seenTokens()) == len(used) {
			return errors.New("the new token is not in use")
		}
		return nil
	})
	for _, token := range used {
		_ = s.server.Client().Auth().Token().RevokeTree(token) // a wrapping token may be over
	}
}

// wrapped returns a wrapping token of a new token.
func (s *site) wrapped(policy string) string {
	s.t.Helper()
	client := s.server.Client()
	client.SetWrappingLookupFunc(func(string, string) string { return "1h" })
	answer, err := client.Logical().Write("auth/token/create", map[string]any{"policies": []string{policy}, "ttl": "1h"})
	if err != nil {
		s.t.Fatal(err)
	}
	return answer.WrapInfo.Token
}

// tokenLife is how long the tokens of TestLogins last. A quarter of it is left for
// another login, which takes long on a busy machine.
const tokenLife = 8 * time.Second

// TestLogins: each way to log in gives a token, and another before that ends.
func TestLogins(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(*site){
		"approle": func(s *site) {
			s.appRole(map[string]any{"token_ttl": tokenLife.String(), "token_max_ttl": tokenLife.String()})
		},
		"approle, wrapped": func(s *site) {
			s.appRole(map[string]any{"token_ttl": "1h"})
			client := s.server.Client()
			client.SetWrappingLookupFunc(func(string, string) string { return "1h" })
			answer, err := client.Logical().Write("auth/approle/role/app/secret-id", nil)
			if err != nil {
				s.t.Fatal(err)
			}
			write(s.t, s.path("conf", "secret-id"), answer.WrapInfo.Token)
			s.vault = s.vault[:len(s.vault)-len(" }\n ")] + " secret_id_wrapped = true\n }\n"
		},
		"jwt":           jwtLogin,
		"kubernetes":    kubernetesLogin,
		"certificate":   certLogin,
		"token_command": commandLogin,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var options []servers.VaultOption
			if name == "certificate" {
				options = append(options, servers.VaultTLS())
			}
			s := newSite(t, servers.Vault(t, options...))
			s.reads()
			prepare(s)
			d := s.start("-log-level", "info")
			await.Eventually(t, await.Holds(s.file("a"), "1"))
			if name != "approle, wrapped" {
				time.Sleep(tokenLife + time.Second) // the token ends
			}
			s.follows("2")
			d.MustBeAlive()
			d.mustNotWarn()
		})
	}
}

// jwtLogin has the daemon log in with a JSON Web Token that is good for a key
// of the test's own.
func jwtLogin(s *site) {
	key, public := newKey(s.t)
	s.server.Write("sys/auth/jwt", map[string]any{"type": "jwt"})
	s.server.Write("auth/jwt/config", map[string]any{"jwt_validation_pubkeys": public})
	s.server.Write("auth/jwt/role/app", map[string]any{
		"role_type": "jwt", "bound_audiences": "vault", "user_claim": "sub", "token_policies": "everything",
		"token_ttl": tokenLife.String(), "token_max_ttl": tokenLife.String(),
	})
	write(s.t, s.path("conf", "jwt"), signedToken(s.t, key))
	s.vault = fmt.Sprintf("jwt {\n role = \"app\"\n token_file = %q\n }", s.path("conf", "jwt"))
}

// newKey returns a key and its public half in PEM.
func newKey(t *testing.T) (*ecdsa.PrivateKey, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return key, string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}))
}

// signedToken returns a JSON Web Token for the audience "vault" (RFC 7519, with
// ES256 of RFC 7518).
func signedToken(t *testing.T, key *ecdsa.PrivateKey) string {
	t.Helper()
	part := func(v any) string {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(text)
	}
	signed := part(map[string]any{"alg": "ES256", "typ": "JWT"}) + "." + part(map[string]any{
		"sub": "app", "aud": "vault", "iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix(),
	})
	sum := sha256.Sum256([]byte(signed))
	r, s, err := ecdsa.Sign(rand.Reader, key, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	signature := make([]byte, 64)
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// kubernetesLogin stands in for Vault's method for Kubernetes, which would ask
// a cluster whether the account's token is right.
func kubernetesLogin(s *site) {
	s.proxy.fault("PUT /v1/auth/kubernetes/login", func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		var body struct{ JWT, Role string }
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil || body.JWT != "the account's" || body.Role != "app" {
			answers(http.StatusForbidden, "permission denied")(w, r, nil)
			return
		}
		recorded := httptest.NewRecorder()
		_ = json.NewEncoder(recorded).Encode(map[string]any{"auth": map[string]any{
			"client_token": s.token("everything", tokenLife), "lease_duration": int(tokenLife.Seconds()), "renewable": false,
		}})
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(recorded.Body.Bytes())
	})
	write(s.t, s.path("conf", "account"), "the account's\n")
	s.vault = fmt.Sprintf("k8s_auth_role_name = \"app\"\n k8s_service_account_token_path = %q", s.path("conf", "account"))
}

// certLogin has the daemon log in with its certificate, without the proxy.
func certLogin(s *site) {
	s.server.Write("sys/auth/cert", map[string]any{"type": "cert"})
	s.server.Write("auth/cert/certs/app", map[string]any{
		"certificate": content(s.t, s.server.CAFile()), "allowed_common_names": "app", "token_policies": "everything",
		"token_ttl": tokenLife.String(), "token_max_ttl": tokenLife.String(),
	})
	cert, key := s.server.ClientCert("app")
	s.url = s.server.URL()
	s.vault = fmt.Sprintf("cert_login {}\n ssl {\n ca_cert = %q\n cert = %q\n key = %q\n }", s.server.CAFile(), cert, key)
}

// commandLogin has a command make tokens, with the root token that only it has.
func commandLogin(s *site) {
	script := fmt.Sprintf("#!/bin/sh\necho $VAULT_ADDR >&2\nexport VAULT_TOKEN=%s\n%s token create -field=token -policy=everything -ttl=%v -explicit-max-ttl=%[3]v\n",
		s.server.Token(), servers.VaultPath(s.t), tokenLife)
	path := s.path("conf", "login")
	write(s.t, path, script)
	if err := os.Chmod(path, 0o700); err != nil {
		s.t.Fatal(err)
	}
	s.vault = fmt.Sprintf("token_command = [%q]", path)
}

// TestUnwrap: a wrapping token that is written down is unwrapped once, and a
// reload of the same goes on with what it gave.
func TestUnwrap(t *testing.T) {
	t.Parallel()
	s := newSite(t, servers.Vault(t))
	s.reads()
	s.vault = fmt.Sprintf("token = %q\n unwrap_token = true", s.wrapped("everything"))
	d := s.start("-log-level", "info")
	await.Eventually(t, await.Holds(s.file("a"), "1"))
	d.reload()
	s.follows("2")
	if n := s.proxy.count("PUT /v1/sys/wrapping/unwrap"); n != 1 {
		t.Errorf("unwrapped %d times", n)
	}
}
