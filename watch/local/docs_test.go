package local_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"restencil/watch"
	"restencil/watch/local"
)

// Every example of a data file in the documentation is one.
func TestDocs(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "local.md"))
	check(t, err)
	block := regexp.MustCompile("(?ms)^```(yaml|json)\n(.*?)^```$")
	counts := make(map[string]int)
	for _, found := range block.FindAllStringSubmatch(string(text), -1) {
		format, example := found[1], found[2]
		counts[format]++
		m, err := local.Parse("example."+format, []byte(example))
		if err != nil {
			t.Errorf("%v in\n%s", err, example)
			continue
		}
		for _, q := range []watch.Query{{Kind: watch.KVList}, {Kind: watch.ServiceList}, {Kind: watch.NodeList}} {
			if _, err := m.Answer(q); err != nil {
				t.Error(err)
			}
		}
	}
	if counts["yaml"] < 5 || counts["json"] < 1 {
		t.Errorf("found so many examples: %v", counts)
	}
}

// What the documentation says of instances, in its own words.
func TestDocsInstances(t *testing.T) {
	m := parse(t, `
nodes:
  edge: 10.0.0.9
  app-1: 10.0.0.1
  app-2: {address: 10.0.0.2, status: maintenance}
services:
  web: [10.0.0.1:80, 10.0.0.2:80]
  cron: {node: app-2, port: 9000}
  proxy: :3128
`)
	wantInstances(t, m, watch.Query{Kind: watch.ServiceHealth, Name: "web", Filter: "any"},
		"app-1/web 10.0.0.1:80 passing", "app-2/web-2 10.0.0.2:80 maintenance")
	wantInstances(t, m, watch.Query{Kind: watch.ServiceHealth, Name: "cron", Filter: "any"}, "app-2/cron 10.0.0.2:9000 maintenance")
	wantInstances(t, m, watch.Query{Kind: watch.ServiceHealth, Name: "proxy"}, "edge/proxy 10.0.0.9:3128 passing")
}
