// Package metrics turns the state of a runner, and what happens in it, into metrics for
// Prometheus. docs/metrics.md lists them; their names and labels are stable.
//
// Gauges are read from the state when somebody asks. Only what the state forgets, such
// as how long each execution took, is counted as it happens.
//
// Prometheus' text format is written here, since the library for it costs all who do
// not scrape: in a program that is linked with client_golang, 2.7 MiB more are
// resident, a sixth of what a daemon with one key needs, before anything is measured.
package metrics

import (
	"net/http"
	"strings"
	"sync"

	"restencil/runner/event"
	"restencil/runner/status"
)

// Options say what the metrics are of.
type Options struct {
	Snapshot func() status.Status

	Version, Revision, GoVersion string // of the build
}

// Metrics are those of one runner. Make them with New. Their methods may be called from
// any goroutine.
type Metrics struct {
	o Options

	mu       sync.Mutex
	renders  *histogram
	failures int
	steps    map[string]*histogram // by step
	changes  map[string]*histogram // by outcome
}

// New returns metrics that begin at zero.
func New(o Options) *Metrics {
	m := &Metrics{o: o, renders: newHistogram(0.0001, 9), steps: make(map[string]*histogram), changes: make(map[string]*histogram)}
	for _, step := range []event.Step{event.Stage, event.Check, event.Swap, event.Reload, event.Verify, event.Rollback} {
		m.steps[string(step)] = newHistogram(0.001, 9)
	}
	for _, outcome := range []string{"applied", "failed", "rolled_back", "replaced"} {
		m.changes[outcome] = newHistogram(0.001, 10)
	}
	return m
}

// ServeHTTP serves the metrics.
func (m *Metrics) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", contentType)
	_ = m.text().write(w) // an error is that nobody reads it
}

// text returns the metrics of now.
func (m *Metrics) text() text {
	t := make(text)
	now := m.o.Snapshot() // with which the model takes in what has happened
	t.state(now)
	t.process(now.Began)
	t.add(gauge, "restencil_build_info", "The version that runs; its value is 1.", 1,
		"goversion", m.o.GoVersion, "revision", m.o.Revision, "version", m.o.Version)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.renders.addTo(t, "restencil_render_duration_seconds", "How long it took to execute a template.")
	t.add(counter, "restencil_render_failures_total", "Executions of templates that failed.", float64(m.failures))
	for step, h := range m.steps {
		h.addTo(t, "restencil_step_duration_seconds", "How long a step of a change took.", "step", step)
	}
	for outcome, h := range m.changes {
		h.addTo(t, "restencil_change_duration_seconds", "How long a change took, from the first of its answers to its end.", "outcome", outcome)
	}
	return t
}

// Executed takes in an execution.
func (m *Metrics) Executed(e event.Executed) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.renders.observe(e.Took.Seconds())
	if e.Err != nil {
		m.failures++
	}
}

// Changed takes in a change that has ended.
func (m *Metrics) Changed(c status.Change) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if h := m.changes[strings.ReplaceAll(c.Outcome, " ", "_")]; h != nil {
		h.observe(c.Took)
	}
	for _, s := range c.Steps {
		if h := m.steps[s.Name]; h != nil { // not of seen, which is waiting, nor of execute, which renders has
			h.observe(s.Took)
		}
	}
}
