package funcs

import (
	"bytes"
	"strings"
	"testing"
	"text/template"

	"github.com/hashicorp/consul/api"

	"restencil/watch"
)

// pairsOf returns a KVList answer: each text is key=value, below prefix.
func pairsOf(prefix string, texts ...string) []*watch.KeyPair {
	pairs := []*watch.KeyPair{}
	for i, text := range texts {
		path, value, _ := strings.Cut(text, "=")
		pairs = append(pairs, &watch.KeyPair{
			Path: path, Key: watch.RelativeKey(prefix, path), Value: value, CreateIndex: 1, ModifyIndex: uint64(i + 2),
		})
	}
	return pairs
}

func TestKey(t *testing.T) {
	gone := &watch.KeyPair{Path: "gone", Value: "before"}
	store := fakeExecution{
		data: map[string]any{
			"kv.get(a)":     &watch.KeyPair{Path: "a", Value: "1"},
			"kv.get(a@dc2)": &watch.KeyPair{Path: "a", Value: "2"},
			"kv.get(empty)": &watch.KeyPair{Path: "empty"},
			"kv.get(never)": nil,
			"kv.get(gone)":  nil,
		},
		last: map[string]any{"kv.get(gone)": gone},
	}
	runStoreTests(t, store, []storeTest{
		{text: `{{ key "a" }}{{ key "/a" }}{{ key "a@dc2" }}`, want: `112`},
		{text: `{{ key "empty" | toJSON }}`, want: `""`},
		{text: `{{ key "never" | toJSON }}`, want: `""`, missing: []string{"kv.get(never)"}},
		{text: `{{ key "gone" }}`, want: `before`},
		{text: `{{ "a" | key | printf "%q" }}`, want: `"1"`},
		{text: `{{ keyExists "a" }} {{ keyExists "empty" }} {{ keyExists "never" }} {{ keyExists "gone" }}`, want: `true true false false`},
		{text: `{{ keyOrDefault "a" "d" }} {{ keyOrDefault "empty" "d" }} {{ keyOrDefault "never" "d" }} {{ keyOrDefault "gone" "d" }}`, want: `1 d d d`},
		{text: `{{ if keyExists "never" }}{{ key "never" }}{{ else }}none{{ end }}`, want: `none`},
		{text: `{{ key "a@@b" }}`, fail: `error calling key: kv.get: invalid format: "a@@b"`},
		{text: `{{ keyExists "a@@b" }}`, fail: `error calling keyExists: kv.get: invalid format: "a@@b"`},
		{text: `{{ keyOrDefault "a@@b" "d" }}`, fail: `error calling keyOrDefault: kv.get: invalid format: "a@@b"`},
		{text: `{{ key 1 }}`, fail: `expected string`},
	})
}

func TestPrefixes(t *testing.T) {
	store := fakeExecution{data: map[string]any{
		"kv.list(app)":  pairsOf("app", "app/=", "app/a=1", "app/b/=", "app/b/c=2", "apple=x"),
		"kv.list(app/)": pairsOf("app/", "app/=", "app/a=1", "app/b/=", "app/b/c=2"),
		"kv.list(none)": pairsOf("none"),
		"kv.list(dir/)": pairsOf("dir/", "dir/=", "dir/sub/="),
		"kv.list(deep)": pairsOf("deep", "deep/x/y=1"),
		"kv.list(nil)":  nil,
	}}
	const one = `{"Path":"app/a","Key":"a","Value":"1","CreateIndex":1,"ModifyIndex":3,"LockIndex":0,"Flags":0,"Session":""}`
	runStoreTests(t, store, []storeTest{
		{text: `{{ range ls "app" }}{{ .Key }}={{ .Value }} {{ end }}`, want: `a=1 le=x `},
		{text: `{{ ls "app/" | toJSON }}`, want: `[` + one + `]`},
		{text: `{{ range tree "app" }}{{ .Key }} {{ end }}`, want: `a b/c le `},
		{text: `{{ range tree "app/" }}{{ .Path }} {{ end }}`, want: `app/a app/b/c `},
		{text: `{{ tree "app" | explode | toJSON }}`, want: `{"a":"1","b":{"c":"2"},"le":"x"}`},
		{text: `{{ range safeLs "app/" }}{{ . }}{{ end }}`, want: `{app/a a 1 1 3 0 0 }`},
		{text: `{{ safeTree "app/" | len }}`, want: `2`},
		{text: `{{ ls "none" | toJSON }} {{ tree "none" | toJSON }} {{ ls "nil" | toJSON }} {{ tree "nil" | toJSON }}`, want: `[] [] [] []`},
		{text: `{{ ls "dir/" | toJSON }} {{ tree "dir/" | toJSON }}`, want: `[] []`},
		// A safe function refuses what is empty after leaving out.
		{text: `{{ safeLs "dir/" | toJSON }}`, want: `[]`, missing: []string{"kv.list(dir/)"}},
		{text: `{{ safeTree "dir/" | toJSON }}`, want: `[]`, missing: []string{"kv.list(dir/)"}},
		{text: `{{ safeLs "deep" | len }}`, want: `0`, missing: []string{"kv.list(deep)"}},
		{text: `{{ safeTree "deep" | len }}`, want: `1`},
		{text: `{{ ls "a@@b" }}`, fail: `error calling ls: kv.list: invalid format: "a@@b"`},
		{text: `{{ safeTree "a@@b" }}`, fail: `error calling safeTree: kv.list: invalid format`},
	})
}

