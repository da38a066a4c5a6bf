package metrics

import (
	"errors"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"restencil/runner/event"
	"restencil/runner/status"
	"restencil/watch"
)

var now = time.Date(2026, 3, 1, 9, 30, 0, 0, time.UTC)

// everything returns metrics of a state that has something of each kind.
func everything() *Metrics {
	m := New(Options{Version: "v1", Revision: "abc", GoVersion: "go1", Snapshot: func() status.Status {
		return status.Status{
			Time: now, Problems: []status.Problem{{}},
			Bundles: []status.Bundle{
				{Name: "web", State: status.Applied, Since: now.Add(-time.Hour), Applied: now.Add(-time.Hour)},
				{Name: "db", State: status.RolledBack, Since: now.Add(-90 * time.Second), Applied: now.Add(-time.Hour)},
				{Name: "new", State: status.Held, Since: now.Add(-time.Second)},
			},
			Queries: []status.Query{
				{Store: "consul", State: "current"},
				{Store: "consul", State: "failing", Failing: now.Add(-5 * time.Second)},
				{Store: "consul", State: "failing", Failing: now.Add(-7 * time.Second)},
			},
			Stores: []status.Store{
				{Name: "consul", State: "away", Counts: watch.Counts{Requests: 10, Errors: 3, Open: 2, Connections: 1}},
				{Name: "file", State: "answering"},
			},
			Leases: []status.Lease{{Ends: now.Add(time.Hour)}, {Query: "q", Ends: now.Add(2 * time.Hour)}, {Query: "q", Ends: now.Add(3 * time.Hour)}},
			Child:  &status.Child{State: "running"},
		}
	}})
	m.Event(event.Executed{Took: time.Millisecond, Err: errors.New("x")})
	m.Change(status.Change{Outcome: "rolled back", Took: status.Seconds(3 * time.Second), Steps: []status.Step{
		{Name: "seen"}, {Name: "execute"}, {Name: "check", Took: status.Seconds(2 * time.Second)},
	}})
	return m
}

// own has the program's own metrics only.
func own(text string) string {
	var lines []string
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "restencil_") && !strings.Contains(line, "_bucket{") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "")
}

func scrape(m *Metrics) string {
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	return w.Body.String()
}

func TestMetrics(t *testing.T) {
	got := own(scrape(everything()))
	for _, want := range []string{
		`restencil_build_info{goversion="go1",revision="abc",version="v1"} 1`,
		`restencil_bundle_synced{bundle="web"} 1`, `restencil_bundle_synced{bundle="db"} 0`,
		`restencil_bundle_held{bundle="new"} 1`, `restencil_bundle_failed{bundle="db"} 1`, `restencil_bundle_failed{bundle="new"} 0`,
		`restencil_bundle_stale_seconds{bundle="web"} 0`, `restencil_bundle_stale_seconds{bundle="db"} 90`,
		`restencil_bundle_last_success_timestamp_seconds{bundle="web"} 1.7723538e+09`,
		`restencil_bundles{state="rolled_back"} 1`, `restencil_bundles{state="waiting"} 0`,
		`restencil_queries{state="failing",store="consul"} 2`, `restencil_queries{state="current",store="file"} 0`,
		`restencil_store_up{store="consul"} 0`, `restencil_store_up{store="file"} 1`, `restencil_store_stale_seconds{store="consul"} 7`,
		`restencil_store_requests_total{result="ok",store="consul"} 5`, `restencil_store_requests_total{result="error",store="consul"} 3`,
		`restencil_store_open_requests{store="consul"} 2`, `restencil_store_connections{store="consul"} 1`,
		`restencil_lease_expiry_timestamp_seconds{query="token"} 1.772361e+09`, `restencil_lease_expiry_timestamp_seconds{query="q"} 1.7723646e+09`,
		`restencil_child_up 1`, `restencil_ready 0`, `restencil_problems 1`,
		`restencil_render_duration_seconds_sum 0.001`, `restencil_render_failures_total 1`,
		`restencil_step_duration_seconds_sum{step="check"} 2`, `restencil_step_duration_seconds_count{step="reload"} 0`,
		`restencil_change_duration_seconds_sum{outcome="rolled_back"} 3`,
	} {
		if !strings.Contains(got, want+"\n") {
			t.Errorf("there is no %s in\n%s", want, got)
		}
	}
	if strings.Contains(got, `restencil_bundle_last_success_timestamp_seconds{bundle="new"}`) {
		t.Errorf("a bundle that was never applied has a time:\n%s", got)
	}
}

// TestConventions: what promtool checks, too.
func TestConventions(t *testing.T) {
	problems, err := testutil.GatherAndLint(everything().registry)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

// TestDocumented holds docs/metrics.md to the metrics that there are, with their
// labels.
func TestDocumented(t *testing.T) {
	page, err := os.ReadFile("../../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	families, err := everything().registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range families {
		if !strings.HasPrefix(f.GetName(), "restencil_") {
			continue
		}
		names = append(names, f.GetName())
		row := "| `" + f.GetName() + "` | "
		for i, l := range f.GetMetric()[0].GetLabel() {
			if i > 0 {
				row += ", "
			}
			row += "`" + l.GetName() + "`"
		}
		if !strings.Contains(string(page), strings.TrimSuffix(row, " ")) {
			t.Errorf("docs/metrics.md has no row that begins with %s", row)
		}
	}
	for _, m := range regexp.MustCompile("(?m)^\\| `(restencil_[a-z_]+)`").FindAllStringSubmatch(string(page), -1) {
		if !slices.Contains(names, m[1]) {
			t.Errorf("docs/metrics.md has %s, which is no metric", m[1])
		}
	}
}
