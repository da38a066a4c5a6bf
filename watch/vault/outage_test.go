package vault

import (
	"strings"
	"testing"
	"time"

	"restencil/watch/vault/client"
	"restencil/watch/vault/lease"
)

// TestOutageTurns: a Vault that has come back and is sealed waits for a person,
// who is told.
func TestOutageTurns(t *testing.T) {
	inWorld(t, Options{Lease: lease.Rules{Default: time.Minute}}, func(w *world) {
		w.vault.mount("secret/", "kv2").put("app", "one")
		s := w.watch(read("secret/app"))
		pass(time.Second)
		for i := range 20 { // behind a balancer, they may alternate
			var err error = errNetwork
			if i > 3 && i%2 == 0 {
				err = refuse(503, "Vault is sealed")
			}
			w.vault.change(func() { w.vault.trouble = func(client.Request) error { return err } })
			pass(time.Minute)
		}
		const want = "vault: still no answers: Vault is sealed, and answers nothing until it is unsealed (Vault answered 503: Vault is sealed) (the files stay as they are; retrying)"
		if got := w.noticed(); len(got) != 1 || got[0] != want {
			t.Errorf("told %q, want once %q", got, want)
		}
		if err := s.failure(); err == nil || !strings.Contains(err.Error(), "sealed") {
			t.Errorf("the query fails with %v", err)
		}
	})
}

// TestLostIssues: an answer that did not come may have been a lease, even the
// first one of its path.
func TestLostIssues(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		w.vault.mount("db/", "db")
		w.vault.mount("secret/", "kv2")
		w.vault.change(func() {
			w.vault.trouble = func(r client.Request) error {
				if strings.HasPrefix(r.Path, "sys/") {
					return nil
				}
				return errHung
			}
		})
		w.watch(read("db/creds/app"))
		w.watch(read("secret/app"))
		const minutes = 30
		pass(minutes * time.Minute)
		if n := w.vault.count("GET db/creds/app"); n < minutes/2 || n > 3+minutes {
			t.Errorf("%d reads where leases are issued", n)
		}
		w.vault.change(func() { w.vault.trouble = nil })
		pass(2 * time.Minute)
		if n := w.vault.count("GET db/creds/app"); n > 4+minutes {
			t.Errorf("%d reads after that", n)
		}
	})
}
