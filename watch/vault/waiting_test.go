package vault

import (
	"testing"
	"time"
)

// TestWaitingCounts: while a query waits for Vault, or for a token, it fails as
// often as it would have been asked, for attempts may be bounded.
func TestWaitingCounts(t *testing.T) {
	for name, begin := range map[string]func(w *world){
		"for Vault":   func(w *world) { w.vault.trouble = func(request) error { return errNetwork } },
		"for a token": func(w *world) { w.holder.set(credential{}, &sessionError{text: "no token yet"}) },
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, Options{}, func(w *world) {
				w.vault.mount("secret/", "kv2").put("app", "one")
				begin(w)
				pass(time.Second)
				sinks := []*sinkModel{w.watch(read("secret/app")), w.watch(read("secret/other")), w.watch(read("secret/third"))}
				pass(10 * time.Minute)
				most := 0
				for _, s := range sinks {
					if n := len(s.Events()); n == 0 {
						t.Error("a query does not hear what it waits for")
					} else {
						most = max(most, n)
					}
				}
				if most < 12 || most > 40 {
					t.Errorf("the query that speaks for all failed %d times in ten minutes", most)
				}
				w.vault.change(func() { w.vault.trouble = nil })
				w.holder.set(credential{token: "root", generation: 2}, nil)
				pass(5 * time.Second)
				if s := sinks[0]; s.field("data", "value") != "one" {
					t.Errorf("after the wait: %v, %v", s.answers(), s.failure())
				}
			})
		})
	}
}
