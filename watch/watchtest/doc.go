// Package watchtest tells whether a watch.Source keeps the promises of that
// interface.
//
// A source's test gives [Run] a function that makes one source with a store
// of its own behind it; each test of the suite calls it anew:
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
// A [Recorder] is a sink that remembers, for the suite and for other tests.
package watchtest
