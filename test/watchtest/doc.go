// Package watchtest is the conformance suite of watch.Source.
//
// A source's test passes [Run] a function that makes a source with its own store,
// which each test of the suite calls:
//
//	func TestSource(t *testing.T) {
//		watchtest.Run(t, func(t *testing.T) watchtest.Harness {
//			store := startStore(t)
//			return watchtest.Harness{
//				Source: newSource(t, store.Addr),
//				Query:  watch.Query{Kind: watch.KVGet, Name: "key"},
//				Set:    func(value string) { store.put(t, "key", value) },
//				…
//			}
//		})
//	}
//
// A [Recorder] is a sink that records its calls, for the suite and other tests.
package watchtest
