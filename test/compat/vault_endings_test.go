package compat

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/vault/api"

	"restencil/test/servers"
)

// readsApp is a template that needs Vault.
const readsApp = `{{ with secret "secret/app" }}{{ .Data.data.name }}{{ end }}`

// wrapped is a template whose answer may be wrapped.
const wrapped = `{{ with secret "secret/app" }}{{ with .WrapInfo }}{{ .TTL }} {{ len .Token | lt 10 }}{{ end }} {{ .Data }}{{ end }}`

// A vaultEnding is a way to reach Vault, and how both programs end with it: what
// they render, or their exit code. Where ours says something else, that differs
// on purpose, and reason says why.
type vaultEnding struct {
	name   string
	text   string                                            // "": readsApp
	env    []string                                          // over that of a program that has the root token
	args   []string                                          // of the command line
	config string                                            // beside that of every run
	files  map[string]string                                 // in the working directory, which is the home too
	token  func(t *testing.T, v *servers.VaultServer) string // makes VAULT_TOKEN, one for each program
	want   string
	ours   string // "": want
	reason string
}

// noToken is the environment of a program that has none.
const noToken = "VAULT_TOKEN="

var vaultEndings = []vaultEnding{
	{name: "VAULT_TOKEN", want: "restencil"},
	{name: "no token", env: []string{noToken}, want: "exit 14"},
	{name: "a token that Vault does not know", env: []string{"VAULT_TOKEN=bogus"}, want: "exit 14"},
	{name: "a token with blanks around it", env: []string{"VAULT_TOKEN= \troot\n"}, want: "restencil"},
	{name: "a token of two lines", env: []string{"VAULT_TOKEN=a\nb"}, want: "exit 14"},
	{name: "-vault-renew-token", args: []string{"-vault-renew-token=false"}, want: "restencil"},
	{name: "token", env: []string{noToken}, config: `vault { token = "root" }`, want: "restencil"},
	{name: "token over VAULT_TOKEN", config: `vault { token = "bogus" }`, want: "exit 14"},
	{name: "-vault-token over token", args: []string{"-vault-token", "root"}, config: `vault { token = "bogus" }`, want: "restencil"},
	{name: "~/.vault-token", env: []string{noToken}, files: map[string]string{".vault-token": " root\n"}, want: "restencil"},
	{name: "VAULT_TOKEN over ~/.vault-token", files: map[string]string{".vault-token": "bogus"}, want: "restencil"},
	{name: "a bad ~/.vault-token, and nothing of Vault", text: "none", env: []string{noToken, "VAULT_ADDR="}, files: map[string]string{".vault-token": "bogus"}, want: "none"},
	{name: "a token for some", text: readsApp + `{{ with secret "kv1/nested/a" }}{{ .Data.value }}{{ end }}{{ secrets "kv1/nested" }}`, env: []string{"VAULT_TOKEN=reader"}, want: "restencil1[a b/]"},
	{name: "a secret that the token may not read", text: `{{ secret "secret/private" }}`, env: []string{"VAULT_TOKEN=reader"}, want: "exit 14"},
	{name: "a list that the token may not read", text: `{{ secrets "secret" }}`, env: []string{"VAULT_TOKEN=reader"}, want: "exit 14"},
	{name: "a write that the token may not make", text: `{{ secret "secret/app" "a=1" }}`, env: []string{"VAULT_TOKEN=reader"}, want: "exit 14"},
	{name: "a mount that the token may not see", text: `{{ secret "transit/keys/sign" }}`, env: []string{"VAULT_TOKEN=reader"}, want: "exit 14"},
	{name: "a token that may do nothing", env: []string{"VAULT_TOKEN=nobody"}, want: "exit 14"},
	{name: "one secret of many is missing", text: readsApp + `{{ secret "secret/nosuch" }}`, want: "exit 14"},
	{name: "no retry", text: `{{ secret "secret/nosuch" }}`, config: "vault {\n retry {\n enabled = false\n }\n}", want: "exit 14"},

	{name: "a token file", env: []string{"VAULT_TOKEN=bogus"}, config: `vault { vault_agent_token_file = "token" }`, files: map[string]string{"token": "root\n"}, want: "restencil"},
	{name: "-vault-agent-token-file", env: []string{noToken}, args: []string{"-vault-agent-token-file", "token"}, files: map[string]string{"token": "\n root"}, want: "restencil"},
	{name: "a token file over token", config: `vault { token = "bogus" vault_agent_token_file = "token" }`, files: map[string]string{"token": "root"}, want: "restencil"},
	{name: "a token file that is missing", env: []string{noToken}, config: `vault { vault_agent_token_file = "token" }`, want: "exit 14"},
	{name: "a token file that is empty", env: []string{noToken}, config: `vault { vault_agent_token_file = "token" }`, files: map[string]string{"token": "\n"}, want: "exit 14"},
	{name: "a token file that is missing, and VAULT_TOKEN", config: `vault { vault_agent_token_file = "token" }`, want: "restencil", ours: "exit 14", reason: "a token file that is not there yet is waited for (COMPAT Q28)"},
	{name: "a token file that is missing, and nothing of Vault", text: "none", config: `vault { vault_agent_token_file = "token" }`, want: "none"},
	{name: "a bad token in a token file", config: `vault { vault_agent_token_file = "token" }`, files: map[string]string{"token": "bogus"}, want: "exit 14"},
	{name: "a token file without a name", config: `vault { vault_agent_token_file = "" token = "root" }`, env: []string{noToken}, want: "exit 14", ours: "restencil", reason: "the empty name of a token file is none (COMPAT Q28)"},

	{name: "-vault-unwrap-token", token: wrappedToken, args: []string{"-vault-unwrap-token"}, want: "restencil"},
	{name: "VAULT_UNWRAP_TOKEN", token: wrappedToken, env: []string{"VAULT_UNWRAP_TOKEN=1"}, want: "restencil"},
	{name: "unwrap_token", token: wrappedToken, config: `vault { unwrap_token = true }`, want: "restencil"},
	{name: "a wrapping token that was used", token: usedToken, args: []string{"-vault-unwrap-token"}, want: "exit 14"},
	{name: "a wrapping token that was used, and nothing of Vault", text: "none", token: usedToken, args: []string{"-vault-unwrap-token"}, want: "exit 14", ours: "none", reason: "nothing is asked of Vault before a template does"},
	{name: "no wrapping token", args: []string{"-vault-unwrap-token"}, want: "exit 14"},
	{name: "no token to unwrap", env: []string{noToken}, args: []string{"-vault-unwrap-token"}, want: "exit 14"},
	{name: "a wrapped secret that is no token", token: wrappedSecret, args: []string{"-vault-unwrap-token"}, want: "exit 14"},
	{name: "a wrapping token that is not unwrapped", token: wrappedToken, want: "exit 14"},
	{name: "a wrapping token as JSON", token: wrappedJSON, args: []string{"-vault-unwrap-token"}, want: "restencil"},
	{name: "a token as JSON", env: []string{`VAULT_TOKEN={"token": "root"}`}, want: "restencil"},
	{name: "a token in JSON that is none", env: []string{`VAULT_TOKEN={"token": ""}`}, want: "exit 14"},
	{name: "VAULT_UNWRAP_TOKEN and VAULT_RENEW_TOKEN that make no sense", env: []string{"VAULT_UNWRAP_TOKEN=x", "VAULT_RENEW_TOKEN=x"}, want: "restencil"},

	{name: "-vault-addr over VAULT_ADDR", env: []string{"VAULT_ADDR=http://127.0.0.1:1"}, args: []string{"-vault-addr", "$ADDR"}, want: "restencil"},
	{name: "address over VAULT_ADDR", env: []string{"VAULT_ADDR=http://127.0.0.1:1"}, config: `vault { address = "$ADDR" }`, want: "restencil"},
	{name: "an address with a slash", args: []string{"-vault-addr", "$ADDR/"}, want: "restencil"},
	{name: "an address in capitals", args: []string{"-vault-addr", "HTTP://$HOST"}, want: "restencil"},
	{name: "an address with blanks around it", env: []string{"VAULT_ADDR= $ADDR "}, want: "restencil"},
	{name: "an address with a user", args: []string{"-vault-addr", "http://user:password@$HOST"}, want: "restencil"},
	{name: "an address with a path", args: []string{"-vault-addr", "$ADDR/v1"}, want: "exit 14"},
	{name: "nobody at the address", env: []string{"VAULT_ADDR=http://127.0.0.1:1"}, want: "exit 14"},
	{name: "nobody at the usual address", env: []string{"VAULT_ADDR="}, want: "exit 14"},
	{name: "an address without a scheme", env: []string{"VAULT_ADDR=127.0.0.1:1"}, want: "exit 14"},
	{name: "an address that is none, and nothing of Vault", text: "none", env: []string{"VAULT_ADDR=http://[::1"}, want: "exit 14"},
	{name: "HTTPS where there is HTTP", env: []string{"VAULT_ADDR=https://$HOST"}, want: "exit 14"},
	{name: "VAULT_AGENT_ADDR over VAULT_ADDR", env: []string{"VAULT_ADDR=http://127.0.0.1:1", "VAULT_AGENT_ADDR=$ADDR"}, want: "restencil"},
	{name: "VAULT_AGENT_ADDR over -vault-addr", env: []string{"VAULT_AGENT_ADDR=http://127.0.0.1:1"}, args: []string{"-vault-addr", "$ADDR"}, want: "exit 14", ours: "restencil", reason: "an address that is written wins over the environment"},
	{name: "VAULT_AGENT_ADDR with nobody there", env: []string{"VAULT_AGENT_ADDR=http://127.0.0.1:1"}, want: "exit 14"},
	{name: "VAULT_AGENT_ADDR that is none", env: []string{"VAULT_AGENT_ADDR=http://[::1"}, want: "exit 14"},
	{name: "VAULT_SKIP_VERIFY", env: []string{"VAULT_SKIP_VERIFY=maybe"}, want: "exit 14"},
	{name: "VAULT_SKIP_VERIFY, and nothing of Vault", text: "none", env: []string{"VAULT_SKIP_VERIFY=maybe"}, want: "exit 14"},
	{name: "VAULT_MAX_RETRIES", env: []string{"VAULT_MAX_RETRIES=x"}, want: "exit 14"},
	{name: "VAULT_MAX_RETRIES, and nothing of Vault", text: "none", env: []string{"VAULT_MAX_RETRIES=x"}, want: "exit 14"},
	{name: "VAULT_CLIENT_TIMEOUT", env: []string{"VAULT_CLIENT_TIMEOUT=x"}, want: "exit 14"},
	{name: "VAULT_MAX_RETRIES below zero", env: []string{"VAULT_MAX_RETRIES=-1"}, want: "exit 14"},
	{name: "VAULT_CLIENT_TIMEOUT that is one", env: []string{"VAULT_CLIENT_TIMEOUT=5s"}, want: "restencil"},
	{name: "VAULT_CLIENT_TIMEOUT in seconds", env: []string{"VAULT_CLIENT_TIMEOUT=5"}, want: "restencil"},
	{name: "VAULT_WRAP_TTL", text: wrapped, env: []string{"VAULT_WRAP_TTL=60s"}, want: "60 true map[]"},
	{name: "VAULT_WRAP_TTL that Vault refuses", text: wrapped, env: []string{"VAULT_WRAP_TTL=x"}, want: "exit 14"},
	{name: "VAULT_PROXY_ADDR, which has no effect", env: []string{"VAULT_PROXY_ADDR=http://127.0.0.1:1"}, want: "restencil"},
	{name: "VAULT_RATE_LIMIT", env: []string{"VAULT_RATE_LIMIT=x"}, want: "exit 14"},
	{name: "VAULT_RATE_LIMIT that is one", env: []string{"VAULT_RATE_LIMIT=1000:1000"}, want: "restencil"},
	{name: "VAULT_SRV_LOOKUP", env: []string{"VAULT_SRV_LOOKUP=x"}, want: "exit 14"},
	{name: "VAULT_DISABLE_REDIRECTS", env: []string{"VAULT_DISABLE_REDIRECTS=x"}, want: "exit 14"},
	{name: "VAULT_HEADERS", env: []string{"VAULT_HEADERS=x"}, want: "exit 14"},
	{name: "VAULT_HEADERS that are some", env: []string{`VAULT_HEADERS={"X-Compat": "yes"}`}, want: "restencil"},
	{name: "VAULT_CACERT", env: []string{"VAULT_CACERT=nosuch.pem"}, want: "exit 14"},
	{name: "VAULT_CAPATH", env: []string{"VAULT_CAPATH=nosuch"}, want: "exit 14"},
	{name: "VAULT_CLIENT_CERT", env: []string{"VAULT_CLIENT_CERT=nosuch.pem"}, want: "exit 14"},
	{name: "VAULT_CLIENT_CERT, and nothing of Vault", text: "none", env: []string{"VAULT_CLIENT_CERT=nosuch.pem"}, want: "exit 14"},
	{name: "ca_cert", config: "vault {\n ssl {\n ca_cert = \"nosuch.pem\"\n }\n}", want: "exit 14"},
	{name: "ssl off", config: "vault {\n ssl {\n enabled = false\n }\n}", want: "restencil"},
	{name: "vault off", config: "vault {\n enabled = false\n}", want: "restencil"},
	{name: "VAULT_NAMESPACE, which means nothing here", env: []string{"VAULT_NAMESPACE=team"}, want: "restencil"},
	{name: "namespace", config: `vault { namespace = "team" }`, want: "restencil"},
	{name: "a login on Kubernetes that is refused", env: []string{noToken, "VAULT_K8S_AUTH_ROLE_NAME=web", "VAULT_K8S_SERVICE_ACCOUNT_TOKEN=jwt"}, want: "exit 14"},
	{name: "a token before a login on Kubernetes", env: []string{"VAULT_K8S_AUTH_ROLE_NAME=web", "VAULT_K8S_SERVICE_ACCOUNT_TOKEN=jwt"}, want: "restencil"},
	{name: "a login on Kubernetes without its file", env: []string{noToken, "VAULT_K8S_AUTH_ROLE_NAME=web", "VAULT_K8S_SERVICE_ACCOUNT_TOKEN_PATH=nosuch"}, want: "exit 14"},
}

