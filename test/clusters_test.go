package test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"restencil/test/await"
	"restencil/test/servers"
)

// Two agents that do not know each other have different data and want different
// tokens. While one is away, what the other has goes on to arrive; a file of the one that
// is away stays.
func TestSeveralConsuls(t *testing.T) {
	const token, euToken = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
	own, eu := servers.Consul(t, servers.ACL(token)), servers.Consul(t, servers.ACL(euToken), servers.Persistent())
	put(t, own.Client(), "a", "own 1")
	put(t, eu.Client(), "a", "eu 1")
	t.Setenv("CONSUL_HTTP_TOKEN", token) // which the other does not know
	dir := t.TempDir()
	config, file := filepath.Join(dir, "conf.hcl"), func(name string) string { return filepath.Join(dir, name) }
	writeFile(t, config, fmt.Sprintf(`
		consul { address = %q }
		consul "eu" {
			address = %q
			token   = %q
		}
		consul "anonymous" { address = %[2]q }
		status { address = "127.0.0.1:0" }
		template {
			contents    = "{{ key `+"`a`"+` }}, {{ key `+"`a?cluster=eu`"+` }}"
			destination = %[4]q
		}
		template {
			contents    = "{{ key `+"`a`"+` }}"
			destination = %[5]q
		}
		template {
			contents    = "{{ key `+"`a`"+` }}"
			destination = %[6]q
			consul      = "eu"
		}
		template {
			contents    = "{{ keyExists `+"`a`"+` }}"
			destination = %[7]q
			consul      = "anonymous"
		}`, own.Addr(), eu.Addr(), euToken, file("both"), file("own"), file("eu"), file("anonymous")))
	d := start(t, "-config", config)
	await.Eventually(t, await.Holds(file("both"), "own 1, eu 1"))
	await.Eventually(t, await.Holds(file("own"), "own 1"))
	await.Eventually(t, await.Holds(file("eu"), "eu 1"))
	// Without a token there is an answer or a refusal, as the agent pleases, but never
	// "ACL not found", which is what a token of another cluster gets.

	eu.Kill()
	await.Eventually(t, says(d.Log.String, "consul/eu: no answers"))
	put(t, own.Client(), "a", "own 2")
	await.Eventually(t, await.Holds(file("own"), "own 2"))
	await.Eventually(t, await.Holds(file("both"), "own 2, eu 1")) // with the last answer of the other
	if err := await.Holds(file("eu"), "eu 1")(); err != nil {
		t.Error(err)
	}
	d.MustBeAlive()
	eu.Start()
	put(t, eu.Client(), "a", "eu 2")
	await.Eventually(t, await.Holds(file("both"), "own 2, eu 2"))
	await.Eventually(t, await.Holds(file("eu"), "eu 2"))
	await.Eventually(t, says(d.Log.String, "consul/eu: answers again"))
	for _, unwanted := range []string{"consul: no answers", "ACL not found", token, euToken} {
		if strings.Contains(d.Log.String(), unwanted) {
			t.Errorf("the log has %q", unwanted)
		}
	}
}

// says returns a check that a text that grows has a part.
func says(text func() string, part string) func() error {
	return func() error {
		if !strings.Contains(text(), part) {
			return fmt.Errorf("it does not say %q", part)
		}
		return nil
	}
}

// Two Vaults have different secrets and want different tokens. A reload changes the
// token of one and removes the other.
func TestSeveralVaults(t *testing.T) {
	own, b := servers.Vault(t), servers.Vault(t)
	for name, v := range map[string]*servers.VaultServer{"own": own, "b": b} {
		v.Write("sys/mounts/kv", map[string]any{"type": "kv"})
		v.Write("kv/x", map[string]any{"value": name})
	}
	limited := b.Write("auth/token/create", map[string]any{"policies": []string{"default"}, "no_parent": true}).Auth.ClientToken
	dir := t.TempDir()
	config, file := filepath.Join(dir, "conf.hcl"), func(name string) string { return filepath.Join(dir, name) }
	configure := func(clusters, call string) {
		writeFile(t, config, fmt.Sprintf(`
			vault {
				address = %q
				token   = %q
			}
			%s
			template {
				contents    = "{{ with secret `+"`kv/x?refresh=1s`"+` }}{{ .Data.value }}{{ end }}%s"
				destination = %q
			}`, own.URL(), own.Token(), clusters, call, file("both")))
	}
	withB := func(token string) string {
		return fmt.Sprintf("vault \"b\" {\n address = %q\n token = %q\n}", b.URL(), token)
	}
	const call = "{{ with secret `kv/x?cluster=b&refresh=1s` }}, {{ .Data.value }}{{ end }}"
	configure(withB(limited), call)
	d := start(t, "-config", config)
	await.Eventually(t, says(d.Log.String, "vault/b secret kv/x?refresh=1s: refused"))
	if _, err := os.Stat(file("both")); err == nil {
		t.Error("it is rendered without what the other Vault refuses")
	}
	configure(withB(b.Token()), call)
	d.Signal(syscall.SIGHUP)
	await.Eventually(t, await.Holds(file("both"), "own, b"))
	b.Write("kv/x", map[string]any{"value": "b 2"})
	await.Eventually(t, await.Holds(file("both"), "own, b 2"))
	configure("", " alone")
	d.Signal(syscall.SIGHUP)
	await.Eventually(t, await.Holds(file("both"), "own alone"))
	own.Write("kv/x", map[string]any{"value": "own 2"})
	await.Eventually(t, await.Holds(file("both"), "own 2 alone"))
	d.MustBeAlive()
	if log := d.Log.String(); strings.Contains(log, limited) {
		t.Error("a token is in the log")
	}
}
