package record

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/consul/api"

	"restencil/watch"
	"restencil/watch/dependency"
	"restencil/watch/local"
)

// written returns the data file for answers, and the model of it.
func written(t *testing.T, answers map[watch.Query]any) (string, *local.Model) {
	t.Helper()
	var b strings.Builder
	if err := Write(&b, answers); err != nil {
		t.Fatal(err)
	}
	model, err := local.Parse("data.yaml", []byte(b.String()))
	if err != nil {
		t.Fatalf("%v in\n%s", err, &b)
	}
	return b.String(), model
}

// The agent's own datacenter may have another name, which queries may give.
func TestDatacenters(t *testing.T) {
	key := func(name, datacenter string) watch.Query {
		return watch.Query{Kind: watch.KVGet, Name: name, Datacenter: datacenter}
	}
	pair := func(path, value string) *watch.KeyPair { return &watch.KeyPair{Path: path, Key: path, Value: value} }
	_, model := written(t, map[watch.Query]any{
		key("a", ""):                              pair("a", "1"),
		key("b", "eu"):                            pair("b", "2"),
		key("c", "us"):                            pair("c", "3"),
		{Kind: watch.DatacenterList}:              []string{"asia", "eu", "us"},
		{Kind: watch.NodeServices}:                &watch.CatalogNode{Node: &watch.Node{Node: "n", Address: "10.0.0.1", Datacenter: "eu"}},
		{Kind: watch.NodeList, Datacenter: "us"}:  []*watch.Node{{Node: "m", Address: "10.0.0.2", Datacenter: "us"}},
		{Kind: watch.VaultList, Name: "secret/x"}: []string{"one", "two"},
	})
	for q, want := range map[watch.Query]string{key("a", ""): "1", key("b", ""): "2", key("b", "eu"): "2", key("c", "us"): "3"} {
		got, err := model.Answer(q)
		if p, ok := got.(*watch.KeyPair); !ok || p == nil || p.Value != want || err != nil {
			t.Errorf("%v: %v %v, want %s", q, got, err, want)
		}
	}
	got, err := model.Answer(watch.Query{Kind: watch.DatacenterList})
	if diff := cmp.Diff([]string{"asia", "eu", "us"}, got); diff != "" || err != nil {
		t.Errorf("datacenters (-want +got): %v\n%s", err, diff)
	}
}

// The answers of each cluster have a section of their own.
func TestClusters(t *testing.T) {
	pair := func(value string) *watch.KeyPair { return &watch.KeyPair{Path: "a", Key: "a", Value: value} }
	query := func(cluster string) watch.Query { return watch.Query{Kind: watch.KVGet, Name: "a", Cluster: cluster} }
	secret := watch.Query{Kind: watch.VaultRead, Name: "kv/x", Cluster: "us"}
	text, model := written(t, map[watch.Query]any{
		query(""): pair("1"), query("eu"): pair("2"), query("us"): pair("3"), secret: watch.Taint(&watch.Secret{Data: map[string]any{"p": "hunter2"}}),
		{Kind: watch.NodeServices, Cluster: "us"}: &watch.CatalogNode{Node: &watch.Node{Node: "n", Address: "10.0.0.1", Datacenter: "texas"}},
	})
	for cluster, want := range map[string]string{"": "1", "eu": "2", "us": "3"} {
		got, err := model.Answer(query(cluster))
		if p, ok := got.(*watch.KeyPair); !ok || p == nil || p.Value != want || err != nil {
			t.Errorf("%q: %v %v, want %s in\n%s", cluster, got, err, want, text)
		}
	}
	if s, err := model.Answer(secret); err != nil || watch.Reveal(s).(*watch.Secret).Data["p"] != "masked-p" {
		t.Errorf("the secret: %v %v", watch.Reveal(s), err)
	}
	if !strings.Contains(text, "datacenter: texas") || strings.Contains(text, "hunter2") {
		t.Errorf("recorded:\n%s", text)
	}
	if _, err := model.Answer(query("asia")); err == nil || err.Error() != `kv.get(a@cluster=asia): the data file has no cluster "asia"` {
		t.Error(err)
	}
}