// wrap returns a wrapping token of what a path answers.
func wrap(t *testing.T, v *servers.VaultServer, path string, body map[string]any) *api.SecretWrapInfo {
	t.Helper()
	c := v.Client()
	c.SetWrappingLookupFunc(func(string, string) string { return "5m" })
	answer, err := c.Logical().Write(path, body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.WrapInfo
}

func wrappedToken(t *testing.T, v *servers.VaultServer) string {
	t.Helper()
	return wrap(t, v, "auth/token/create", map[string]any{"policies": "reader"}).Token
}

func wrappedJSON(t *testing.T, v *servers.VaultServer) string {
	t.Helper()
	return mustJSON(t, wrap(t, v, "auth/token/create", map[string]any{"policies": "reader"}))
}

func wrappedSecret(t *testing.T, v *servers.VaultServer) string {
	t.Helper()
	return wrap(t, v, "sys/wrapping/wrap", map[string]any{"a": "1"}).Token
}

func usedToken(t *testing.T, v *servers.VaultServer) string {
	t.Helper()
	token := wrappedToken(t, v)
	if _, err := v.Client().Logical().Unwrap(token); err != nil {
		t.Fatal(err)
	}
	return token
}

// TestVaultEndings wants both programs to end alike, however Vault is reached.
func TestVaultEndings(t *testing.T) {
	r := newVaultRig(t)
	r.endings(t, vaultEndings)
}

func (r *vaultRig) endings(t *testing.T, all []vaultEnding) {
	t.Helper()
	for _, e := range all {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			if got := r.ending(t, r.oracle, e); got != e.want {
				t.Errorf("consul-template: %s, want %s", got, e.want)
			}
			want := e.want
			if e.reason != "" {
				want = e.ours
			}
			if got := r.ending(t, r.ours, e); got != want {
				t.Errorf("restencil: %s, want %s", got, want)
			}
		})
	}
}

