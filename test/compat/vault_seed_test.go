package compat

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"strings"
	"testing"

	"github.com/hashicorp/vault/api"

	"restencil/test/servers"
)

// A deed is a request that seeds a Vault: a write of a body, or without one a
// deletion.
type deed struct{ path, body string }

// mounts are the engines and ways to log in beside those of every Vault.
var mounts = []deed{
	{"sys/mounts/kv1", `{"type": "kv", "options": {"version": "1"}}`},
	{"sys/mounts/secret-too", `{"type": "kv", "options": {"version": "1"}}`}, // begins as secret/ does
	{"sys/mounts/team/one/kv", `{"type": "kv", "options": {"version": "2"}}`},
	{"sys/mounts/data", `{"type": "kv", "options": {"version": "2"}}`},
	{"sys/mounts/empty", `{"type": "kv", "options": {"version": "2"}}`},
	{"sys/mounts/written", `{"type": "kv", "options": {"version": "2"}}`},
	{"sys/mounts/team/one/written", `{"type": "kv", "options": {"version": "2"}}`},
	{"sys/mounts/written-1", `{"type": "kv", "options": {"version": "1"}}`},
	{"sys/mounts/transit", `{"type": "transit"}`},
	{"sys/mounts/pki", `{"type": "pki", "config": {"max_lease_ttl": "87600h"}}`},
	{"sys/mounts/pki-web", `{"type": "pki", "config": {"max_lease_ttl": "43800h"}}`},
	{"sys/mounts/ssh", `{"type": "ssh"}`},
	{"sys/auth/userpass", `{"type": "userpass", "description": "people"}`},
	{"sys/auth/approle", `{"type": "approle"}`},
}

