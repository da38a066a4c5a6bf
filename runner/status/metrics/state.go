package metrics

import (
	"cmp"
	"time"

	"restencil/runner/status"
)

// state adds what the state says.
func (t text) state(now status.Status) {
	t.add(gauge, "restencil_ready", "Whether everything has been rendered, and every command has run, at least once.", truth(now.Ready))
	t.add(gauge, "restencil_problems", "How many things are wrong: see restencil status.", float64(len(now.Problems)))
	t.bundles(now)
	t.stores(now)
	ends := make(map[string]time.Time)
	for _, l := range now.Leases { // that which ends first, first
		if name := cmp.Or(l.Query, "token"); ends[name].IsZero() {
			ends[name] = l.Ends
			t.add(gauge, "restencil_lease_expiry_timestamp_seconds", "When a lease, a certificate or the token ends.", seconds(l.Ends), "query", name)
		}
	}
	if now.Child != nil {
		t.add(gauge, "restencil_child_up", "Whether the child process runs (exec).", truth(now.Child.State == "running"))
	}
}

func (t text) bundles(now status.Status) {
	count := make(map[status.State]int)
	for _, b := range now.Bundles {
		count[b.State]++
		t.add(gauge, "restencil_bundle_synced", "Whether the files are what the data asks for, and were loaded: desired = applied.", truth(b.State == status.Applied), "bundle", b.Name)
		t.add(gauge, "restencil_bundle_held", "Whether a change is held until somebody accepts it, or other data comes.", truth(b.State == status.Held), "bundle", b.Name)
		t.add(gauge, "restencil_bundle_failed", "Whether a template, a step or a command has failed.", truth(b.State == status.Failed || b.State == status.RolledBack), "bundle", b.Name)
		if b.Turn != "" {
			t.add(gauge, "restencil_bundle_has_turn", "Whether it is this host's turn to make its change (rolling).", truth(b.Turn == "own"), "bundle", b.Name)
			t.add(gauge, "restencil_bundle_waits_for_turn", "Whether a change waits for this host's turn (rolling).", truth(b.Turn == "waiting"), "bundle", b.Name)
		}
		stale := 0.0
		if b.State != status.Applied && !b.Since.IsZero() {
			stale = now.Time.Sub(b.Since).Seconds()
		}
		t.add(gauge, "restencil_bundle_stale_seconds", "How long the bundle has been in its state; 0 if it is applied.", stale, "bundle", b.Name)
		if !b.Applied.IsZero() {
			t.add(gauge, "restencil_bundle_last_success_timestamp_seconds", "When a change was applied last.", seconds(b.Applied), "bundle", b.Name)
		}
	}
	for _, s := range []status.State{status.Waiting, status.Settling, status.Changing, status.Applied, status.Failed, status.RolledBack, status.Held} {
		name := string(s)
		if s == status.RolledBack {
			name = "rolled_back"
		}
		t.add(gauge, "restencil_bundles", "How many bundles are in each state.", float64(count[s]), "state", name)
	}
}

func (t text) stores(now status.Status) {
	type key struct{ store, state string }
	count, stale := make(map[key]int), make(map[string]time.Duration)
	for _, q := range now.Queries {
		count[key{q.Store, q.State}]++
		if !q.Failing.IsZero() {
			stale[q.Store] = max(stale[q.Store], now.Time.Sub(q.Failing))
		}
	}
	for _, s := range now.Stores {
		t.add(gauge, "restencil_store_up", "Whether the store answers.", truth(s.State != "away"), "store", s.Name)
		t.add(gauge, "restencil_store_stale_seconds", "How long the oldest failing query has been failing; 0 if none fails.", stale[s.Name].Seconds(), "store", s.Name)
		for _, state := range []string{"current", "failing", "unanswered"} {
			t.add(gauge, "restencil_queries", "How many queries are watched.", float64(count[key{s.Name, state}]), "state", state, "store", s.Name)
		}
		if s.Requests == 0 {
			continue // nothing is known of them
		}
		t.add(counter, "restencil_store_requests_total", "Requests to the store.", float64(s.Requests-s.Errors-s.Open), "result", "ok", "store", s.Name)
		t.add(counter, "restencil_store_requests_total", "Requests to the store.", float64(s.Errors), "result", "error", "store", s.Name)
		t.add(gauge, "restencil_store_open_requests", "Requests to the store that have no reply yet, such as blocking queries.", float64(s.Open), "store", s.Name)
		t.add(gauge, "restencil_store_connections", "Open connections to the store.", float64(s.Connections), "store", s.Name)
	}
}

func truth(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

func seconds(at time.Time) float64 { return float64(at.UnixMilli()) / 1000 }
