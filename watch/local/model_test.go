package local_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/consul/api"

	"restencil/watch"
	"restencil/watch/local"
)

// parse returns the model of a YAML file that must be right.
func parse(t *testing.T, text string) *local.Model {
	t.Helper()
	m, err := local.Parse("data.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// answer returns the answer to q, which must not fail.
func answer[T any](t *testing.T, m *local.Model, q watch.Query) T {
	t.Helper()
	a, err := m.Answer(q)
	if err != nil {
		t.Fatal(err)
	}
	return a.(T)
}

// wantPairs checks the answer to a KVList as key: value, in its order.
func wantPairs(t *testing.T, m *local.Model, prefix string, want ...string) {
	t.Helper()
	var got []string
	for _, p := range answer[[]*watch.KeyPair](t, m, watch.Query{Kind: watch.KVList, Name: prefix}) {
		got = append(got, p.Key+": "+p.Value)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("under %q (-want +got):\n%s", prefix, diff)
	}
}

func TestKeys(t *testing.T) {
	m := parse(t, `
keys:
  app/port: 8080
  app:
    name: shop
    version: 1.10
    debug: true
    colour: 0x10
    answer: no
    nothing:
    null: ~
    quoted: "a\tb"
    lines: |
      one
      two
    db/host: db.internal
    cache/: {size: 1e3}
    off: {}
  app/: folder
  apple: x
  /slash/: {/one: 1}
  Ünï: ✓
`)
	wantPairs(t, m, "", "app/: folder", "app/answer: no", "app/cache/size: 1e3", "app/colour: 0x10", "app/db/host: db.internal",
		"app/debug: true", "app/lines: one\ntwo\n", "app/name: shop", "app/nothing: ", "app/null: ", "app/port: 8080",
		"app/quoted: a\tb", "app/version: 1.10", "apple: x", "slash/one: 1", "Ünï: ✓")
	wantPairs(t, m, "app/db", "host: db.internal")
	wantPairs(t, m, "app/db/", "host: db.internal")
	wantPairs(t, m, "appl", "e: x")
	wantPairs(t, m, "app/c", "ache/size: 1e3", "olour: 0x10")
	wantPairs(t, m, "none")

	got, err := m.Answer(watch.Query{Kind: watch.KVGet, Name: "app/port"})
	want := &watch.KeyPair{Path: "app/port", Key: "app/port", Value: "8080", CreateIndex: 1, ModifyIndex: 1}
	if diff := cmp.Diff(any(want), got); diff != "" || err != nil {
		t.Errorf("key app/port: error %v (-want +got):\n%s", err, diff)
	}
	if got, err := m.Answer(watch.Query{Kind: watch.KVGet, Name: "app"}); got != nil || err != nil {
		t.Errorf("key app, a folder: %v, %v, want nil, nil", got, err)
	}
	list, err := m.Answer(watch.Query{Kind: watch.KVList, Name: "none"})
	if pairs, ok := list.([]*watch.KeyPair); !ok || pairs == nil || err != nil {
		t.Errorf("list of nothing: %#v, %v, want an empty list", list, err)
	}
}

// The same data, however it is written, is the same model.
func TestFormats(t *testing.T) {
	texts := map[string]string{
		"data.yaml": `
keys:
  app: {port: 8080, version: 1.10, big: 12345678901234567890, debug: true, "a b/c": "x ${y}"}
  app/neg: -1.50
services:
  web: [10.0.0.1:80, {address: 10.0.0.2, tags: [a, b], meta: {v: 1.0}}]
nodes:
  n1: 10.0.0.1
datacenters: {dc2: {keys: {k: v}}}
`,
		"data.YML": `
keys:
  base: &base {port: 8080, version: 7}
  app: &app
    <<: [{version: 1.10}, *base]
    big: 12345678901234567890
    debug: true
    "a b/c": "x ${y}"
    neg: -1.50
services:
  web:
    - 10.0.0.1:80
    - address: 10.0.0.2
      tags: [a, b]
      meta: {v: 1.0}
nodes: {n1: {address: 10.0.0.1}}
datacenters: {dc2: {keys: {k: v}}}
`,
		"data.json": "\ufeff" + `{
	"keys": {"app": {"port": 8080, "version": 1.10, "big": 12345678901234567890, "debug": true, "a b/c": "x ${y}", "neg": -1.50}},
	"services": {"web": ["10.0.0.1:80", {"address": "10.0.0.2", "tags": ["a", "b"], "meta": {"v": 1.0}}]},
	"nodes": {"n1": "10.0.0.1"},
	"datacenters": {"dc2": {"keys": {"k": "v"}}}
}`,
	}
	queries := []watch.Query{
		{Kind: watch.KVList, Name: "app"},
		{Kind: watch.KVGet, Name: "k", Datacenter: "dc2"},
		{Kind: watch.ServiceHealth, Name: "web", Filter: "any"},
		{Kind: watch.NodeList},
		{Kind: watch.DatacenterList},
	}
	want := parse(t, texts["data.yaml"])
	for name, text := range texts {
		m, err := local.Parse(name, []byte(text))
		if err != nil {
			t.Error(err)
			continue
		}
		for _, q := range queries {
			if diff := cmp.Diff(answer[any](t, want, q), answer[any](t, m, q)); diff != "" {
				t.Errorf("%s: %s (-yaml +%s):\n%s", name, q, name, diff)
			}
		}
	}
	wantPairs(t, want, "app/", "a b/c: x ${y}", "big: 12345678901234567890", "debug: true", "neg: -1.50", "port: 8080", "version: 1.10")
}

// JSON says some things in ways that YAML does not have.
func TestJSON(t *testing.T) {
	text := "\ufeff\t{\n\t\"keys\":\t{\n" + strings.Join([]string{
		"\t\t\"slash\\/es\": \"http:\\/\\/x\"",
		`"pair": "\ud83d\ude00 \uD83D\uDE00", "no pair": "\\ud83d\\ude00", "half": "\ud83d"`,
		"\"raw\": \"\u2028 \u0085  \x7f\"",
		`"quotes": "\"\\\"", "control": "\u0001\b\f\n\r\t\u007f", "accent": "\u00e9é"`,
		`"big": 123456789012345678901234567890, "exact": 1.10, "exponent": -1E+400, "null": null, "true": true`,
		`"<<": {"merge": "no"}, "yes": "yes", "hash": "a #b", "colon":"a: b", "empty": {}`,
	}, ",\n\t") + "\n\t}\n}\n\t\n"
	m, err := local.Parse("data.json", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	var want struct{ Keys map[string]any }
	decoder := json.NewDecoder(strings.NewReader(strings.TrimPrefix(text, "\ufeff")))
	decoder.UseNumber()
	if err := decoder.Decode(&want); err != nil {
		t.Fatal(err)
	}
	wants := map[string]string{"<</merge": "no", "null": ""}
	for name, v := range want.Keys {
		if _, isMap := v.(map[string]any); v != nil && !isMap {
			wants[name] = fmt.Sprint(v)
		}
	}
	got := make(map[string]string)
	for _, p := range answer[[]*watch.KeyPair](t, m, watch.Query{Kind: watch.KVList}) {
		got[p.Path] = p.Value
	}
	if diff := cmp.Diff(wants, got); diff != "" {
		t.Errorf("keys (-as JSON +as read):\n%s", diff)
	}
}

// wantInstances checks the answer to q as node/id address:port status, in its
// order.
func wantInstances(t *testing.T, m *local.Model, q watch.Query, want ...string) {
	t.Helper()
	got := []string{}
	for _, h := range answer[[]*watch.HealthService](t, m, q) {
		port, _ := json.Marshal(h.Port)
		got = append(got, h.Node+"/"+h.ID+" "+h.Address+":"+string(port)+" "+h.Status)
	}
	if want == nil {
		want = []string{}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", q, diff)
	}
}

const fleet = `
node: edge
nodes:
  edge: 10.0.0.9
  n2: 10.0.0.2
  n1:
    address: 10.0.0.1
    id: 4b7c
    meta: {rack: r1, slots: 08}
    tagged_addresses: {wan: 198.51.100.1, other: x}
  down: {address: 10.0.0.3, status: critical}
  away: {address: 10.0.0.4, status: maintenance}
services:
  web:
    port: 80
    tags: [v1, prod]
    meta: {version: 1.0}
    instances:
      - 10.0.0.2
      - 10.0.0.1:8080
      - {node: n1, id: extra, tags: v2, status: warning, weights: {passing: 5}}
      - {port: 81, status: critical}
      - {node: n2, port: 82, status: maintenance}
      - {node: down}
      - {node: away}
  db: {address: db.internal, port: 5432, checks: {disk: warning, answers: {output: all fine, notes: by hand}}}
  cache: :6379
  Web: [':99']
  none: []
  later:
`

func TestServices(t *testing.T) {
	m := parse(t, fleet)
	web := watch.Query{Kind: watch.ServiceHealth, Name: "web"}
	wantInstances(t, m, web, "edge/Web 10.0.0.9:99 passing", "n1/web-2 10.0.0.1:8080 passing", "n2/web 10.0.0.2:80 passing")
	all := web
	all.Filter = "any"
	wantInstances(t, m, all,
		"away/web-6 10.0.0.4:80 maintenance", "down/web-5 10.0.0.3:80 critical",
		"edge/Web 10.0.0.9:99 passing", "edge/web-3 10.0.0.9:81 critical",
		"n1/extra 10.0.0.1:80 warning", "n1/web-2 10.0.0.1:8080 passing",
		"n2/web 10.0.0.2:80 passing", "n2/web-4 10.0.0.2:82 maintenance")
	some := web
	some.Filter = "critical,warning"
	wantInstances(t, m, some, "down/web-5 10.0.0.3:80 critical", "edge/web-3 10.0.0.9:81 critical", "n1/extra 10.0.0.1:80 warning")
	tagged := all
	tagged.Tag = "V2"
	wantInstances(t, m, tagged, "n1/extra 10.0.0.1:80 warning")
	near := web
	near.Near = "_agent"
	wantInstances(t, m, near, "n2/web 10.0.0.2:80 passing", "n1/web-2 10.0.0.1:8080 passing", "edge/Web 10.0.0.9:99 passing")
	wantInstances(t, m, watch.Query{Kind: watch.ServiceHealth, Name: "db", Filter: "any"}, "db.internal/db db.internal:5432 warning")
	wantInstances(t, m, watch.Query{Kind: watch.ServiceHealth, Name: "cache"}, "edge/cache 10.0.0.9:6379 passing")
	wantInstances(t, m, watch.Query{Kind: watch.ServiceHealth, Name: "none", Filter: "any"})
	wantInstances(t, m, watch.Query{Kind: watch.ServiceHealth, Name: "nowhere", Filter: "any"})

	got := answer[[]*watch.CatalogSnippet](t, m, watch.Query{Kind: watch.ServiceList})
	want := []*watch.CatalogSnippet{
		{Name: "Web", Tags: watch.ServiceTags{}},
		{Name: "cache", Tags: watch.ServiceTags{}},
		{Name: "db", Tags: watch.ServiceTags{}},
		{Name: "web", Tags: watch.ServiceTags{"prod", "v1", "v2"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("services (-want +got):\n%s", diff)
	}
}

// One instance in full, as an agent would have it.
func TestInstance(t *testing.T) {
	m := parse(t, fleet)
	list := answer[[]*watch.HealthService](t, m, watch.Query{Kind: watch.ServiceHealth, Name: "web", Filter: "warning"})
	serf := &api.HealthCheck{Node: "n1", CheckID: "serfHealth", Name: "Serf Health Status", Status: "passing",
		Output: "Agent alive and reachable", ServiceTags: []string{}}
	want := []*watch.HealthService{{
		Node: "n1", NodeID: "4b7c", NodeAddress: "10.0.0.1",
		NodeTaggedAddresses: map[string]string{"lan": "10.0.0.1", "lan_ipv4": "10.0.0.1",
			"wan": "198.51.100.1", "wan_ipv4": "198.51.100.1", "other": "x"},
		NodeMeta:    map[string]string{"rack": "r1", "slots": "08"},
		ServiceMeta: map[string]string{"version": "1.0"},
		Address:     "10.0.0.1", ID: "extra", Name: "web", Tags: watch.ServiceTags{"v2"},
		Checks: api.HealthChecks{serf, {Node: "n1", CheckID: "service:extra", Name: "Service 'web' check", Status: "warning",
			ServiceID: "extra", ServiceName: "web", ServiceTags: []string{"v2"}}},
		Status: "warning", Port: 80, Weights: api.AgentWeights{Passing: 5, Warning: 1},
	}}
	if diff := cmp.Diff(want, list); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}

	list = answer[[]*watch.HealthService](t, m, watch.Query{Kind: watch.ServiceHealth, Name: "db", Filter: "any"})
	var checks []string
	for _, c := range list[0].Checks {
		checks = append(checks, c.CheckID+" "+c.Status+" "+c.Output+" "+c.Notes+" "+c.ServiceID)
	}
	wantChecks := []string{"serfHealth passing Agent alive and reachable  ", "answers passing all fine by hand db", "disk warning   db"}
	if diff := cmp.Diff(wantChecks, checks); diff != "" {
		t.Errorf("checks (-want +got):\n%s", diff)
	}
}

// The status of every instance is that of its checks, which templates can ask
// as well.
func TestStatusIsThatOfChecks(t *testing.T) {
	m := parse(t, fleet)
	for _, h := range answer[[]*watch.HealthService](t, m, watch.Query{Kind: watch.ServiceHealth, Name: "web", Filter: "any"}) {
		if got := h.Checks.AggregatedStatus(); got != h.Status {
			t.Errorf("%s/%s: status %q, that of its checks %q", h.Node, h.ID, h.Status, got)
		}
	}
}

// What is shared in the file is each instance's own in the answers.
func TestSharedFields(t *testing.T) {
	m := parse(t, `
nodes: {a: 10.0.0.1, b: 10.0.0.1, c: 10.0.0.2}
services:
  web:
    port: 80
    checks: {http: warning}
    instances: ["10.0.0.1", {node: c, id: web-3}, {node: b}, {node: b, id: web}]
`)
	var got []string
	for _, h := range answer[[]*watch.HealthService](t, m, watch.Query{Kind: watch.ServiceHealth, Name: "web", Filter: "any", Near: "_agent"}) {
		c := h.Checks[len(h.Checks)-1]
		got = append(got, h.Node+"/"+h.ID+" "+c.CheckID+" "+c.Node+"/"+c.ServiceID)
	}
	want := []string{"a/web-2 http a/web-2", "c/web-3 http c/web-3", "b/web-4 http b/web-4", "b/web http b/web"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestTaggedServiceAddresses(t *testing.T) {
	m := parse(t, `
services:
  web:
    - {address: 10.0.0.1, port: 80, tagged_addresses: {wan_ipv4: "198.51.100.1:8080", lan: 10.1.0.1}}
    - {address: "fd00::1", port: 80}
    - "[fd00::2]:80"
    - web.internal:80
`)
	list := answer[[]*watch.HealthService](t, m, watch.Query{Kind: watch.ServiceHealth, Name: "web", Near: "_agent"})
	var got []map[string]api.ServiceAddress
	for _, h := range list {
		got = append(got, h.ServiceTaggedAddresses)
	}
	want := []map[string]api.ServiceAddress{
		{"lan": {Address: "10.1.0.1", Port: 80}, "lan_ipv4": {Address: "10.0.0.1", Port: 80}, "wan_ipv4": {Address: "198.51.100.1", Port: 8080}},
		{"lan_ipv6": {Address: "fd00::1", Port: 80}, "wan_ipv6": {Address: "fd00::1", Port: 80}},
		{"lan_ipv6": {Address: "fd00::2", Port: 80}, "wan_ipv6": {Address: "fd00::2", Port: 80}},
		nil,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestConnect(t *testing.T) {
	m := parse(t, `
services:
  web: [10.0.0.1:80]
  api: {address: 10.0.0.2, port: 80, connect: true}
  web-sidecar: {address: 10.0.0.1, port: 21000, proxy_for: web}
`)
	wantInstances(t, m, watch.Query{Kind: watch.ConnectHealth, Name: "web"}, "10.0.0.1/web-sidecar 10.0.0.1:21000 passing")
	wantInstances(t, m, watch.Query{Kind: watch.ConnectHealth, Name: "api"}, "10.0.0.2/api 10.0.0.2:80 passing")
	wantInstances(t, m, watch.Query{Kind: watch.ConnectHealth, Name: "web-sidecar"})
}

func TestNodes(t *testing.T) {
	names := func(m *local.Model, q watch.Query) (names []string) {
		for _, n := range answer[[]*watch.Node](t, m, q) {
			names = append(names, n.Node+" "+n.Address+" "+n.Datacenter)
		}
		return names
	}
	m := parse(t, fleet)
	sorted := []string{"away 10.0.0.4 dc1", "db.internal db.internal dc1", "down 10.0.0.3 dc1", "edge 10.0.0.9 dc1", "n1 10.0.0.1 dc1", "n2 10.0.0.2 dc1"}
	if diff := cmp.Diff(sorted, names(m, watch.Query{Kind: watch.NodeList})); diff != "" {
		t.Errorf("nodes (-want +got):\n%s", diff)
	}
	near := []string{"edge 10.0.0.9 dc1", "n2 10.0.0.2 dc1", "n1 10.0.0.1 dc1", "down 10.0.0.3 dc1", "away 10.0.0.4 dc1", "db.internal db.internal dc1"}
	if diff := cmp.Diff(near, names(m, watch.Query{Kind: watch.NodeList, Near: "_agent"})); diff != "" {
		t.Errorf("nodes, nearest first (-want +got):\n%s", diff)
	}
	want := &watch.CatalogNode{
		Node: &watch.Node{ID: "4b7c", Node: "n1", Address: "10.0.0.1", Datacenter: "dc1", Meta: map[string]string{"rack": "r1", "slots": "08"},
			TaggedAddresses: map[string]string{"lan": "10.0.0.1", "lan_ipv4": "10.0.0.1", "wan": "198.51.100.1", "wan_ipv4": "198.51.100.1", "other": "x"}},
		Services: []*watch.CatalogNodeService{
			{ID: "extra", Service: "web", Tags: watch.ServiceTags{"v2"}, Meta: map[string]string{"version": "1.0"}, Port: 80},
			{ID: "web-2", Service: "web", Tags: watch.ServiceTags{"prod", "v1"}, Meta: map[string]string{"version": "1.0"}, Port: 8080, Address: "10.0.0.1"},
		},
	}
	if diff := cmp.Diff(want, answer[*watch.CatalogNode](t, m, watch.Query{Kind: watch.NodeServices, Name: "N1"})); diff != "" {
		t.Errorf("node n1 (-want +got):\n%s", diff)
	}
	if got := answer[*watch.CatalogNode](t, m, watch.Query{Kind: watch.NodeServices}); got.Node.Node != "edge" {
		t.Errorf("the agent's own node is %q, want edge", got.Node.Node)
	}
	if diff := cmp.Diff(&watch.CatalogNode{}, answer[*watch.CatalogNode](t, m, watch.Query{Kind: watch.NodeServices, Name: "nope"})); diff != "" {
		t.Errorf("a node that is not there (-want +got):\n%s", diff)
	}
}

// Which node an instance is on, and which the agent's own is, where the file
// says little.
func TestNodesThatAreNotListed(t *testing.T) {
	tests := []struct{ name, text, own, instance string }{
		{"nothing said", `services: {web: ":80"}`, "localhost", "localhost/web 127.0.0.1:80 passing"},
		{"an address", `services: {web: "10.0.0.1:80"}`, "localhost", "10.0.0.1/web 10.0.0.1:80 passing"},
		{"the agent's address", `services: {web: "127.0.0.1:80"}`, "localhost", "localhost/web 127.0.0.1:80 passing"},
		{"an address of a node", `{nodes: {a: 10.0.0.1}, services: {web: "10.0.0.1:80"}}`, "a", "a/web 10.0.0.1:80 passing"},
		{"no address", `{nodes: {a: 10.0.0.1}, services: {web: ":80"}}`, "a", "a/web 10.0.0.1:80 passing"},
		{"a node", `services: {web: {node: b, address: 10.0.0.2, port: 80}}`, "localhost", "b/web 10.0.0.2:80 passing"},
		{"the agent's node", `{node: b, services: {web: ":80"}}`, "b", "b/web 127.0.0.1:80 passing"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := parse(t, tt.text)
			wantInstances(t, m, watch.Query{Kind: watch.ServiceHealth, Name: "web"}, tt.instance)
			own := answer[*watch.CatalogNode](t, m, watch.Query{Kind: watch.NodeServices})
			if own.Node == nil || own.Node.Node != tt.own {
				t.Errorf("the agent's own node is %+v, want %s", own.Node, tt.own)
			}
			if n := answer[*watch.CatalogNode](t, m, watch.Query{Kind: watch.NodeServices, Name: tt.own}); n.Node == nil {
				t.Errorf("the agent's own node %s is not in the catalog", tt.own)
			}
		})
	}
}

func TestDatacenters(t *testing.T) {
	m := parse(t, `
datacenter: home
keys: {a: here}
datacenters:
  home:
  west:
    keys: {a: there}
    services: {web: ["10.1.0.1:80", ":81"]}
    nodes: {w1: 10.1.0.9}
  east: {}
`)
	want := []string{"east", "home", "west"}
	if diff := cmp.Diff(want, answer[[]string](t, m, watch.Query{Kind: watch.DatacenterList})); diff != "" {
		t.Errorf("datacenters (-want +got):\n%s", diff)
	}
	for dc, value := range map[string]string{"": "here", "home": "here", "west": "there"} {
		if got := answer[*watch.KeyPair](t, m, watch.Query{Kind: watch.KVGet, Name: "a", Datacenter: dc}); got.Value != value {
			t.Errorf("key a@%s = %q, want %q", dc, got.Value, value)
		}
	}
	wantInstances(t, m, watch.Query{Kind: watch.ServiceHealth, Name: "web", Datacenter: "west"},
		"10.1.0.1/web 10.1.0.1:80 passing", "w1/web-2 10.1.0.9:81 passing")
	wantInstances(t, m, watch.Query{Kind: watch.ServiceHealth, Name: "web"})
	if n := answer[*watch.CatalogNode](t, m, watch.Query{Kind: watch.NodeServices, Datacenter: "west", Name: "w1"}); n.Node.Datacenter != "west" {
		t.Errorf("node w1 is in %q, want west", n.Node.Datacenter)
	}
	if nodes := answer[[]*watch.Node](t, m, watch.Query{Kind: watch.NodeList, Datacenter: "east"}); len(nodes) > 0 {
		t.Errorf("the empty datacenter has nodes: %+v", nodes)
	}
	names := answer[[]string](t, parse(t, "datacenters: [b, dc1, a]"), watch.Query{Kind: watch.DatacenterList})
	if diff := cmp.Diff([]string{"a", "b", "dc1"}, names); diff != "" {
		t.Errorf("names alone (-want +got):\n%s", diff)
	}
}

func TestCannotAnswer(t *testing.T) {
	m := parse(t, "datacenters: [dc2]")
	tests := []struct {
		query watch.Query
		class watch.Class
		want  string
	}{
		{watch.Query{Kind: watch.CARootList}, watch.Invalid, "connect.caroots: the data file has no certificates"},
		{watch.Query{Kind: watch.CALeafCert, Name: "web"}, watch.Invalid, "connect.caleaf(web): the data file has no certificates"},
		{watch.Query{Kind: watch.PeeringList}, watch.Invalid, "list.peerings: the data file has no peerings"},
		{watch.Query{Kind: watch.PartitionList}, watch.Invalid, "list.partitions: the data file has no partitions"},
		{watch.Query{Kind: watch.ExportedServiceList}, watch.Invalid, "list.exportedServices: the data file has no exported or imported services"},
		{watch.Query{Kind: watch.VaultRead, Name: "x"}, watch.Denied, "vault.read(x): the data file has no such secret"},
		{watch.Query{Kind: watch.FileContent, Name: "x"}, watch.Invalid, "file(x): the data file has no files"},
		{watch.Query{Kind: watch.KVGet, Name: "a", Namespace: "team"}, watch.Invalid, "kv.get(a@ns=team): the data file has no namespaces"},
		{watch.Query{Kind: watch.KVGet, Name: "a", Partition: "p"}, watch.Invalid, "kv.get(a@partition=p): the data file has no partitions"},
		{watch.Query{Kind: watch.ServiceHealth, Name: "a", Peer: "p"}, watch.Invalid, "health.service(a@peer=p): the data file has no peerings"},
		{watch.Query{Kind: watch.ServiceHealth, Name: "a", SamenessGroup: "p"}, watch.Invalid, "health.service(a@sameness-group=p): the data file has no sameness groups"},
		{watch.Query{Kind: watch.KVGet, Name: "a", Datacenter: "dc3"}, watch.Denied, `kv.get(a@dc3): the data file has no datacenter "dc3" (it has dc1, dc2)`},
	}
	for _, tt := range tests {
		a, err := m.Answer(tt.query)
		var e *watch.Error
		if !errors.As(err, &e) || e.Class != tt.class || err.Error() != tt.want || a != nil {
			t.Errorf("%s: answer %v, class %v, error\n%v, want class %v,\n%s", tt.query, a, watch.Classify(err), err, tt.class, tt.want)
		}
	}
	if _, err := m.Answer(watch.Query{Kind: watch.KVGet, Name: "a", Namespace: "default", Partition: "default"}); err != nil {
		t.Errorf("the default namespace and partition: %v", err)
	}
}
