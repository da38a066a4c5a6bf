package funcs

import (
	"bytes"
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"text/template"

	"restencil/watch"
)

func TestVaultQueries(t *testing.T) {
	tests := []struct {
		args []string
		want watch.Query
	}{
		{[]string{"secret/foo"}, watch.Query{Kind: watch.VaultRead, Name: "secret/foo"}},
		{[]string{" /secret/foo/ "}, watch.Query{Kind: watch.VaultRead, Name: "secret/foo"}},
		{[]string{"secret/foo?version=2&b=1"}, watch.Query{Kind: watch.VaultRead, Name: "secret/foo", Params: "b=1&version=2"}},
		{[]string{"secret/a%20b#part"}, watch.Query{Kind: watch.VaultRead, Name: "secret/a b"}},
		{[]string{"/a/b/", "z= 1 ", "", " a =b=c"}, watch.Query{Kind: watch.VaultWrite, Name: "a/b", Params: "a=b%3Dc&z=1"}},
		{[]string{"a?x=1", ""}, watch.Query{Kind: watch.VaultWrite, Name: "a?x=1"}},
		{[]string{"a", "k=1", "k=2"}, watch.Query{Kind: watch.VaultWrite, Name: "a", Params: "k=2"}},
	}
	for _, tt := range tests {
		got, err := secretQuery(tt.args[0], tt.args[1:])
		if err != nil || got != tt.want {
			t.Errorf("secret %q asks %+v, %v; want %+v", tt.args, got, err, tt.want)
		}
	}
}

func TestVault(t *testing.T) {
	secret := &watch.Secret{
		RequestID: "r", LeaseDuration: 60, Renewable: true,
		Data: map[string]any{"password": "p", "n": json.Number("12345678901234567890")},
	}
	pki := watch.Query{Kind: watch.VaultPKI, Name: "pki/issue/web",
		Params: watch.PKIParams(url.Values{"common_name": {"a.example"}, "ttl": {"1h"}}, "/etc/app.pem")}
	store := fakeExecution{data: map[string]any{
		"vault.read(secret/app)":           secret,
		"vault.write(auth/x)":              (*watch.Secret)(nil),
		"vault.write(auth/y)":              nil,
		"vault.list(secret)":               []string{"a", "b/"},
		"vault.list(none)":                 nil,
		pki.String():                       watch.Certificate{Cert: "C\n", Key: "K\n", CA: "A\n", CAChain: []string{"A\n"}},
		"vault.read(secret/app?version=2)": &watch.Secret{Data: map[string]any{"password": "old"}},
	}}
	runStoreTests(t, store, []storeTest{
		{text: `{{ with secret "secret/app" }}{{ .Data.password }} {{ .Data.n }} {{ .LeaseDuration }} {{ .Renewable }} {{ .Auth }}{{ end }}`,
			want: `p 12345678901234567890 60 true <nil>`},
		{text: `{{ secret "secret/app" }}`, want: `{r  60 true map[n:12345678901234567890 password:p] [] <nil> <nil>}`},
		{text: `{{ (secret "secret/app?version=2").Data.password }}`, want: `old`},
		{text: `{{ with secret "auth/x" "" }}in{{ end }}{{ secret "auth/x" "" }}`, want: `<nil>`},
		{text: `{{ with secret "auth/y" "" }}in{{ else }}out{{ end }}`, want: `out`},
		{text: `{{ range secrets "/secret/" }}{{ . }} {{ end }}{{ secrets "none" | toJSON }}`, want: `a b/ null`},
		{text: `{{ with pkiCert "pki/issue/web" "ttl=1h" "common_name=a.example" }}{{ .Cert }}{{ .Data.Key }}{{ .CA }}{{ .CAChain }}{{ end }}`,
			want: "C\nK\nA\n[A\n]"},
		{text: `{{ secret "" }}`, fail: `error calling secret: vault.read: invalid format: ""`},
		{text: `{{ secret " / " }}`, fail: `vault.read: invalid format: ""`},
		{text: `{{ secret "/" "a=b" }}`, fail: `vault.write: invalid format: ""`},
		{text: `{{ secret "a" "b" }}`, fail: `not k=v pair "b"`},
		{text: `{{ secret "1:b/c" }}`, fail: `first path segment`},
		{text: `{{ secrets "/" }}`, fail: `vault.list: invalid format: ""`},
		{text: `{{ pkiCert "" }}`, fail: `vault.read: invalid format: ""`},
		{text: `{{ pkiCert "a" "b" }}`, fail: `not k=v pair "b"`},
	})
}

// Where Vault has clusters, cluster=NAME is the name of one and not a parameter.
func TestVaultClusters(t *testing.T) {
	for arg, want := range map[string]struct{ path, cluster string }{
		"a":                     {"a", ""},
		"a?version=2":           {"a?version=2", ""},
		"a?cluster=x":           {"a", "x"},
		"a?cluster=x&version=2": {"a?version=2", "x"},
		"a?b=1&cluster=x&c=1":   {"a?b=1&c=1", "x"},
	} {
		e := &Env{Vaults: func() bool { return true }}
		if path, cluster := (vault{e}).split(arg); path != want.path || cluster != want.cluster {
			t.Errorf("%s: %q of %q, want %+v", arg, path, cluster, want)
		}
		if path, cluster := (vault{new(Env)}).split(arg); path != arg || cluster != "" {
			t.Errorf("%s without clusters: %q of %q", arg, path, cluster)
		}
	}
}

// A template may change its copy of a secret and read it back; nobody else, and
// no later execution, sees that.
func TestSecretsAreTheTemplatesOwn(t *testing.T) {
	secret := &watch.Secret{Data: map[string]any{"a": "1", "data": map[string]any{"b": []any{"2"}}}}
	x := &fakeExecution{data: map[string]any{"vault.read(x)": secret}}
	e, functions := storeEnv(x)
	const text = `{{ set (secret "x").Data "a" "9" }}{{ set (secret "x").Data.data "b" "9" }}{{ (secret "x").Data.a }}{{ (secret "x").Data.data.b }}`
	tmpl := template.Must(template.New("").Funcs(functions).Parse(text))
	for range 2 {
		e.Begin(t.Context(), x)
		before, _ := json.Marshal(secret)
		var out bytes.Buffer
		if err := tmpl.Execute(&out, nil); err != nil || out.String() != "99" {
			t.Errorf("rendered %q, %v", &out, err)
		}
		e.Finish()
		if after, _ := json.Marshal(secret); !bytes.Equal(before, after) {
			t.Errorf("the answer changed from %s to %s", before, after)
		}
	}
}

// Queries are shown in logs; what is written to Vault is not.
func TestQueryTextHidesTheBody(t *testing.T) {
	q, err := secretQuery("auth/login", []string{"password=hunter2"})
	if err != nil || strings.Contains(q.String(), "hunter2") {
		t.Errorf("the query reads %s, %v", q, err)
	}
}
