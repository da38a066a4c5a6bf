package metrics

import (
	"cmp"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"restencil/runner/status"
)

// state collects what the state says at the time.
type state struct{ snapshot func() status.Status }

// Describe sends nothing: which bundles and stores there are changes.
func (state) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (s state) Collect(out chan<- prometheus.Metric) {
	c := collector{out, make(map[string]*prometheus.Desc)}
	now := s.snapshot()
	c.gauge("restencil_ready", "Whether everything has been rendered and every command been run, at some time.", truth(now.Ready))
	c.gauge("restencil_problems", "How many things are wrong: see restencil status.", float64(len(now.Problems)))
	c.bundles(now)
	c.stores(now)
	ends := make(map[string]time.Time)
	for _, l := range now.Leases { // that which ends first, first
		if name := cmp.Or(l.Query, "token"); ends[name].IsZero() {
			ends[name] = l.Ends
			c.gauge("restencil_lease_expiry_timestamp_seconds", "When a lease, a certificate or the token ends.", seconds(l.Ends), "query", name)
		}
	}
	if now.Child != nil {
		c.gauge("restencil_child_up", "Whether the program runs that runs beside the templates.", truth(now.Child.State == "running"))
	}
}

func (c collector) bundles(now status.Status) {
	count := make(map[status.State]int)
	for _, b := range now.Bundles {
		count[b.State]++
		c.gauge("restencil_bundle_synced", "Whether the files are what the data asks for, and were loaded: desired = applied.", truth(b.State == status.Applied), "bundle", b.Name)
		c.gauge("restencil_bundle_held", "Whether a change is held until somebody accepts it, or other data comes.", truth(b.State == status.Held), "bundle", b.Name)
		c.gauge("restencil_bundle_failed", "Whether a template, a step or a command has failed.", truth(b.State == status.Failed || b.State == status.RolledBack), "bundle", b.Name)
		stale := 0.0
		if b.State != status.Applied && !b.Since.IsZero() {
			stale = now.Time.Sub(b.Since).Seconds()
		}
		c.gauge("restencil_bundle_stale_seconds", "How long the bundle has been in its present state where that is not applied, else 0.", stale, "bundle", b.Name)
		if !b.Applied.IsZero() {
			c.gauge("restencil_bundle_last_success_timestamp_seconds", "When a change was applied last.", seconds(b.Applied), "bundle", b.Name)
		}
	}
	for _, s := range []status.State{status.Waiting, status.Settling, status.Changing, status.Applied, status.Failed, status.RolledBack, status.Held} {
		name := string(s)
		if s == status.RolledBack {
			name = "rolled_back"
		}
		c.gauge("restencil_bundles", "How many bundles are in each state.", float64(count[s]), "state", name)
	}
}

func (c collector) stores(now status.Status) {
	type key struct{ store, state string }
	count, stale := make(map[key]int), make(map[string]time.Duration)
	for _, q := range now.Queries {
		count[key{q.Store, q.State}]++
		if !q.Failing.IsZero() {
			stale[q.Store] = max(stale[q.Store], now.Time.Sub(q.Failing))
		}
	}
	for _, s := range now.Stores {
		c.gauge("restencil_store_up", "Whether the store answers.", truth(s.State != "away"), "store", s.Name)
		c.gauge("restencil_store_stale_seconds", "How long that query has been failing that has been failing longest; 0: none fails.", stale[s.Name].Seconds(), "store", s.Name)
		for _, state := range []string{"current", "failing", "unanswered"} {
			c.gauge("restencil_queries", "How many queries are watched.", float64(count[key{s.Name, state}]), "store", s.Name, "state", state)
		}
		if s.Requests == 0 {
			continue // nothing is known of them
		}
		c.counter("restencil_store_requests_total", "Requests to the store.", float64(s.Requests-s.Errors-s.Open), "store", s.Name, "result", "ok")
		c.counter("restencil_store_requests_total", "Requests to the store.", float64(s.Errors), "store", s.Name, "result", "error")
		c.gauge("restencil_store_open_requests", "Requests to the store that have no reply yet, such as blocking queries.", float64(s.Open), "store", s.Name)
		c.gauge("restencil_store_connections", "Open connections to the store.", float64(s.Connections), "store", s.Name)
	}
}

// A collector makes metrics and sends them.
type collector struct {
	out   chan<- prometheus.Metric
	descs map[string]*prometheus.Desc
}

func (c collector) gauge(name, help string, value float64, labels ...string) {
	c.send(prometheus.GaugeValue, name, help, value, labels)
}

func (c collector) counter(name, help string, value float64, labels ...string) {
	c.send(prometheus.CounterValue, name, help, value, labels)
}

// send sends a metric. The labels are names and values by turns.
func (c collector) send(kind prometheus.ValueType, name, help string, value float64, labels []string) {
	var names, values []string
	for i := 0; i < len(labels); i += 2 {
		names, values = append(names, labels[i]), append(values, labels[i+1])
	}
	if c.descs[name] == nil {
		c.descs[name] = prometheus.NewDesc(name, help, names, nil)
	}
	c.out <- prometheus.MustNewConstMetric(c.descs[name], kind, value, values...)
}

func truth(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

func seconds(at time.Time) float64 { return float64(at.UnixMilli()) / 1000 }
