package test

import (
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"restencil/test/servers"
)

// vaultArgs has a daemon ask v, with what else is given.
func vaultArgs(v *servers.VaultServer, args ...string) []string {
	return append([]string{"-vault-addr", v.URL(), "-vault-token", v.Token(), "-vault-renew-token=false"}, args...)
}

// mountPKI gives v a CA, and a role web whose certificates have leases.
func mountPKI(t *testing.T, v *servers.VaultServer) {
	t.Helper()
	v.Write("sys/mounts/pki", map[string]any{"type": "pki"})
	v.Write("pki/root/generate/internal", map[string]any{"common_name": "ca", "ttl": "24h"})
	v.Write("pki/roles/web", map[string]any{"allow_any_name": true, "generate_lease": true, "ttl": "1h", "max_ttl": "2h"})
}

// What was taken from Vault is in the files that it was rendered to, and nowhere
// else: not in the log of any level, whatever fails, not in what a check prints,
// the environment of commands, or the state directory with its history.
func TestSecretsStayInTheirFiles(t *testing.T) {
	v := servers.Vault(t)
	mountPKI(t, v)
	const canary = "canary\"quoted\"\nsecond-canary-line"
	write := func(n int) {
		v.Write("secret/data/app", map[string]any{"data": map[string]any{"password": fmt.Sprintf("%s-%d", canary, n)}})
	}
	write(1)
	dir := t.TempDir()
	state, env, conf := filepath.Join(dir, "state"), filepath.Join(dir, "env"), filepath.Join(dir, "c.hcl")
	writeFile(t, conf, strings.ReplaceAll(`
vault { default_lease_duration = "1s" }
bundle "b" {
  check  = "cat $RESTENCIL_STAGED; cat $RESTENCIL_STAGED >&2; env >>DIR/env; test ! -e DIR/fail-check"
  reload = "env >>DIR/env; date >>DIR/reloaded"
  verify { command = "cat DIR/one; test ! -e DIR/fail-verify" within = "10ms" }
}
template {
  contents    = "{{ with secret \"secret/data/app\" }}{{ .Data.data.password }}{{ .Data.data | toJSON }}{{ spew_dump . }}{{ end }}"
  destination = "DIR/one"
  bundle      = "b"
}
template {
  contents    = "{{ with pkiCert \"pki/issue/web\" \"common_name=a.example\" }}{{ .Cert }}{{ .Key }}{{ end }}"
  destination = "DIR/two"
  bundle      = "b"
}
template {
  contents    = "{{ with secret \"secret/data/app\" }}{{ .Data.data.password | parseInt }}{{ end }}"
  destination = "DIR/never"
}
template {
  contents    = "{{ with secret \"secret/data/app\" }}{{ index (.Data.data.password | split \"\\n\") 1 | parseJSON }}{{ end }}"
  destination = "DIR/never-either"
}
`, "DIR", dir))
	d := start(t, vaultArgs(v, "-config", conf, "-state-dir", state, "-log-level", "trace")...)
	rendered := func(n int) func() error {
		return func() error {
			text, err := os.ReadFile(filepath.Join(dir, "one"))
			if err == nil && !strings.Contains(string(text), fmt.Sprintf("%s-%d", canary, n)) {
				err = fmt.Errorf("one holds %q, want password %d", text, n)
			}
			return err
		}
	}
	told := func(text string) func() error {
		return func() error {
			if !strings.Contains(d.stderr.String(), text) {
				return errors.New("not told: " + text)
			}
			return nil
		}
	}
	eventually(t, rendered(1))
	for i, fail := range []string{"fail-check", "fail-verify"} {
		writeFile(t, filepath.Join(dir, fail), "")
		write(i + 2)
		eventually(t, told(strings.TrimPrefix(fail, "fail-")+" failed"))
		if err := os.Remove(filepath.Join(dir, fail)); err != nil {
			t.Fatal(err)
		}
		eventually(t, rendered(i+2))
	}
	if err := d.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	eventually(t, told("Reloading configuration"))
	eventually(t, told("[redacted]"))
	eventually(t, told("everybody on this machine can read it"))
	d.stop()

	hidden := []string{"canary\\", "canary\"", "second-canary"}
	hidden = append(hidden, keyLines(t, filepath.Join(dir, "two"))...)
	for _, h := range hidden {
		if strings.Contains(d.stderr.String(), h) {
			t.Errorf("the log and what checks print show %q", h)
		}
		if text, err := os.ReadFile(env); err != nil || strings.Contains(string(text), h) {
			t.Errorf("the environment of commands shows %q (%v)", h, err)
		}
	}
	files := 0
	err := filepath.WalkDir(state, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		files++
		text, err := os.ReadFile(path)
		for _, h := range hidden {
			if strings.Contains(string(text), h) {
				t.Errorf("%s has %q", path, h)
			}
		}
		return err
	})
	if err != nil || files == 0 {
		t.Errorf("%d files in the state directory, %v", files, err)
	}
}