// secretsOfKV are written in this order.
var secretsOfKV = []deed{
	{"secret/data/app", `{"data": {
		"name": "restencil", "password": "s3cr3t & <more>", "empty": "", "unicode": "Grüße, 世界 🎉", "padded": "  padded \t\n",
		"lines": "one\ntwo\n\nthree\n", "quotes": "\"double\" 'single' back\\slash", "braces": "{{ key \"app/name\" }}", "base64": "R3LDvMOfZQ==",
		"json": "{\"user\": \"web\", \"port\": 5432, \"tags\": [\"b\", \"a\"]}", "digits": "8080", "with-dash": "dashed", "ünï": "ß", "with space": "spaced"
	}}`},
	{"secret/data/numbers", `{"data": {
		"zero": 0, "port": 8080, "negative": -42, "ratio": 0.75, "padded": 1.50, "exponent": 1e3, "big": 9007199254740993,
		"huge": 123456789012345678901234567890, "tiny": 1E-7, "text": "12"
	}}`},
	{"secret/data/kinds", `{"data": {
		"on": true, "off": false, "nothing": null, "list": [3, "two", null, true, [1], {"a": 1}], "no-list": [], "no-map": {},
		"map": {"z": "last", "a": {"deep": {"deeper": "found"}}, "n": 1}
	}}`},
	{"secret/data/bare", `{"data": {}}`},
	{"secret/data/changed", `{"data": {"name": "as it was", "map": {"a": 1}}}`},
	{"secret/data/deep", `{"data": {"a": {"b": {"c": "found"}}}}`},
	{"secret/data/long", `{"data": {"text": "` + strings.Repeat("0123456789abcdef", 4096) + `"}}`},
	{"secret/data/many/a", `{"data": {"value": "1"}}`},
	{"secret/data/many/b", `{"data": {"value": "2"}}`},
	{"secret/data/many/B", `{"data": {"value": "3"}}`},
	{"secret/data/many/10", `{"data": {"value": "4"}}`},
	{"secret/data/many/9", `{"data": {"value": "5"}}`},
	{"secret/data/many/deep/er", `{"data": {"value": "6"}}`},
	{"secret/data/many", `{"data": {"value": "a folder and a secret"}}`},
	{"secret/data/data/inner", `{"data": {"value": "below data/"}}`},
	{"secret/data/metadata/inner", `{"data": {"value": "below metadata/"}}`},
	{"secret/data/database", `{"data": {"value": "begins as data does"}}`},
	{"secret/data/names/a b", `{"data": {"value": "space"}}`},
	{"secret/data/names/a+b", `{"data": {"value": "plus"}}`},
	{"secret/data/names/a%b", `{"data": {"value": "percent"}}`},
	{"secret/data/names/a%20b", `{"data": {"value": "percent two zero"}}`},
	{"secret/data/names/a?b", `{"data": {"value": "question"}}`},
	{"secret/data/names/a#b", `{"data": {"value": "hash"}}`},
	{"secret/data/names/a&b=c", `{"data": {"value": "ampersand"}}`},
	{"secret/data/names/a:b@c", `{"data": {"value": "colon"}}`},
	{"secret/data/names/größe", `{"data": {"value": "umlaut"}}`},
	{"secret/data/versions", `{"data": {"value": "first", "only": "in the first"}}`},
	{"secret/data/versions", `{"data": {"value": "second"}}`},
	{"secret/data/versions", `{"data": {"value": "third"}}`},
	{"secret/data/versions", `{"data": {"value": "fourth"}}`},
	{"secret/delete/versions", `{"versions": [2]}`},
	{"secret/destroy/versions", `{"versions": [3]}`},
	{"secret/metadata/versions", `{"max_versions": 7, "custom_metadata": {"owner": "web", "größe": "ß"}}`},
	{"secret/data/deleted", `{"data": {"value": "first"}}`},
	{"secret/data/deleted", `{"data": {"value": "second"}}`},
	{"secret/data/deleted", ``},
	{"secret/data/undeleted", `{"data": {"value": "here again"}}`},
	{"secret/data/undeleted", ``},
	{"secret/undelete/undeleted", `{"versions": [1]}`},
	{"secret/data/destroyed", `{"data": {"value": "no more"}}`},
	{"secret/destroy/destroyed", `{"versions": [1]}`},
	{"secret/data/expires", `{"data": {"value": "for a while"}}`},
	{"secret/metadata/expires", `{"delete_version_after": "87600h"}`},
	{"secret/data/expires", `{"data": {"value": "for a while yet"}}`},
	{"secret/data/private", `{"data": {"value": "not for everybody"}}`},

	{"kv1/app", `{"name": "of version one", "data": "a field of that name", "number": 5, "on": true, "nothing": null, "map": {"b": 1, "a": [2]}}`},
	{"kv1/merged", `{"name": "as it was", "map": {"a": 1}}`},
	{"kv1/overridden", `{"name": "as it was", "map": {"a": 1}}`},
	{"kv1/nested/a", `{"value": "1"}`},
	{"kv1/nested/b/c", `{"value": "2"}`},
	{"kv1/data/x", `{"value": "below data/"}`},
	{"kv1/with-ttl", `{"value": "short", "ttl": "90s"}`},
	{"kv1/with-number-ttl", `{"value": "short", "ttl": 45}`},
	{"kv1/with-lease", `{"value": "old name", "lease": "1h"}`},
	{"kv1/odd/a b%c", `{"value": "odd"}`},
	{"secret-too/app", `{"name": "of a mount whose path begins like another's"}`},
	{"team/one/kv/data/app", `{"data": {"name": "of a mount with slashes"}}`},
	{"team/one/kv/data/kv/app", `{"data": {"name": "repeats the mount"}}`},
	{"data/data/app", `{"data": {"name": "of a mount called data"}}`},
	{"cubbyhole/mine", `{"value": "in the cubbyhole", "n": 1}`},
	{"cubbyhole/box/deep", `{"value": "deeper"}`},
}

