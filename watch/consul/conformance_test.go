package consul

import (
	"fmt"
	"testing"
	"time"

	"restencil/watch"
	"restencil/watch/watchtest"
)

func TestConformance(t *testing.T) {
	for name, broken := range map[string]mode{"hangs up": hangUp, "no leader": noLeader} {
		t.Run(name, func(t *testing.T) {
			watchtest.Run(t, func(t *testing.T) watchtest.Harness {
				f := newFakeAgent(t)
				h := keyHarness(t, f.server.Listener.Addr().String())
				h.Set = func(value string) { f.put("key", value) }
				h.Delete = func() { f.delete("key") }
				h.Break = func() { f.become(broken) }
				h.Heal = func() { f.become(well) }
				h.Requests = func() int { return f.requests("key") }
				return h
			})
		})
	}
}

// keyHarness returns a harness for a key of the agent at addr, without what
// changes it.
func keyHarness(t *testing.T, addr string) watchtest.Harness {
	o := DefaultOptions()
	o.Address = addr
	o.BlockQueryWait = 2 * time.Second
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	h := watchtest.Harness{
		Source: s,
		Query:  watch.Query{Kind: watch.KVGet, Name: "key"},
		Value: func(data any) (string, bool) {
			pair, ok := data.(*watch.KeyPair)
			if !ok {
				return "", false
			}
			return pair.Value, true
		},
	}
	for i := range 8 {
		h.Others = append(h.Others, watch.Query{Kind: watch.KVGet, Name: fmt.Sprint("other/", i)})
	}
	return h
}
