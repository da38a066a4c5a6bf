package vault

import (
	"errors"
	"testing"
	"time"

	"restencil/watch"
	"restencil/watch/schedule"
	"restencil/watch/vault/client"
	"restencil/watch/vault/token"
)

// TestAttemptsAreCounted: while queries wait for Vault, the attempts of those
// that ask for all are theirs: as many and as far apart as consul-template's.
func TestAttemptsAreCounted(t *testing.T) {
	o := Options{Retry: schedule.Backoff{Base: 250 * time.Millisecond, Max: time.Minute, Attempts: 12}}
	inWorld(t, o, func(w *world) {
		w.vault.mount("secret/", "kv2").put("app", "one")
		w.vault.trouble = func(client.Request) error { return errNetwork }
		sinks := []*sinkModel{w.watch(read("secret/app")), w.watch(read("secret/other")), w.watch(read("secret/third"))}
		pass(5 * time.Minute)
		if n := attempts(sinks); n != 12 {
			t.Errorf("%d attempts within five minutes, want 12", n)
		}
		pass(4 * time.Second)
		if n := attempts(sinks); n != 13 {
			t.Errorf("%d attempts after that, want 13", n)
		}
		if n := w.vault.count("GET sys/health"); n != 12 {
			t.Errorf("%d probes, want one an attempt but the first", n)
		}
		for i, s := range sinks {
			if s.failure() == nil {
				t.Errorf("query %d does not hear what it waits for", i)
			}
		}
		pass(time.Hour)
		if n := w.vault.count("GET sys/health"); n != 12 {
			t.Errorf("%d probes in all", n)
		}
	})
}

// attempts returns the most attempts of which a failure tells.
func attempts(sinks []*sinkModel) int {
	most := 0
	for _, s := range sinks {
		for _, e := range s.Events() {
			var told *watch.Error
			if errors.As(e.Err, &told) {
				most = max(most, told.Attempts)
			}
		}
	}
	return most
}

// TestAttemptsForAToken: so are those of the manager.
func TestAttemptsForAToken(t *testing.T) {
	inWorld(t, Options{}, func(w *world) {
		w.vault.mount("secret/", "kv2").put("app", "one")
		sinks := []*sinkModel{w.watch(read("secret/app")), w.watch(read("secret/other"))}
		w.holder.set(token.Epoch{}, token.ErrPending)
		pass(time.Second)
		w.holder.set(token.Epoch{}, &token.Error{Text: "no token yet", Attempts: 3})
		pass(time.Second)
		late := w.watch(read("secret/third"))
		pass(time.Second)
		for i, s := range append(sinks, late) {
			var told *watch.Error
			if !errors.As(s.failure(), &told) && s.field("data", "value") == nil || told != nil && (told.Attempts != 3 || !told.All) {
				t.Errorf("query %d: %+v", i, told)
			}
		}
		w.holder.set(token.Epoch{Token: "root", Number: 2}, nil)
		pass(5 * time.Second)
		if s := sinks[0]; s.field("data", "value") != "one" {
			t.Errorf("after the wait: %v, %v", s.answers(), s.failure())
		}
	})
}
