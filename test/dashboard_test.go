package test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"restencil/test/await"
	"restencil/test/daemon"
	"restencil/test/servers"
)

// A dashboard is one of Grafana, as far as it is looked at here.
type dashboard struct {
	UID           string
	SchemaVersion int
	Templating    struct {
		List []struct{ Name, Type, Query string }
	}
	Panels []struct {
		ID          int
		Title, Type string
		GridPos     struct{ X, Y, W, H int }
		Datasource  struct{ Type, UID string }
		Targets     []struct{ RefID, Expr, LegendFormat string }
	}
}

// TestDashboard: a real Prometheus that scrapes a daemon has something to show for each
// expression of the dashboard, but for those of what is not there. Each panel has its own
// place, and what Grafana needs to load it.
func TestDashboard(t *testing.T) {
	text, err := os.ReadFile("../examples/monitoring/dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	var board dashboard
	if err := json.Unmarshal(text, &board); err != nil {
		t.Fatal(err)
	}
	if board.UID == "" || board.SchemaVersion < 36 || len(board.Panels) == 0 {
		t.Errorf("uid %q, schemaVersion %d, %d panels", board.UID, board.SchemaVersion, len(board.Panels))
	}
	var ids []int
	taken := make(map[[2]int]string)
	for _, p := range board.Panels {
		if slices.Contains(ids, p.ID) || p.Title == "" || p.Type == "" || p.Datasource.Type != "prometheus" || p.Datasource.UID != "${datasource}" || len(p.Targets) == 0 {
			t.Errorf("panel %+v is not whole, or its id is taken", p)
		}
		ids = append(ids, p.ID)
		at := p.GridPos
		if at.X < 0 || at.Y < 0 || at.W < 1 || at.H < 1 || at.X+at.W > 24 {
			t.Errorf("%s lies at %+v", p.Title, at)
		}
		for x := at.X; x < at.X+at.W; x++ {
			for y := at.Y; y < at.Y+at.H; y++ {
				if other := taken[[2]int{x, y}]; other != "" {
					t.Fatalf("%s covers %s", p.Title, other)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
	}

	agent := servers.Consul(t)
	put(t, agent.Client(), "a", "1")
	dir, port := t.TempDir(), servers.Ports(t, 2)
	at, prometheus := fmt.Sprintf("127.0.0.1:%d", port[0]), fmt.Sprintf("127.0.0.1:%d", port[1])
	writeFile(t, filepath.Join(dir, "t"), `{{ key "a" }}`)
	writeFile(t, filepath.Join(dir, "prometheus.yml"), fmt.Sprintf("global: {scrape_interval: 1s}\nscrape_configs:\n  - {job_name: restencil, static_configs: [{targets: ['%s']}]}\n", at))
	start(t, "-consul-addr", agent.Addr(), "-template", filepath.Join(dir, "t")+":"+filepath.Join(dir, "out")+":true", "-status-addr", at)
	cmd := exec.Command(servers.PrometheusPath(t), "--config.file="+filepath.Join(dir, "prometheus.yml"), "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+prometheus)
	t.Cleanup(daemon.Start(t, cmd).Stop)

	values := 1 // of the key, so that there are changes
	shown := func(expr string) error {
		values++
		put(t, agent.Client(), "a", fmt.Sprint(values))
		return hasValue(prometheus, expr)
	}
	rest := []string{"restencil_bundle_stale_seconds", "restencil_lease_expiry_timestamp_seconds"} // of what is wrong, and of Vault
	for _, v := range board.Templating.List {
		if v.Type == "query" {
			metric := strings.TrimPrefix(strings.Split(v.Query, ",")[0], "label_values(")
			await.Eventually(t, func() error { return shown(metric) })
		}
	}
	for _, p := range board.Panels {
		for _, target := range p.Targets {
			expr := strings.ReplaceAll(target.Expr, "$instance", ".*")
			empty := slices.ContainsFunc(rest, func(name string) bool { return strings.Contains(expr, name) })
			if empty {
				expr = fmt.Sprintf("count(%s) or vector(1)", expr)
			}
			await.Eventually(t, func() error { return shown(expr) })
		}
	}
}

// hasValue reports whether an expression has a value in Prometheus that is a number.
func hasValue(prometheus, expr string) error {
	reply, err := http.Get("http://" + prometheus + "/api/v1/query?query=" + url.QueryEscape(expr))
	if err != nil {
		return err
	}
	defer reply.Body.Close()
	body, err := io.ReadAll(reply.Body)
	if err != nil {
		return err
	}
	var found struct {
		Status string
		Data   struct{ Result []struct{ Value [2]any } }
	}
	if err := json.Unmarshal(body, &found); err != nil {
		return err
	}
	number := func(r struct{ Value [2]any }) bool { return r.Value[1] != "NaN" }
	if found.Status != "success" || !slices.ContainsFunc(found.Data.Result, number) {
		return fmt.Errorf("%s: Prometheus answers %s", expr, body)
	}
	return nil
}