// With Near the order of instances and nodes is that of the answer, and a node's status
// is kept.
func TestNearAndNodes(t *testing.T) {
	instance := func(node, id string, checks ...*api.HealthCheck) *watch.HealthService {
		return &watch.HealthService{Node: node, NodeAddress: "10.0.0." + id, Address: "10.0.0." + id, ID: id, Name: "web", Tags: watch.ServiceTags{},
			Weights: api.AgentWeights{Passing: 1, Warning: 1}, Checks: checks, Status: api.HealthChecks(checks).AggregatedStatus()}
	}
	near := watch.Query{Kind: watch.ServiceHealth, Name: "web", Filter: "any", Near: "_agent"}
	list := []*watch.HealthService{
		instance("b", "2"), instance("a", "1", &api.HealthCheck{Node: "a", CheckID: api.NodeMaint, Status: "critical"}),
		instance("c", "3", &api.HealthCheck{Node: "c", CheckID: "serfHealth", Status: "critical"}),
		instance("d", "4", &api.HealthCheck{Node: "d", CheckID: "own", Name: "Own", Status: "warning", Output: "99 %"}),
	}
	_, model := written(t, map[watch.Query]any{near: list, {Kind: watch.ServiceHealth, Name: "web"}: list[:1]})
	got, err := model.Answer(near)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, h := range got.([]*watch.HealthService) {
		lines = append(lines, h.Node+" "+h.Address+" "+h.Status)
	}
	if diff := cmp.Diff([]string{"b 10.0.0.2 passing", "a 10.0.0.1 maintenance", "c 10.0.0.3 critical", "d 10.0.0.4 warning"}, lines); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// What a data file cannot hold is named, unless a secret is part of it.
func TestNotRecorded(t *testing.T) {
	text, _ := written(t, map[watch.Query]any{
		{Kind: watch.KVGet, Name: "binary"}:                           &watch.KeyPair{Path: "binary", Value: "\xff"},
		{Kind: watch.KVList, Name: "of\nbytes/"}:                      []*watch.KeyPair{{Path: "of\nbytes/a", Value: "\xff"}, {Path: "of\nbytes/b", Value: "\xff"}},
		{Kind: watch.KVGet, Name: "hunter2", Private: true}:           &watch.KeyPair{Path: "hunter2", Value: "of the secret"},
		{Kind: watch.CARootList}:                                      []*watch.CARoot{},
		{Kind: watch.KVGet, Name: "a", Namespace: "team"}:             &watch.KeyPair{Path: "a", Value: "1"},
		{Kind: watch.ServiceHealth, Name: "web", Peer: "other"}:       []*watch.HealthService{},
		{Kind: watch.KVGet, Name: "default/ns", Namespace: "default"}: &watch.KeyPair{Path: "default/ns", Value: "1"},
	})
	for _, want := range []string{
		"# Not recorded: consul key binary: the value of key \"binary\" is no text.\n", "# Not recorded: consul connect.caroots: a data file does not hold such answers.\n",
		`# Not recorded: consul keys below of; bytes/: the value of key "of\nbytes/a" is no text; the value of key "of\nbytes/b" is no text.` + "\n",
		"# Not recorded: consul key a@ns=team: a data file has no peers, ", "# Not recorded: consul service web@peer=other: ", ": a secret is part of it.\n", "default/ns: \"1\"\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Contains(text, "hunter2") || strings.Contains(text, "of the secret") {
		t.Errorf("a secret in\n%s", text)
	}
}

// What Nomad answers comes back, with the items of variables masked.
func TestNomad(t *testing.T) {
	web := &watch.NomadServiceInstance{ID: "i", Name: "web", Node: "n", Address: "10.0.0.1", Port: 80, Datacenter: "dc1", Tags: watch.ServiceTags{"a"}, JobID: "j", AllocID: "x"}
	variable := dependency.NewNomadVariable(watch.NomadVarMeta{Namespace: "default", Path: "app"}, map[string]string{"password": "s3cret", "port": "8080"})
	text, model := written(t, map[watch.Query]any{
		{Kind: watch.NomadService, Name: "web"}:           []*watch.NomadServiceInstance{web},
		{Kind: watch.NomadServiceList}:                    []*watch.NomadServicesSnippet{{Name: "web", Tags: watch.ServiceTags{"a"}}, {Name: "db", Tags: watch.ServiceTags{"b"}}},
		{Kind: watch.NomadVarGet, Name: "app"}:            watch.Taint(variable.Items),
		{Kind: watch.NomadVarList}:                        []*watch.NomadVarMeta{{Namespace: "default", Path: "app"}, {Namespace: "default", Path: "other"}},
		{Kind: watch.NomadVarGet, Name: "nosuch"}:         nil,
		{Kind: watch.NomadServiceList, Datacenter: "far"}: []*watch.NomadServicesSnippet{},
	})
	if strings.Contains(text, "s3cret") || strings.Contains(text, "8080") || !strings.Contains(text, "# Not recorded: nomad services @far: a data file has no regions.") {
		t.Errorf("recorded:\n%s", text)
	}
	for q, want := range map[watch.Query]any{
		{Kind: watch.NomadService, Name: "web"}: []*watch.NomadServiceInstance{web},
		{Kind: watch.NomadServiceList}:          []*watch.NomadServicesSnippet{{Name: "db", Tags: watch.ServiceTags{"b"}}, {Name: "web", Tags: watch.ServiceTags{"a"}}},
	} {
		got, err := model.Answer(q)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s (-want +got): %v\n%s", q, err, diff)
		}
	}
	got, err := model.Answer(watch.Query{Kind: watch.NomadVarGet, Name: "app"})
	items, _ := watch.Reveal(got).(watch.NomadVarItems)
	if diff := cmp.Diff(map[string]any{"password": "masked-password", "port": "0"}, items.ItemsMap()); diff != "" || err != nil {
		t.Errorf("(-want +got): %v\n%s", err, diff)
	}
}
