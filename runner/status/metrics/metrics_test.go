package metrics

import (
	"errors"
	"math"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"restencil/runner/event"
	"restencil/runner/status"
	"restencil/test/servers"
	"restencil/watch"
)

var now = time.Date(2026, 3, 1, 9, 30, 0, 0, time.UTC)

// everything returns metrics of a state that has something of each kind.
func everything() *Metrics {
	m := New(Options{Version: "v1", Revision: "abc", GoVersion: "go1", Snapshot: func() status.Status {
		return status.Status{
			Time: now, Began: now, Problems: []status.Problem{{}},
			Bundles: []status.Bundle{
				{Name: "web", State: status.Applied, Since: now.Add(-time.Hour), Applied: now.Add(-time.Hour)},
				{Name: "db", State: status.RolledBack, Since: now.Add(-90 * time.Second), Applied: now.Add(-time.Hour)},
				{Name: "new", State: status.Held, Since: now.Add(-time.Second), Progress: status.Progress{Turn: "waiting"}},
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
	m.Executed(event.Executed{Took: time.Millisecond, Err: errors.New("x")})
	m.Changed(status.Change{Outcome: "rolled back", Took: 3, Steps: []status.Step{
		{Name: "seen"}, {Name: "execute"}, {Name: "check", Took: 2},
	}})
	return m
}

// scrape returns what a Prometheus reads.
func scrape(t *testing.T, m *Metrics) string {
	w := httptest.NewRecorder()
	m.ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if got := w.Header().Get("Content-Type"); got != "text/plain; version=0.0.4; charset=utf-8" {
		t.Errorf("the content type is %q", got)
	}
	return w.Body.String()
}

func TestMetrics(t *testing.T) {
	got := scrape(t, everything())
	for _, want := range []string{
		`restencil_build_info{goversion="go1",revision="abc",version="v1"} 1`,
		`restencil_bundle_synced{bundle="web"} 1`, `restencil_bundle_synced{bundle="db"} 0`,
		`restencil_bundle_held{bundle="new"} 1`, `restencil_bundle_failed{bundle="db"} 1`, `restencil_bundle_failed{bundle="new"} 0`,
		`restencil_bundle_has_turn{bundle="new"} 0`, `restencil_bundle_waits_for_turn{bundle="new"} 1`,
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

// TestText: the format, with all that it escapes, in order.
func TestText(t *testing.T) {
	out := make(text)
	out.add(gauge, "b", "Help with \\ and\nanother line.", 1.5, "a", "x\\y\"z\n", "b", "\xff")
	out.add(gauge, "b", "", math.Inf(1), "a", "w", "b", "")
	out.add(gauge, "b", "", 7, "a", "x\\y\"z\n", "b", "\xfe") // has the same labels as the first when written
	out.add(counter, "a_total", "Without labels.", 1e9)
	h := newHistogram(0.25, 2)
	for _, v := range []float64{0.1, 0.25, 0.5, 7} {
		h.observe(v)
	}
	h.addTo(out, "c_seconds", "All.")
	h.addTo(out, "d_seconds", "Some.", "k", "v")
	var b strings.Builder
	if err := out.write(&b); err != nil {
		t.Fatal(err)
	}
	want := `# HELP a_total Without labels.
# TYPE a_total counter
a_total 1e+09
# HELP b Help with \\ and\nanother line.
# TYPE b gauge
b{a="w",b=""} +Inf
b{a="x\\y\"z\n",b="\uFFFD"} 1.5
# HELP c_seconds All.
# TYPE c_seconds histogram
c_seconds_bucket{le="0.25"} 2
c_seconds_bucket{le="1"} 3
c_seconds_bucket{le="+Inf"} 4
c_seconds_sum 7.85
c_seconds_count 4
# HELP d_seconds Some.
# TYPE d_seconds histogram
d_seconds_bucket{k="v",le="0.25"} 2
d_seconds_bucket{k="v",le="1"} 3
d_seconds_bucket{k="v",le="+Inf"} 4
d_seconds_sum{k="v"} 7.85
d_seconds_count{k="v"} 4
`
	if got := b.String(); got != strings.ReplaceAll(want, `\uFFFD`, "\uFFFD") {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestConventions: promtool reads the metrics, and has nothing to say about them.
func TestConventions(t *testing.T) {
	promtool := exec.CommandContext(t.Context(), servers.PromtoolPath(t), "check", "metrics")
	promtool.Stdin = strings.NewReader(scrape(t, everything()))
	if out, err := promtool.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestDocumented holds docs/metrics.md to the metrics that there are, with their
// labels.
func TestDocumented(t *testing.T) {
	page, err := os.ReadFile("../../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	all := everything().text()
	for name, f := range all {
		row := "| `" + name + "` | "
		if labels := regexp.MustCompile(`(\w+)=`).FindAllStringSubmatch(f.samples[0].labels, -1); len(labels) > 0 {
			var names []string
			for _, l := range labels {
				names = append(names, "`"+l[1]+"`")
			}
			row += strings.Join(names, ", ") + " "
		}
		if !strings.Contains(string(page), row+"|") {
			t.Errorf("docs/metrics.md has no row that begins with %s|", row)
		}
	}
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z_]+)`").FindAllStringSubmatch(string(page), -1) {
		if all[m[1]] == nil {
			t.Errorf("docs/metrics.md has %s, which is no metric", m[1])
		}
	}
}

// TestProcess: what Linux says of a process.
func TestProcess(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("needs /proc")
	}
	text := scrape(t, everything())
	for name, between := range map[string][2]float64{
		"process_start_time_seconds":    {1772357400 - 1, 1772357400 + 1},
		"process_cpu_seconds_total":     {0, 600},
		"process_resident_memory_bytes": {2 << 20, 4 << 30},
		"process_open_fds":              {3, 1000},
		"go_goroutines":                 {2, 1000},
		"go_memstats_heap_alloc_bytes":  {100 << 10, 4 << 30},
	} {
		m := regexp.MustCompile(`(?m)^` + name + ` (.+)$`).FindStringSubmatch(text)
		if m == nil {
			t.Errorf("there is no %s", name)
			continue
		}
		if n, err := strconv.ParseFloat(m[1], 64); err != nil || n < between[0] || n > between[1] {
			t.Errorf("%s is %s, %v", name, m[1], err)
		}
	}
}