// others are what the other engines have.
var others = []deed{
	{"transit/keys/convergent", `{"derived": true, "convergent_encryption": true, "exportable": true}`},
	{"transit/keys/mac", `{"type": "hmac", "key_size": 32}`},
	{"transit/keys/sign", `{"type": "ed25519"}`},
	{"ssh/roles/otp", `{"key_type": "otp", "default_user": "web", "cidr_list": "10.0.0.0/8"}`},
	{"sys/policies/acl/reader", `{"policy": "path \"secret/data/app\" { capabilities = [\"read\"] }\npath \"kv1/nested/*\" { capabilities = [\"read\", \"list\"] }\npath \"pki-web/issue/web\" { capabilities = [\"update\"] }"}`},
	{"auth/userpass/users/alice", `{"password": "wonderland", "token_policies": "reader", "token_ttl": "1h", "token_max_ttl": "2h"}`},
	{"auth/userpass/users/mallory", `{"password": "wonderland"}`}, // wrong passwords lock her out
	{"auth/userpass/users/batch", `{"password": "wonderland", "token_type": "batch", "token_ttl": "1h"}`},
	{"auth/approle/role/web", `{"token_policies": "reader", "token_ttl": "20m", "secret_id_ttl": "30m", "role_id": "web-role"}`},
	{"auth/approle/role/web/role-id", `{"role_id": "web-role"}`},
	{"auth/approle/role/web/custom-secret-id", `{"secret_id": "web-secret"}`},
	{"auth/approle/role/shut", `{"role_id": "shut-role"}`}, // likewise
	{"identity/entity", `{"name": "alice", "metadata": {"team": "one"}, "policies": ["reader"]}`},
	{"identity/entity", `{"name": "bob"}`},
	{"identity/group", `{"name": "people", "metadata": {"floor": "2"}}`},
	{"auth/token/create", `{"id": "reader", "policies": ["reader"], "ttl": "24h", "display_name": "compat"}`},
	{"auth/token/create", `{"id": "nobody", "policies": ["none"], "no_default_policy": true, "ttl": "24h"}`},
	{"auth/token/roles/short", `{"token_explicit_max_ttl": "1h", "renewable": false, "allowed_policies": "reader"}`},
}

// seedVault fills a new Vault with everything that templates ask for.
func seedVault(t *testing.T, v *servers.VaultServer) {
	t.Helper()
	c := v.Client().Logical()
	do(t, c, mounts...)
	awaitKV(t, c)
	do(t, c, secretsOfKV...)
	do(t, c, others...)
	seedAuthorities(t, v)
}

// do makes requests, one after the other.
func do(t *testing.T, c *api.Logical, deeds ...deed) {
	t.Helper()
	for _, d := range deeds {
		var err error
		if d.body == "" {
			_, err = c.Delete(d.path)
		} else {
			_, err = c.WriteBytes(d.path, []byte(d.body))
		}
		if err != nil {
			t.Fatalf("seeding %s: %v", d.path, err)
		}
	}
}

// awaitKV waits until the new mounts of KV version 2 serve, which need a moment.
func awaitKV(t *testing.T, c *api.Logical) {
	t.Helper()
	for _, mount := range []string{"team/one/kv", "data", "empty", "written", "team/one/written"} {
		eventually(t, "the mount "+mount, func() error {
			_, err := c.Read(mount + "/config")
			return err
		})
	}
}

// seedAuthorities makes a root authority at pki/, and one below it at pki-web/
// whose roles issue certificates with the whole chain.
func seedAuthorities(t *testing.T, v *servers.VaultServer) {
	t.Helper()
	c := v.Client().Logical()
	v.Write("pki/root/generate/internal", map[string]any{"common_name": "Compat Root", "ttl": "87600h", "issuer_name": "root", "key_type": "ec", "key_bits": 256})
	csr := v.Write("pki-web/intermediate/generate/internal", map[string]any{"common_name": "Compat Web", "key_type": "ec", "key_bits": 256})
	signed := v.Write("pki/root/sign-intermediate", map[string]any{"csr": csr.Data["csr"], "ttl": "43800h", "format": "pem_bundle"})
	v.Write("pki-web/intermediate/set-signed", map[string]any{"certificate": fmt.Sprint(signed.Data["certificate"], "\n", signed.Data["issuing_ca"])})
	const role = `{"allowed_domains": "example.com", "allow_subdomains": true, "allow_ip_sans": true, "max_ttl": "720h", "key_type": "ec", "key_bits": 256}`
	do(t, c, deed{"pki/roles/web", role}, deed{"pki-web/roles/web", role})
	do(t, c, deed{"pki-web/roles/leased", strings.Replace(role, "{", `{"generate_lease": true, `, 1)})
	do(t, c, deed{"pki-web/roles/short", strings.Replace(role, "720h", "30s", 1)})

	do(t, c, deed{"secret/data/csr", mustJSON(t, map[string]any{"data": map[string]string{"pem": certificateRequest(t, "signed.example.com")}})})
}

func mustJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// certificateRequest returns a request for a certificate of a new key, as PEM.
func certificateRequest(t *testing.T, name string) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: name}}, key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
}
