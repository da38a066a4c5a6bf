package cache

import (
	"context"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"restencil/watch"
)

// A source that takes the place of another with the same file begins with what
// that knew last, not with what it had written last.
func TestReplaceASourceWithTheSameFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file, q := filepath.Join(t.TempDir(), "cache"), keyNamed("key")
		first, second := newMemory(), newMemory()
		second.breakDown()
		cached := func(m *memory) map[watch.Store]watch.Source {
			return map[watch.Store]watch.Source{watch.Consul: New(m, file, Options{})}
		}
		w := watch.New(cached(first))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			w.Run(ctx)
		}()
		w.Watch(q.ID())
		first.set(q, pair("1"))
		time.Sleep(time.Minute) // and it is written
		first.set(q, pair("2"))
		synctest.Wait()
		w.Replace(cached(second))
		time.Sleep(time.Minute)
		updates := w.Take()
		if len(updates) != 1 {
			t.Fatalf("%d updates, want one", len(updates))
		}
		st := updates[0].State
		if p, ok := st.Answer.Data.(*watch.KeyPair); !ok || p.Value != "2" || st.Failure == nil {
			t.Errorf("while the new store is away: %+v, want the value 2 and a failure", st)
		}
		second.heal()
		second.set(q, pair("3"))
		time.Sleep(time.Minute)
		for _, up := range w.Take() {
			st = up.State
		}
		if p, ok := st.Answer.Data.(*watch.KeyPair); !ok || p.Value != "3" || st.Failure != nil {
			t.Errorf("when it is back: %+v, want the value 3 and no failure", st)
		}
		cancel()
		<-done
	})
}