// web returns an instance that tests look at.
func web(id string, port int, tags ...string) *watch.HealthService {
	return &watch.HealthService{
		Node: "n" + id, ID: "web" + id, Name: "web", Address: "10.0.0." + id, Port: port,
		Tags: watch.SortedTags(tags), Status: "passing", ServiceMeta: map[string]string{"zone": "z" + id, "num": id},
		Checks: api.HealthChecks{{Node: "n" + id, CheckID: "c", Status: "passing", ServiceTags: []string{"y", "x"}}},
	}
}

func TestServices(t *testing.T) {
	node := &watch.CatalogNode{
		Node:     &watch.Node{Node: "n1", Address: "10.0.0.1"},
		Services: []*watch.CatalogNodeService{{ID: "web1", Service: "web", Tags: watch.SortedTags(nil), Port: 80}},
	}
	store := fakeExecution{data: map[string]any{
		"health.service(web)":             []*watch.HealthService{web("1", 80, "v1", "prod"), web("2", 81)},
		"health.service(web|any)":         []*watch.HealthService{web("3", 82)},
		"health.service(v1.web@dc2)":      []*watch.HealthService{},
		"health.connect(web)":             []*watch.HealthService{web("4", 83)},
		"health.service(none)":            nil,
		"catalog.services":                []*watch.CatalogSnippet{{Name: "db", Tags: watch.SortedTags(nil)}, {Name: "web", Tags: watch.ServiceTags{"a", "b"}}},
		"catalog.services(@dc2)":          []*watch.CatalogSnippet(nil),
		"catalog.node(n1)":                node,
		"catalog.node":                    &watch.CatalogNode{},
		"catalog.node(odd)":               nil,
		"catalog.nodes":                   []*watch.Node{{Node: "n1"}, {Node: "n2", Meta: map[string]string{"rack": "r"}}},
		"catalog.datacenters":             []string{"dc1", "dc2"},
		"catalog.datacenters(|available)": []string{"dc1"},
	}}
	runStoreTests(t, store, []storeTest{
		{text: `{{ range $i, $s := service "web" }}{{ if $i }},{{ end }}{{ .Address }}:{{ .Port }}{{ end }}`, want: `10.0.0.1:80,10.0.0.2:81`},
		{text: `{{ range service "web" }}{{ .Tags | join "," }}{{ .Tags }}{{ end }}`, want: `prod,v1[prod v1][]`},
		{text: `{{ (index (service "web") 0).Checks.AggregatedStatus }}`, want: `passing`},
		{text: `{{ range service "web|any" }}{{ .ID }}{{ end }}{{ range service "web" "any" }}{{ .ID }}{{ end }}`, want: `web3web3`},
		{text: `{{ range service "web|passing" }}{{ .ID }}{{ end }}`, want: `web1web2`},
		{text: `{{ service "v1.web@dc2" | toJSON }} {{ service "none" | toJSON }}`, want: `[] []`},
		{text: `{{ if service "none" }}a{{ else }}b{{ end }}`, want: `b`},
		{text: `{{ range connect "web" }}{{ .ID }}{{ end }}`, want: `web4`},
		{text: `{{ service "web" "" }}`, fail: `error calling service: health.service: invalid format: "web|"`},
		{text: `{{ connect "a b|" }}`, fail: `error calling connect: health.service: invalid format: "a b|"`},
		{text: `{{ services | toJSON }}`, want: `[{"Name":"db","Tags":[]},{"Name":"web","Tags":["a","b"]}]`},
		{text: `{{ services "@dc" "2" | toJSON }}`, want: `null`},
		{text: `{{ services "web" }}`, fail: `catalog.services: invalid format: "web"`},
		{text: `{{ with node "n1" }}{{ .Node.Address }}{{ range .Services }} {{ .Service }}:{{ .Port }}{{ end }}{{ end }}`, want: `10.0.0.1 web:80`},
		{text: `{{ with node }}{{ .Node }}{{ .Services }}{{ end }}`, want: `<nil>[]`},
		{text: `{{ with node "odd" }}{{ toJSON . }}{{ end }}`, want: `{"Node":null,"Services":null}`},
		{text: `{{ node "@dc1" }}`, fail: `catalog.node: invalid format: "@dc1"`},
		{text: `{{ range nodes }}{{ .Node }}{{ .Meta }}{{ end }}`, want: `n1map[]n2map[rack:r]`},
		{text: `{{ nodes "n1" }}`, fail: `catalog.nodes: invalid format: "n1"`},
		{text: `{{ datacenters }} {{ datacenters false }} {{ datacenters true | join "," }}`, want: `[dc1 dc2] [dc1 dc2] dc1`},
		{text: `{{ datacenters true false }}`, fail: `datacenters: wrong number of arguments, expected 0 or 1, but got 2`},
	})
}

