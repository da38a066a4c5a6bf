package compat

import (
	"os"
	"path/filepath"
	"testing"

	"restencil/test/servers"
)

// TestVaultTLS wants both programs to reach a Vault over TLS in the same ways.
func TestVaultTLS(t *testing.T) {
	r := newVaultRig(t, servers.VaultTLS())
	ca := r.vault.CAFile()
	cert, key := r.vault.ClientCert("compat")
	authority, err := os.ReadFile(ca)
	if err != nil {
		t.Fatal(err)
	}
	ssl := func(settings string) string { return "vault {\n ssl {\n" + settings + "\n }\n}" }
	r.endings(t, []vaultEnding{
		{name: "an authority that nobody knows", want: "exit 14"},
		{name: "VAULT_CACERT", env: []string{"VAULT_CACERT=" + ca}, want: "restencil"},
		{name: "VAULT_CACERT_BYTES", env: []string{"VAULT_CACERT_BYTES=" + string(authority)}, want: "restencil"},
		{name: "VAULT_CAPATH", env: []string{"VAULT_CAPATH=authorities"}, files: map[string]string{"authorities/ca.pem": string(authority)}, want: "restencil"},
		{name: "VAULT_SKIP_VERIFY", env: []string{"VAULT_SKIP_VERIFY=true"}, want: "restencil"},
		{name: "-vault-ssl-verify", args: []string{"-vault-ssl-verify=false"}, want: "restencil"},
		{name: "-vault-ssl-verify over VAULT_SKIP_VERIFY", env: []string{"VAULT_SKIP_VERIFY=true"}, args: []string{"-vault-ssl-verify=true"}, want: "exit 14"},
		{name: "-vault-ssl-ca-cert", args: []string{"-vault-ssl-ca-cert", ca}, want: "restencil"},
		{name: "-vault-ssl-ca-path", args: []string{"-vault-ssl-ca-path", filepath.Dir(ca)}, want: "exit 14"}, // there are keys too
		{name: "ca_cert_bytes", config: ssl("ca_cert_bytes = <<EOF\n" + string(authority) + "EOF"), want: "restencil"},
		{name: "a server name that is another", args: []string{"-vault-ssl-ca-cert", ca, "-vault-ssl-server-name", "other"}, want: "exit 14"},
		{name: "VAULT_TLS_SERVER_NAME", env: []string{"VAULT_CACERT=" + ca, "VAULT_TLS_SERVER_NAME=other"}, want: "exit 14"},
		{name: "TLS settings that are off", args: []string{"-vault-ssl=false"}, env: []string{"VAULT_CACERT=" + ca}, want: "exit 14", ours: "restencil", reason: "what VAULT_CACERT says counts whenever TLS is used"},
		{name: "TLS settings that are off, and VAULT_SKIP_VERIFY", args: []string{"-vault-ssl=false"}, env: []string{"VAULT_SKIP_VERIFY=1"}, want: "exit 14"},
		{name: "a client's certificate", args: []string{"-vault-ssl-ca-cert", ca, "-vault-ssl-cert", cert, "-vault-ssl-key", key}, want: "restencil"},
		{name: "a client's certificate without its key", args: []string{"-vault-ssl-ca-cert", ca, "-vault-ssl-cert", cert}, want: "exit 14"},
		{name: "VAULT_CLIENT_CERT and VAULT_CLIENT_KEY", env: []string{"VAULT_CACERT=" + ca, "VAULT_CLIENT_CERT=" + cert, "VAULT_CLIENT_KEY=" + key}, want: "restencil"},
		{name: "VAULT_CLIENT_CERT without its key", env: []string{"VAULT_CACERT=" + ca, "VAULT_CLIENT_CERT=" + cert}, want: "exit 14"},
		{name: "HTTP where there is HTTPS", env: []string{"VAULT_ADDR=http://$HOST"}, want: "exit 14"},
	})
}
