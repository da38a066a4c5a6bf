package consul

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"restencil/test/agent"
	"restencil/test/watchtest"
	"restencil/watch"
)

// TestSilentDatacenters: however many queries there are to datacenters that do not
// answer, those to others are read in time.
func TestSilentDatacenters(t *testing.T) {
	for silent, datacenters := range map[string][]string{"one": {"far"}, "all others": {"far", "farther", "farthest"}} {
		t.Run(silent, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := DefaultOptions()
				o.MaxConnections = 16
				s, _ := runStub(t, o, func(r *http.Request) (*http.Response, error) {
					if dc := r.URL.Query().Get("dc"); dc != "" && dc != "near" || r.URL.Query().Has("index") {
						return agent.Hold(r)
					}
					return agent.Respond(200, "[]", agent.Index("5")...)
				})
				var near []*watchtest.Recorder
				watchAll := func(datacenter string) (all []*watchtest.Recorder) {
					for i := range 40 {
						r := watchtest.NewRecorder(t)
						q := watch.Query{Kind: watch.NodeList, Near: fmt.Sprint(i), Datacenter: datacenter} // which shares no request
						s.Watch(watch.Subscription{ID: q.ID(), Sink: r})
						all = append(all, r)
					}
					return all
				}
				for _, datacenter := range datacenters {
					watchAll(datacenter)
				}
				time.Sleep(time.Minute) // all that may wait for them does
				near = watchAll("")
				if silent == "one" {
					near = append(near, watchAll("near")...)
				}
				time.Sleep(5 * time.Second)
				synctest.Wait()
				missing := 0
				for _, r := range near {
					if len(r.Events()) == 0 {
						missing++
					}
				}
				if missing > 0 {
					t.Errorf("%d of %d queries have no answer", missing, len(near))
				}
			})
		})
	}
}