// keyLines returns the lines of the private key in a file.
func keyLines(t *testing.T, path string) []string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if strings.HasSuffix(block.Type, "PRIVATE KEY") {
			lines := strings.Split(strings.TrimSpace(string(pem.EncodeToMemory(block))), "\n")
			return lines[1 : len(lines)-1]
		}
	}
	t.Fatalf("%s has no private key", path)
	return nil
}

// However often the configuration is read again, nothing is issued anew, unless
// Vault is reached in another way. revoke_on_exit gives back what was issued.
func TestReloadIssuesNothing(t *testing.T) {
	v := servers.Vault(t)
	mountPKI(t, v)
	dir := t.TempDir()
	out, conf := filepath.Join(dir, "out"), filepath.Join(dir, "c.hcl")
	configure := func(lease, other string) {
		writeFile(t, conf, other+`
vault {
  revoke_on_exit         = true
  default_lease_duration = "`+lease+`"
}
template {
  contents    = "{{ with secret \"pki/issue/web\" \"common_name=a.example\" }}{{ .LeaseID }}{{ end }}"
  destination = "`+out+`"
  perms       = "0600"
}`)
	}
	leases := func() int {
		t.Helper()
		list, err := v.Client().Logical().List("sys/leases/lookup/pki/issue/web")
		if err != nil {
			t.Fatal(err)
		}
		if list == nil {
			return 0
		}
		return len(list.Data["keys"].([]any))
	}
	configure("5m", "")
	d := start(t, vaultArgs(v, "-config", conf)...)
	eventually(t, func() error {
		text, err := os.ReadFile(out)
		if err == nil && !strings.HasPrefix(string(text), "pki/issue/web/") {
			err = fmt.Errorf("out holds %q, no lease", text)
		}
		return err
	})
	reload := func() {
		t.Helper()
		before := strings.Count(d.stderr.String(), "Reloading")
		if err := d.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		eventually(t, func() error {
			if strings.Count(d.stderr.String(), "Reloading") == before {
				return errors.New("nothing is reloaded")
			}
			return nil
		})
	}
	for range 20 {
		reload()
	}
	configure("5m", `consul { address = "127.0.0.1:1" }`)
	reload()
	time.Sleep(500 * time.Millisecond) // for what must not happen
	if n := leases(); n != 1 {
		t.Errorf("%d leases after 21 reloads, want the one", n)
	}
	first, _ := os.ReadFile(out)

	configure("7m", "")
	reload()
	eventually(t, func() error {
		if text, err := os.ReadFile(out); err != nil || string(text) == string(first) {
			return fmt.Errorf("another Vault source, and out still holds %q (%v)", text, err)
		}
		return nil
	})
	if n := leases(); n != 2 {
		t.Errorf("%d leases with the second source, want 2", n)
	}
	d.stop()
	if n := leases(); n != 1 {
		t.Errorf("%d leases at the end, want only that of the source that was replaced", n)
	}
}