// ending runs a program and returns what it renders, or its exit code.
func (r *vaultRig) ending(t *testing.T, p program, e vaultEnding) string {
	t.Helper()
	p = p.with("VAULT_MAX_RETRIES=0") // to end sooner
	if e.token != nil {
		p = p.with("VAULT_TOKEN=" + e.token(t, r.vault))
	}
	p = p.with(r.fill(e.env)...)
	run := p.prepare(t, []source{{name: e.name, text: cmp.Or(e.text, readsApp)}})
	files := map[string]string{"more.hcl": r.fill([]string{e.config})[0]}
	maps.Copy(files, e.files)
	for name, text := range files {
		path := filepath.Join(run.dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	end := p.once(t.Context(), run, append([]string{"-config", "more.hcl"}, r.fill(e.args)...)...)
	if end.exit != 0 {
		t.Logf("%s: %s", p.name, end.reason())
		return fmt.Sprint("exit ", end.exit)
	}
	text, _ := run.rendered(0)
	return text
}

// fill puts in Vault's address.
func (r *vaultRig) fill(texts []string) []string {
	filled := make([]string, len(texts))
	for i, text := range texts {
		filled[i] = strings.NewReplacer("$ADDR", r.vault.URL(), "$HOST", r.vault.Addr()).Replace(text)
	}
	return filled
}
