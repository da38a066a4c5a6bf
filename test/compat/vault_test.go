package compat

import (
	"testing"
	"time"

	"restencil/test/servers"
)

// A vaultRig is the two programs, and the Vault and the Consul that they ask.
type vaultRig struct {
	*rig
	vault *servers.VaultServer
}

// newVaultRig starts a seeded Vault beside a Consul, or skips the test where
// there is none.
func newVaultRig(t *testing.T, options ...servers.VaultOption) *vaultRig {
	t.Helper()
	vault := servers.Vault(t, options...)
	r := &vaultRig{rig: newRig(t), vault: vault}
	seedVault(t, vault)
	r.oracle = r.oracle.asking(vault)
	r.ours = r.ours.asking(vault)
	return r
}

// asking returns the program, set up for a Vault.
func (p program) asking(v *servers.VaultServer) program {
	return p.with(
		"VAULT_ADDR="+v.URL(),
		"VAULT_TOKEN="+v.Token(),
		"COMPAT_PROGRAM="+p.name, // for what each writes in a place of its own
	)
}

// with returns the program with more variables in its environment. Later ones
// win.
func (p program) with(env ...string) program {
	p.env = append(p.env[:len(p.env):len(p.env)], env...)
	return p
}

// eventually waits until check returns nil.
func eventually(t *testing.T, what string, check func() error) {
	t.Helper()
	for deadline := time.Now().Add(timeout); ; time.Sleep(5 * time.Millisecond) {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("waiting for %s: %v", what, err)
		}
	}
}

// TestVaultSubjects renders the templates of testdata/vault/*.txtar, which are
// as those of TestSubjects, with both programs.
func TestVaultSubjects(t *testing.T) {
	newVaultRig(t).subjects(t, "testdata/vault/*.txtar")
}