func TestMesh(t *testing.T) {
	store := fakeExecution{data: map[string]any{
		"list.partitions":             []*watch.Partition{{Name: "default", Description: "d"}},
		"list.peerings":               []*watch.Peering{{Name: "east", PeeringState: "ACTIVE"}},
		"list.peerings(@partition=p)": []*watch.Peering{},
		"list.exportedServices":       []watch.ExportedService{{Service: "web", Consumers: watch.ResolvedConsumers{Peers: []string{"b", "a"}, Partitions: []string{}}}},
		"list.exportedServices(p)":    nil,
		"list.importedServices(p)":    []watch.ImportedService{{Service: "web", Namespace: "n", SourcePartition: "q"}},
		"connect.caroots":             []*watch.CARoot{{ID: "1", Name: "root", RootCertPEM: "pem", Active: true}},
		"connect.caleaf(web)":         &watch.LeafCert{SerialNumber: "7", Service: "web"},
	}}
	runStoreTests(t, store, []storeTest{
		{text: `{{ partitions | toJSON }}`, want: `[{"Name":"default","Description":"d"}]`},
		{text: `{{ range peerings }}{{ .Name }} {{ .PeeringState }}{{ end }}{{ peerings "?partition=p" | toJSON }}`, want: `east ACTIVE[]`},
		{text: `{{ peerings "x" }}`, fail: `list.peering: invalid format: "x"`},
		{text: `{{ exportedServices | toJSON }}`, want: `[{"Service":"web","Partition":"","Namespace":"","Consumers":{"Peers":["b","a"],"Partitions":[]}}]`},
		{text: `{{ exportedServices "" | len }}{{ exportedServices "p" | toJSON }}`, want: `1[]`},
		{text: `{{ exportedServices "a" "b" }}`, fail: `exportedServices: wrong number of arguments, expected 0 or 1`},
		{text: `{{ importedServices "p" | toJSON }}`, want: `[{"Service":"web","Namespace":"n","SourcePartition":"q"}]`},
		{text: `{{ importedServices "" }}`, fail: `importedServices: partition name is required`},
		{text: `{{ importedServices }}`, fail: `wrong number of args`},
		{text: `{{ range caRoots "any" "thing" }}{{ .Name }} {{ .RootCertPEM }} {{ .Active }}{{ end }}`, want: `root pem true`},
		{text: `{{ caRoots 1 }}`, fail: `expected string`},
		{text: `{{ with caLeaf "web" "ignored" }}{{ .Service }} {{ .SerialNumber }}{{ end }}`, want: `web 7`},
	})
}

// Sorting in place must not reach what other templates see, and must still show
// in a template's own lists.
func TestSortAlphaLeavesAnswersAlone(t *testing.T) {
	instances := []*watch.HealthService{web("1", 80)}
	instances[0].Checks[0].Definition.Header = map[string][]string{"H": {"b", "a"}}
	peerings := []*watch.Peering{{PeerServerAddresses: []string{"b", "a"}}}
	exported := []watch.ExportedService{{Consumers: watch.ResolvedConsumers{Peers: []string{"b", "a"}}}}
	certificate := watch.Certificate{CAChain: []string{"b", "a"}}
	f := &fakeExecution{data: map[string]any{
		"health.service(web)": instances, "list.peerings": peerings, "list.exportedServices": exported,
		"vault.pki(p->/etc/app.pem)": certificate,
	}}
	const text = `{{ range service "web" }}{{ range .Checks }}{{ sprig_sortAlpha .ServiceTags }}{{ .ServiceTags }}` +
		`{{ sprig_sortAlpha .Definition.Header.H }}{{ sprig_sortAlpha (slice .ServiceTags 0) }}{{ end }}{{ end }}` +
		`{{ range peerings }}{{ sprig_sortAlpha .PeerServerAddresses }}{{ end }}` +
		`{{ range exportedServices }}{{ sprig_sortAlpha .Consumers.Peers }}{{ end }}` +
		`{{ sprig_sortAlpha (pkiCert "p").CAChain }}` +
		`{{ $own := own }}{{ sprig_sortAlpha $own }}{{ $own }}`
	_, functions := storeEnv(f)
	functions["own"] = func() []string { return []string{"d", "c"} }
	var out bytes.Buffer
	if err := template.Must(template.New("").Funcs(functions).Parse(text)).Execute(&out, nil); err != nil {
		t.Fatal(err)
	}
	if want := `[x y][y x][a b][x y][a b][a b][a b][c d][c d]`; out.String() != want {
		t.Errorf("rendered %s, want %s", out.String(), want)
	}
	for name, list := range map[string][]string{
		"ServiceTags": instances[0].Checks[0].ServiceTags, "Header": instances[0].Checks[0].Definition.Header["H"],
		"PeerServerAddresses": peerings[0].PeerServerAddresses, "Peers": exported[0].Consumers.Peers, "CAChain": certificate.CAChain,
	} {
		if list[0] < list[1] {
			t.Errorf("the answer's %s is sorted now", name)
		}
	}
}
