package vault

import (
	"fmt"
	"testing"
	"time"

	"restencil/test/watchtest"
	"restencil/watch"
	"restencil/watch/schedule"
	"restencil/watch/vault/client"
	"restencil/watch/vault/lease"
)

// TestConformance: of what can be asked for, lists are what may not exist and
// still have an answer. The name in the list is the value.
func TestConformance(t *testing.T) {
	for name, trouble := range map[string]error{"network": errNetwork, "sealed": refuse(503, "Vault is sealed"), "forbidden": refuse(403, "permission denied")} {
		t.Run(name, func(t *testing.T) {
			watchtest.Run(t, func(t *testing.T) watchtest.Harness { return listHarness(trouble) })
		})
	}
}

func listHarness(trouble error) watchtest.Harness {
	vault := newVaultModel()
	kv := vault.mount("secret/", "kv2")
	o := Options{Lease: lease.Rules{Default: 5 * time.Millisecond}, Retry: schedule.Backoff{Base: time.Millisecond, Max: 5 * time.Millisecond}}
	h := watchtest.Harness{
		Source: newSource(o.filled(), vault, newHolderModel(), ""),
		Query:  watch.Query{Kind: watch.VaultList, Name: "secret/mine"},
		Set: func(value string) {
			vault.change(func() { clear(kv.secrets); kv.put("mine/"+value, "") })
		},
		Delete: func() { vault.change(func() { clear(kv.secrets) }) },
		Value: func(data any) (string, bool) {
			list := data.([]string)
			if len(list) == 0 {
				return "", false
			}
			return list[0], true
		},
		Break: func() { vault.change(func() { vault.trouble = func(client.Request) error { return trouble } }) },
		Heal:  func() { vault.change(func() { vault.trouble = nil }) },
	}
	for i := range 8 {
		h.Others = append(h.Others, watch.Query{Kind: watch.VaultList, Name: fmt.Sprint("secret/other/", i)})
	}
	return h
}

// TestUnwatchEndsTheRequest, but where that may issue something.
func TestUnwatchEndsTheRequest(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		w.vault.mount("secret/", "kv2").put("app", "one")
		w.vault.mount("db/", "db")
		list := watch.Query{Kind: watch.VaultList, Name: "secret"}
		warm := []watch.Query{{Kind: watch.VaultList, Name: "db"}, list}
		for _, q := range warm {
			w.watch(q)
		}
		pass(time.Second)
		w.source.Unwatch(warm[0].ID(), warm[1].ID())
		w.vault.change(func() { w.vault.delay = 10 * time.Second })
		for _, q := range []watch.Query{list, read("secret/app"), read("db/creds/app")} {
			w.watch(q)
			pass(time.Second)
			w.source.Unwatch(q.ID())
			pass(time.Second)
		}
		w.vault.change(func() {
			if w.vault.underWay != 1 {
				t.Errorf("%d requests are under way, want that for the credential", w.vault.underWay)
			}
		})
		s := w.watch(read("db/creds/app"))
		pass(20 * time.Second)
		if s.field("password") == nil || w.vault.count("GET db/creds/app") != 1 {
			t.Errorf("what was issued was lost: %v, %d requests", s.field(), w.vault.count("GET db/creds/app"))
		}
	})
}

func TestEndsAtOnce(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		w.vault.delay = time.Hour
		w.watch(read("secret/app"))
		pass(time.Second)
		start := time.Now()
		w.stop()
		if d := time.Since(start); d > shutdownGrace {
			t.Errorf("it took %v to end", d)
		}
	})
}

func TestNotAQuestionForVault(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		s := w.after(watch.Query{Kind: watch.KVGet, Name: "x"})
		if watch.Classify(s.failure()) != watch.Invalid {
			t.Error(s.failure())
		}
	})
}
