package token

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"restencil/watch"
	"restencil/watch/transport"
	"restencil/watch/vault/client"
)

// A recorder answers calls with tokens, and keeps what was sent.
type callRecorder struct {
	got []client.Request
	err error
}

func (c *callRecorder) Call(_ context.Context, r client.Request) (*watch.Secret, error) {
	c.got = append(c.got, r)
	if c.err != nil {
		return nil, c.err
	}
	if r.Path == "sys/wrapping/unwrap" {
		return &watch.Secret{Data: map[string]any{"secret_id": "of " + string(r.Token)}}, nil
	}
	return &watch.Secret{Auth: &watch.SecretAuth{ClientToken: canary}}, nil
}

func TestLogins(t *testing.T) {
	file := write(t, filepath.Join(t.TempDir(), "f"), []byte(" from-file \n"))
	for name, c := range map[string]struct {
		o    Login
		path string
		body map[string]string
	}{
		"kubernetes":             {Login{Method: Kubernetes, Role: "r", JWTFile: file}, "auth/kubernetes/login", map[string]string{"jwt": "from-file", "role": "r"}},
		"kubernetes at a mount":  {Login{Method: Kubernetes, Mount: "/auth/k8s/prod/", Role: "r", JWT: "j", JWTFile: file}, "auth/k8s/prod/login", map[string]string{"jwt": "j", "role": "r"}},
		"approle":                {Login{Method: AppRole, RoleIDFile: file, SecretID: "s"}, "auth/approle/login", map[string]string{"role_id": "from-file", "secret_id": "s"}},
		"approle without secret": {Login{Method: AppRole, RoleID: "r"}, "auth/approle/login", map[string]string{"role_id": "r"}},
		"approle, wrapped":       {Login{Method: AppRole, RoleID: "r", SecretIDFile: file, SecretIDWrapped: true}, "auth/approle/login", map[string]string{"role_id": "r", "secret_id": "of from-file"}},
		"jwt":                    {Login{Method: JWT, JWT: "j"}, "auth/jwt/login", map[string]string{"jwt": "j"}},
		"cert":                   {Login{Method: Cert, Role: "r"}, "auth/cert/login", map[string]string{"name": "r"}},
		"cert, any":              {Login{Method: Cert}, "auth/cert/login", map[string]string{}},
	} {
		t.Run(name, func(t *testing.T) {
			vault := &callRecorder{}
			in := &login{o: c.o, caller: vault}
			for range 2 {
				if g, err := in.token(t.Context()); err != nil || g.token != canary {
					t.Fatal(err)
				}
			}
			r := vault.got[len(vault.got)-1]
			if r.Path != c.path || r.Method != http.MethodPut || r.Token != "" {
				t.Errorf("%+v", r)
			}
			if diff := cmp.Diff(any(c.body), r.Body); diff != "" {
				t.Error(diff)
			}
			if n := len(vault.got); n > 3 {
				t.Errorf("%d calls: a secret_id was unwrapped twice", n)
			}
		})
	}
}

func TestFilesOfALoginAreReadAnew(t *testing.T) {
	file := write(t, filepath.Join(t.TempDir(), "f"), []byte("one"))
	vault := &callRecorder{}
	in := &login{o: Login{Method: AppRole, RoleID: "r", SecretIDFile: file, SecretIDWrapped: true}, caller: vault}
	for _, text := range []string{"one", "two", ""} {
		write(t, file, []byte(text))
		_, err := in.token(t.Context())
		if text == "" {
			if err == nil || !strings.Contains(err.Error(), "the secret_id: the file "+file+" is empty") {
				t.Errorf("got %v", err)
			}
			continue
		}
		body := vault.got[len(vault.got)-1].Body.(map[string]string)
		if err != nil || body["secret_id"] != "of "+text {
			t.Errorf("%v, %v", body, err)
		}
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if _, err := in.token(t.Context()); err == nil || !strings.Contains(err.Error(), "reading the secret_id: open "+file) {
		t.Errorf("got %v", err)
	}
}

// A server that repeats what it was sent, as some do where something is wrong,
// must not make a secret appear.
func TestWhatALoginSendsIsNotShown(t *testing.T) {
	vault := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.WriteHeader(http.StatusBadRequest)
		_ = json.NewEncoder(w).Encode(map[string]any{"errors": []string{"no: " + string(body) + r.Header.Get("X-Vault-Token")}})
	})
	secret := canary + strings.Repeat("x", 600)
	for _, o := range []Login{
		{Method: Kubernetes, Role: "r", JWT: secret},
		{Method: JWT, JWT: secret},
		{Method: AppRole, RoleID: "r", SecretID: secret},
		{Method: AppRole, RoleID: "r", SecretID: secret, SecretIDWrapped: true},
	} {
		_, err := (&login{o: o, caller: vault}).token(t.Context())
		if err == nil || strings.Contains(err.Error(), canary) || !strings.Contains(err.Error(), "***") {
			t.Errorf("got %v", err)
		}
	}
}

// A pod logs in to Vault, whose Kubernetes auth method knows its token.
func TestKubernetes(t *testing.T) {
	vault := serve(t, func(w http.ResponseWriter, r *http.Request) {
		var body map[string]string
		if json.NewDecoder(r.Body).Decode(&body) != nil || r.Method != http.MethodPut || r.URL.Path != "/v1/auth/k8s/login" {
			t.Errorf("%s %s", r.Method, r.URL)
		}
		if body["jwt"] != "pod-"+canary || body["role"] != "web" {
			w.WriteHeader(http.StatusForbidden)
			_, _ = io.WriteString(w, `{"errors":["permission denied"]}`)
			return
		}
		_, _ = io.WriteString(w, `{"auth":{"client_token":"`+canary+`","lease_duration":60,"renewable":true}}`)
	})
	o := Login{Method: Kubernetes, Mount: "k8s", Role: "web", JWT: "pod-" + canary}
	g, err := (&login{o: o, caller: vault}).token(t.Context())
	if err != nil || g.token != canary || g.ttl.Seconds() != 60 || !g.renewable {
		t.Error(g.ttl, err)
	}
	o.Role = "other"
	_, err = (&login{o: o, caller: vault}).token(t.Context())
	want := "the kubernetes login at auth/k8s as role other failed (the role must exist there, and be bound to the service account and namespace): Vault answered 403: permission denied"
	if err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
}

// serve starts a server and returns a client of it.
func serve(t *testing.T, h http.HandlerFunc) *client.Client {
	t.Helper()
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); strings.HasPrefix(name, "VAULT_") {
			t.Setenv(name, "")
		}
	}
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	c, err := client.New(client.Options{Server: transport.Server{Address: server.URL}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}
