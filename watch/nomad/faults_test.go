package nomad

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"restencil/test/watchtest"
	"restencil/watch"
	"restencil/watch/blocking"
	"restencil/watch/consul"
)

// TestHalfOpen: a connection stays open, and nothing comes through. That is noticed when
// the agent must have answered.
func TestHalfOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeNomad(t)
		f.put("app", map[string]string{"v": "one"})
		s, network := runInBubble(t, f)
		r := watchVar(t, s)
		time.Sleep(10 * time.Second)
		network.strand()
		f.put("app", map[string]string{"v": "two"})
		stranded := time.Now()
		r.Wait("two", time.Hour, func([]watchtest.Event) bool { return slices.Contains(said(r), "two") })
		wait := DefaultOptions().BlockQueryWait
		if took, most := time.Since(stranded), wait+wait/16+blocking.Silence+time.Second; took > most {
			t.Errorf("the change is known after %v, want %v at most", took, most)
		}
		if got := said(r); len(got) != 3 || !strings.Contains(got[1], "no answer within") {
			t.Errorf("the sink heard %q, want one, a failure, and two", got)
		}
		f.put("app", map[string]string{"v": "three"})
		r.Wait("three", time.Second, func([]watchtest.Event) bool { return slices.Contains(said(r), "three") })
	})
}

// TestRestored: Nomad goes back to a snapshot, and tells nobody who waits. When that is over,
// what the snapshot has is confirmed, and what comes after it is known at once.
func TestRestored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeNomad(t)
		f.put("app", map[string]string{"v": "one"})
		s, _ := runInBubble(t, f)
		r := watchVar(t, s)
		time.Sleep(10 * time.Second)
		f.restore(5, "app", map[string]string{"v": "old"})
		time.Sleep(DefaultOptions().BlockQueryWait)
		f.put("app", map[string]string{"v": "new"})
		time.Sleep(time.Second)
		if got, want := said(r), []string{"one", "old", "new"}; !slices.Equal(got, want) {
			t.Errorf("the sink heard %q, want %q", got, want)
		}
		var asked []string
		for _, r := range f.asked() {
			how := "index " + r.FormValue("index")
			if !r.Form.Has("stale") {
				how = "the leader"
			}
			asked = append(asked, how)
		}
		if want := []string{"index ", "index 11", "the leader", "index 5", "index 6"}; !slices.Equal(asked, want) {
			t.Errorf("asked for %q, want %q", asked, want)
		}
	})
}

// TestRightsOfAList: a token that may not list variables gets an empty list, as if there
// were none. That rights have gone or come back changes no index, and is known when queries
// have waited, also in a cluster.
func TestRightsOfAList(t *testing.T) {
	for _, cluster := range []string{"", "east"} {
		t.Run(cluster, func(t *testing.T) { testRightsOfAList(t, cluster) })
	}
}

func testRightsOfAList(t *testing.T, cluster string) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeNomad(t)
		f.put("app/one", map[string]string{"v": "1"})
		s, _ := runInBubble(t, f)
		r := watchtest.NewRecorder(t)
		s.Watch(watch.Subscription{ID: watch.Query{Kind: watch.NomadVarList, Name: "app", Cluster: cluster}.ID(), Sink: r})
		all := f.vars
		for i, vars := range []map[string]variable{all, nil, all} {
			f.mu.Lock()
			f.vars = vars
			f.mu.Unlock()
			time.Sleep(DefaultOptions().BlockQueryWait * 9 / 8)
			events := r.Events()
			list, _ := watch.Reveal(events[len(events)-1].Answer.Data).([]*watch.NomadVarMeta)
			if len(list) != len(vars) {
				t.Errorf("step %d: there are %d variables, want %d", i, len(list), len(vars))
			}
		}
	})
}

// TestFallingIndex: an agent whose index falls with each reply is not asked as fast as it
// answers, and is believed when that is over.
func TestFallingIndex(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeNomad(t)
		f.put("app", map[string]string{"v": "one"})
		f.change(func() { f.index, f.falls = 1_000_000, true })
		s, _ := runInBubble(t, f)
		r := watchVar(t, s)
		time.Sleep(time.Minute)
		if got := len(f.asked()); got < 10 || got > 100 {
			t.Errorf("%d requests in a minute", got)
		}
		f.change(func() { f.falls = false })
		f.put("app", map[string]string{"v": "two"})
		r.Wait("two", 2*DefaultOptions().Retry.Max, func([]watchtest.Event) bool { return slices.Contains(said(r), "two") })
	})
}

// TestNoLeader: a server without a leader is not believed.
func TestNoLeader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeNomad(t)
		f.fail(func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("X-Nomad-Index", "5")
			w.Header().Set("X-Nomad-KnownLeader", "false")
			http.Error(w, "variable not found", http.StatusNotFound)
			return true
		})
		s, _ := runInBubble(t, f)
		r := watchVar(t, s)
		time.Sleep(time.Minute)
		if got, want := slices.Compact(said(r)), []string{"nomad.var.get(app): the Nomad servers have no leader"}; !slices.Equal(got, want) {
			t.Errorf("the sink heard %q, want %q", got, want)
		}
		if got := len(f.asked()); got > 100 {
			t.Errorf("%d requests in a minute", got)
		}
	})
}

// watchVar watches the variable app, and waits for the first event.
func watchVar(t *testing.T, s *consul.Source) *watchtest.Recorder {
	r := watchtest.NewRecorder(t)
	s.Watch(watch.Subscription{ID: varQuery("app").ID(), Sink: r})
	r.Wait("an event", time.Minute, func(events []watchtest.Event) bool { return len(events) > 0 })
	return r
}

// said returns what a recorder has heard: values, "nothing", or texts of errors.
func said(r *watchtest.Recorder) []string {
	var said []string
	for _, e := range r.Events() {
		v, ok := value(e.Answer.Data)
		switch {
		case e.Err != nil:
			v = e.Err.Error()
		case !ok:
			v = "nothing"
		}
		said = append(said, v)
	}
	return said
}
