package consul

import (
	"fmt"
	"testing"
	"time"

	"restencil/test/watchtest"
	"restencil/watch"
)

func TestConformance(t *testing.T) {
	for name, trouble := range map[string]mode{"hangs up": hangUp, "no leader": noLeader} {
		t.Run(name, func(t *testing.T) {
			watchtest.Run(t, func(t *testing.T) watchtest.Harness {
				agent := newFakeAgent()
				h := keyHarness(t, newFront(t, agent), "key", trouble)
				h.Set = func(value string) { agent.put("key", value) }
				h.Delete = func() { agent.delete("key") }
				return h
			})
		})
	}
}

// keyHarness returns a harness for a key of the agent behind f, without what
// changes it.
func keyHarness(t *testing.T, f *front, key string, trouble mode) watchtest.Harness {
	o := DefaultOptions()
	o.Address = f.addr()
	o.BlockQueryWait = 2 * time.Second
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	h := watchtest.Harness{
		Source:   s,
		Query:    watch.Query{Kind: watch.KVGet, Name: key},
		Value:    keyValue,
		Break:    func() { f.become(trouble) },
		Heal:     func() { f.become(well) },
		Requests: func() int { return f.requests("/v1/kv/" + key) },
	}
	for i := range 8 {
		h.Others = append(h.Others, watch.Query{Kind: watch.KVGet, Name: fmt.Sprint("other/", i)})
	}
	return h
}

func keyValue(data any) (string, bool) {
	pair, ok := data.(*watch.KeyPair)
	if !ok {
		return "", false
	}
	return pair.Value, true
}
