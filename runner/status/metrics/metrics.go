// Package metrics turns the state of a runner, and its events, into metrics for
// Prometheus. docs/metrics.md lists them; their names and labels are stable.
//
// Gauges are read from the state when somebody asks. Only what the state forgets, such
// as how long each execution took, is counted as it happens.
package metrics

import (
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"restencil/runner/event"
	"restencil/runner/status"
)

// Options say what the metrics are of.
type Options struct {
	Snapshot func() status.Status

	Version, Revision, GoVersion string // of the build
}

// Metrics are those of one runner. Make them with New.
type Metrics struct {
	registry *prometheus.Registry
	renders  prometheus.Histogram
	failures prometheus.Counter
	steps    *prometheus.HistogramVec
	changes  *prometheus.HistogramVec
}

// New returns metrics that begin at zero.
func New(o Options) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		renders: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "restencil_render_duration_seconds", Help: "How long it took to execute a template.",
			Buckets: prometheus.ExponentialBuckets(0.0001, 4, 9),
		}),
		failures: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "restencil_render_failures_total", Help: "Executions of templates that failed.",
		}),
		steps: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "restencil_step_duration_seconds", Help: "How long a step of a change took.",
			Buckets: prometheus.ExponentialBuckets(0.001, 4, 9),
		}, []string{"step"}),
		changes: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "restencil_change_duration_seconds", Help: "How long a change took, from the first of its answers to its end.",
			Buckets: prometheus.ExponentialBuckets(0.001, 4, 10),
		}, []string{"outcome"}),
	}
	for _, step := range []event.Step{event.Stage, event.Check, event.Swap, event.Reload, event.Verify, event.Rollback} {
		m.steps.WithLabelValues(string(step))
	}
	for _, outcome := range []string{"applied", "failed", "rolled_back"} {
		m.changes.WithLabelValues(outcome)
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "restencil_build_info", Help: "The version that runs; its value is 1.",
		ConstLabels: prometheus.Labels{"version": o.Version, "revision": o.Revision, "goversion": o.GoVersion},
	})
	build.Set(1)
	m.registry.MustRegister(
		build, m.renders, m.failures, m.steps, m.changes, state{o.Snapshot},
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return m
}

// Handler serves the metrics.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4})
}

// Event takes in an event of the runner.
func (m *Metrics) Event(e event.Event) {
	if e, ok := e.(event.Executed); ok {
		m.renders.Observe(e.Took.Seconds())
		if e.Err != nil {
			m.failures.Inc()
		}
	}
}

// Change takes in a change that has ended.
func (m *Metrics) Change(c status.Change) {
	m.changes.WithLabelValues(strings.ReplaceAll(c.Outcome, " ", "_")).Observe(time.Duration(c.Took).Seconds())
	for _, s := range c.Steps {
		switch s.Name {
		case "seen", "execute": // waiting, and what renders has
		default:
			m.steps.WithLabelValues(s.Name).Observe(time.Duration(s.Took).Seconds())
		}
	}
}
