package vault

import (
	"fmt"
	"testing"
	"time"

	"restencil/test/await"
	"restencil/test/servers"
)

// lasts is what a Vault that was away is asked for: a value, and what it issued
// before. The token is a root token, which outlives all.
func lasts(t *testing.T) *site {
	t.Helper()
	s := newSite(t, servers.Vault(t, servers.VaultPersistent()))
	s.server.Write("sys/mounts/kv", map[string]any{"type": "kv"})
	s.server.Write("kv/a", map[string]any{"value": "1"})
	s.leased()
	s.server.Write("leased/a", map[string]any{"ttl": "1h"})
	s.vault += "\n default_lease_duration = \"1s\""
	s.template("value", `{{ with secret "kv/a?refresh=1s" }}{{ .Data.value }}{{ end }}`)
	s.template("lease", `{{ with secret "leased/a" }}{{ .LeaseID }}{{ end }}`)
	return s
}

// set gives the value.
func (s *site) set(value string) {
	s.t.Helper()
	s.server.Write("kv/a", map[string]any{"value": value})
}

// recovers fails the test unless a new value arrives within seconds of now, and
// what was issued is still in use.
func (s *site) recovers(value, lease string) {
	s.t.Helper()
	began := time.Now()
	s.set(value)
	await.Eventually(s.t, await.Holds(s.file("value"), value))
	if took, most := time.Since(began), 10*time.Second; took > most {
		s.t.Errorf("it took %v to recover", took)
	}
	if lease != "" {
		s.holdStill(value, lease)
	}
}

// TestVaultIsSealed, and unsealed.
func TestVaultIsSealed(t *testing.T) {
	t.Parallel()
	s := lasts(t)
	d := s.start("-log-level", "info")
	await.Eventually(t, await.Holds(s.file("value"), "1"))
	await.Eventually(t, await.Exists(s.file("lease")))
	lease := content(t, s.file("lease"))
	s.server.Seal()
	await.Eventually(t, d.says("sealed"))
	d.reload()
	time.Sleep(lasting(2 * time.Second)) // the fault
	d.MustBeAlive()
	s.holdStill("1", lease)
	s.server.Unseal()
	s.recovers("2", lease)
}

// holdStill fails the test unless the files are what they were.
func (s *site) holdStill(value, lease string) {
	s.t.Helper()
	for name, want := range map[string]string{"value": value, "lease": lease} {
		if err := await.Holds(s.file(name), want)(); err != nil {
			s.t.Error(err)
		}
	}
}

// TestVaultRestarts: Vault is killed, comes back sealed, and is unsealed.
func TestVaultRestarts(t *testing.T) {
	t.Parallel()
	s := lasts(t)
	d := s.start("-log-level", "info")
	await.Eventually(t, await.Holds(s.file("value"), "1"))
	await.Eventually(t, await.Exists(s.file("lease")))
	lease := content(t, s.file("lease"))
	for i := range max(2, int(*soak/(10*time.Second))) {
		s.server.Kill()
		time.Sleep(time.Second) // the fault
		s.server.StartSealed()
		time.Sleep(500 * time.Millisecond) // and it is sealed for a while
		d.MustBeAlive()
		s.holdStill(fmt.Sprint(i+1), lease)
		s.server.Unseal()
		s.recovers(fmt.Sprint(i+2), lease)
	}
}

// TestVaultIsAwayAtTheStart, and the daemon is killed and starts again while it
// is away.
func TestVaultIsAwayAtTheStart(t *testing.T) {
	t.Parallel()
	s := lasts(t)
	s.server.Kill()
	d := s.start("-log-level", "info")
	await.Eventually(t, d.says("vault"))
	s.server.StartSealed()
	await.Eventually(t, d.says("WARN", "Vault is sealed"))
	absent(t, s.file("value"))
	s.server.Unseal()
	s.recovers("2", "")
	s.server.Kill()
	d.Kill()
	d = s.start("-log-level", "info")
	await.Eventually(t, d.says("vault"))
	if err := await.Holds(s.file("value"), "2")(); err != nil {
		t.Error(err)
	}
	s.server.Start()
	s.recovers("3", "")
}

// TestVaultHangs: Vault accepts connections and answers nothing.
func TestVaultHangs(t *testing.T) {
	t.Parallel()
	s := lasts(t)
	s.env = append(s.env, "VAULT_CLIENT_TIMEOUT=2")
	d := s.start("-log-level", "info")
	await.Eventually(t, await.Holds(s.file("value"), "1"))
	await.Eventually(t, await.Exists(s.file("lease")))
	lease := content(t, s.file("lease"))
	s.server.Pause()
	time.Sleep(lasting(3 * time.Second)) // the fault
	d.MustBeAlive()
	s.holdStill("1", lease)
	s.server.Resume()
	s.recovers("2", lease)
	s.server.Pause()
	d.stop() // at once, though nothing answers
	s.server.Resume()
}
