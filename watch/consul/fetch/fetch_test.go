package fetch

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/consul/api"

	"restencil/watch"
	"restencil/watch/blocking"
	"restencil/watch/consul/discovery"
)

// ask puts q to an agent that has these replies, by path; a reply that does
// not begin with a bracket is a refusal with that status. It returns what the
// agent was asked for.
func ask(t *testing.T, q watch.Query, replies map[string]string) (blocking.Reply, []string, error) {
	t.Helper()
	return askWith(t, func(r Requests) blocking.Func {
		return r.ForKind(q.Kind, false).Fetch
	}, q, replies)
}

func askWith(t *testing.T, with func(Requests) blocking.Func, q watch.Query, replies map[string]string) (blocking.Reply, []string, error) {
	t.Helper()
	var mu sync.Mutex
	var asked []string
	c := newClient(t, func(r *http.Request) (*http.Response, error) {
		mu.Lock()
		asked = append(asked, r.URL.RequestURI())
		mu.Unlock()
		body, ok := replies[r.URL.Path]
		if dc := r.URL.Query().Get("dc"); dc != "" {
			body, ok = replies[r.URL.Path+"@"+dc]
		}
		switch {
		case !ok:
			return respond(404, "Invalid URL path")
		case body == "500" || body == "429":
			return respond(map[string]int{"500": 500, "429": 429}[body], "refused")
		}
		return respond(200, body)
	})
	r, err := with(Requests{c})(t.Context(), blocking.Request{Query: q})
	if err != nil {
		r.Data = nil // it means nothing
	}
	return r, asked, err
}

// newClient returns a client whose requests are answered like that.
func newClient(t testing.TB, answer func(*http.Request) (*http.Response, error)) *blocking.Client {
	t.Helper()
	return newClientOver(roundTrip(answer), "consul.test:8500")
}

func newClientOver(transport http.RoundTripper, host string) *blocking.Client {
	return &blocking.Client{
		HTTP: &http.Client{Transport: transport}, Base: url.URL{Scheme: "http", Host: host},
		Datacenter: "dc", Namespace: "ns",
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

// RoundTrip implements http.RoundTripper.
func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// respond makes a response with an index.
func respond(status int, body string) (*http.Response, error) {
	return &http.Response{
		StatusCode: status,
		Header:     http.Header{"X-Consul-Index": {"7"}, "X-Consul-Lastcontact": {"0"}, "X-Consul-Knownleader": {"true"}},
		Body:       io.NopCloser(strings.NewReader(body)),
	}, nil
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

const web = `{
	"Node": {"ID": "id-1", "Node": "n1", "Address": "10.0.0.1", "Datacenter": "dc1", "TaggedAddresses": {"lan": "10.0.0.1"}, "Meta": {"os": "linux"}},
	"Service": {"ID": "web-1", "Service": "web", "Tags": ["v2", "a"], "Address": "", "Port": 80, "Meta": {"k": "v"},
		"TaggedAddresses": {"wan": {"Address": "1.2.3.4", "Port": 8080}}, "Weights": {"Passing": 1, "Warning": 2}},
	"Checks": [{"CheckID": "c", "Status": "STATUS"}]
}`

func instance(node, id, address, status string) string {
	s := strings.NewReplacer("n1", node, "web-1", id, `"Address": "",`, `"Address": "`+address+`",`, "STATUS", status).Replace(web)
	return s
}

func TestFetch(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, test := range []struct {
		name    string
		query   watch.Query
		replies map[string]string
		asked   []string
		want    any
	}{
		{
			"key", watch.Query{Kind: watch.KVGet, Name: "app/my port", Datacenter: "dc2", Namespace: "n", Partition: "p"},
			map[string]string{"/v1/kv/app/my port@dc2": `[{"Key":"app/my port","Value":"ODA=","CreateIndex":1,"ModifyIndex":2,"LockIndex":3,"Flags":4,"Session":"s"}]`},
			[]string{"/v1/kv/app/my%20port?dc=dc2&ns=n&partition=p"},
			&watch.KeyPair{Path: "app/my port", Key: "", Value: "80", CreateIndex: 1, ModifyIndex: 2, LockIndex: 3, Flags: 4, Session: "s"},
		},
		{"no key", watch.Query{Kind: watch.KVGet, Name: "app"}, nil, []string{"/v1/kv/app"}, nil},
		{"empty value", watch.Query{Kind: watch.KVGet, Name: "app"}, map[string]string{"/v1/kv/app": `[{"Key":"app","Value":null}]`},
			[]string{"/v1/kv/app"}, &watch.KeyPair{Path: "app"}},
		{
			"prefix", watch.Query{Kind: watch.KVList, Name: "app"},
			map[string]string{"/v1/kv/app": `[{"Key":"app/","Value":null},{"Key":"app//a"},{"Key":"app/b/c","Value":"Mg=="},{"Key":"apple"}]`},
			[]string{"/v1/kv/app?recurse="},
			[]*watch.KeyPair{{Path: "app/"}, {Path: "app//a", Key: "a"}, {Path: "app/b/c", Key: "b/c", Value: "2"}, {Path: "apple", Key: "le"}},
		},
		{"empty prefix", watch.Query{Kind: watch.KVList, Name: "app"}, nil, []string{"/v1/kv/app?recurse="}, []*watch.KeyPair{}},
		{
			"service", watch.Query{Kind: watch.ServiceHealth, Name: "web", Tag: "v2"},
			map[string]string{"/v1/health/service/web": "[" + instance("n1", "web-1", "", "passing") + "]"},
			[]string{"/v1/health/service/web?passing=1&tag=v2"},
			[]*watch.HealthService{{
				Node: "n1", NodeID: "id-1", NodeAddress: "10.0.0.1", NodeTaggedAddresses: map[string]string{"lan": "10.0.0.1"},
				NodeMeta: map[string]string{"os": "linux"}, ServiceMeta: map[string]string{"k": "v"}, Address: "10.0.0.1",
				ServiceTaggedAddresses: map[string]api.ServiceAddress{"wan": {Address: "1.2.3.4", Port: 8080}},
				ID:                     "web-1", Name: "web", Tags: watch.ServiceTags{"a", "v2"}, Status: "passing", Port: 80,
				Checks:  api.HealthChecks{{CheckID: "c", Status: "passing"}},
				Weights: api.AgentWeights{Passing: 1, Warning: 2},
			}},
		},
		{"no instances", watch.Query{Kind: watch.ConnectHealth, Name: "web"}, map[string]string{"/v1/health/connect/web": "[]"},
			[]string{"/v1/health/connect/web?passing=1"}, []*watch.HealthService{}},
		{
			"services", watch.Query{Kind: watch.ServiceList, Datacenter: "dc2"},
			map[string]string{"/v1/catalog/services@dc2": `{"web":["b","a"],"db":[]}`},
			[]string{"/v1/catalog/services?dc=dc2"},
			[]*watch.CatalogSnippet{{Name: "db", Tags: watch.ServiceTags{}}, {Name: "web", Tags: watch.ServiceTags{"a", "b"}}},
		},
		{"no services", watch.Query{Kind: watch.ServiceList}, map[string]string{"/v1/catalog/services": `{}`},
			[]string{"/v1/catalog/services"}, []*watch.CatalogSnippet(nil)},
		{
			"nodes", watch.Query{Kind: watch.NodeList},
			map[string]string{"/v1/catalog/nodes": `[{"Node":"b","Address":"2"},{"Node":"b","Address":"1"},{"ID":"i","Node":"a","Address":"3","Datacenter":"d","TaggedAddresses":{"lan":"l"},"Meta":{"m":"v"}}]`},
			[]string{"/v1/catalog/nodes"},
			[]*watch.Node{
				{ID: "i", Node: "a", Address: "3", Datacenter: "d", TaggedAddresses: map[string]string{"lan": "l"}, Meta: map[string]string{"m": "v"}},
				{Node: "b", Address: "1"}, {Node: "b", Address: "2"},
			},
		},
		{
			"nodes by distance", watch.Query{Kind: watch.NodeList, Near: "_agent"},
			map[string]string{"/v1/catalog/nodes": `[{"Node":"b"},{"Node":"a"}]`},
			[]string{"/v1/catalog/nodes?near=_agent"},
			[]*watch.Node{{Node: "b"}, {Node: "a"}},
		},
		{
			"node", watch.Query{Kind: watch.NodeServices, Name: "n1"},
			map[string]string{"/v1/catalog/node/n1": `{"Node":{"Node":"n1"},"Services":{
				"2":{"ID":"2","Service":"web"},"1":{"ID":"1","Service":"web"},
				"9":{"ID":"9","Service":"db","Tags":["z","y"],"Meta":{"m":"v"},"Port":5,"Address":"a","EnableTagOverride":true}}}`},
			[]string{"/v1/catalog/node/n1"},
			&watch.CatalogNode{Node: &watch.Node{Node: "n1"}, Services: []*watch.CatalogNodeService{
				{ID: "9", Service: "db", Tags: watch.ServiceTags{"y", "z"}, Meta: map[string]string{"m": "v"}, Port: 5, Address: "a", EnableTagOverride: true},
				{ID: "1", Service: "web", Tags: watch.ServiceTags{}}, {ID: "2", Service: "web", Tags: watch.ServiceTags{}},
			}},
		},
		{
			"own node", watch.Query{Kind: watch.NodeServices, Datacenter: "dc2"},
			map[string]string{"/v1/agent/self": `{"Config":{"NodeName":"me"}}`, "/v1/catalog/node/me@dc2": `{"Node":{"Node":"me"}}`},
			[]string{"/v1/agent/self", "/v1/catalog/node/me?dc=dc2"},
			&watch.CatalogNode{Node: &watch.Node{Node: "me"}, Services: []*watch.CatalogNodeService{}},
		},
		{"unknown node", watch.Query{Kind: watch.NodeServices, Name: "x"}, map[string]string{"/v1/catalog/node/x": "null"},
			[]string{"/v1/catalog/node/x"}, &watch.CatalogNode{}},
		{"datacenters", watch.Query{Kind: watch.DatacenterList}, map[string]string{"/v1/catalog/datacenters": `["b","a"]`},
			[]string{"/v1/catalog/datacenters"}, []string{"a", "b"}},
		{
			"available datacenters", watch.Query{Kind: watch.DatacenterList, Filter: "available"},
			map[string]string{
				"/v1/catalog/datacenters": `["b","a"]`, "/v1/catalog/services@a": "500", "/v1/catalog/services@b": "{}",
			},
			[]string{"/v1/catalog/datacenters", "/v1/catalog/services?consistent=&dc=a", "/v1/catalog/services?consistent=&dc=b"},
			[]string{"b"},
		},
		{
			"roots", watch.Query{Kind: watch.CARootList},
			map[string]string{"/v1/agent/connect/ca/roots": `{"Roots":[{"ID":"i","Name":"n","RootCert":"pem","Active":true}]}`},
			[]string{"/v1/agent/connect/ca/roots"},
			[]*watch.CARoot{{ID: "i", Name: "n", RootCertPEM: "pem", Active: true}},
		},
		{
			"leaf", watch.Query{Kind: watch.CALeafCert, Name: "web"},
			map[string]string{"/v1/agent/connect/ca/leaf/web": `{"SerialNumber":"1","CertPEM":"c","PrivateKeyPEM":"k","Service":"web","ValidBefore":"2026-01-02T03:04:05Z"}`},
			[]string{"/v1/agent/connect/ca/leaf/web"},
			&watch.LeafCert{SerialNumber: "1", CertPEM: "c", PrivateKeyPEM: "k", Service: "web", ValidBefore: at},
		},
		{
			"peerings", watch.Query{Kind: watch.PeeringList, Partition: "p"},
			map[string]string{"/v1/peerings": `[
				{"Name":"b","State":"FAILING"},{"Name":"c","State":"ACTIVE","Partition":"q"},{"Name":"d","State":"ACTIVE","Partition":"p"},
				{"ID":"i","Name":"a","State":"ACTIVE","Partition":"p","Meta":{"m":"v"},"PeerID":"pi","PeerServerName":"ps","PeerServerAddresses":["x"],
				 "StreamStatus":{"ImportedServices":["i1"],"ExportedServices":["e1"],"LastHeartbeat":"2026-01-02T03:04:05Z"},
				 "Remote":{"Partition":"rp","Datacenter":"rd"}}]`},
			[]string{"/v1/peerings?partition=p"},
			[]*watch.Peering{
				{
					ID: "i", Name: "a", Partition: "p", Meta: map[string]string{"m": "v"}, PeeringState: "ACTIVE", PeerID: "pi",
					PeerServerName: "ps", PeerServerAddresses: []string{"x"},
					StreamStatus: watch.PeeringStreamStatus{ImportedServices: []string{"i1"}, ExportedServices: []string{"e1"}, LastHeartbeat: &at},
					Remote:       watch.PeeringRemoteInfo{Partition: "rp", Datacenter: "rd"},
				},
				{Name: "d", PeeringState: "ACTIVE", Partition: "p"},
				{Name: "c", PeeringState: "ACTIVE", Partition: "q"},
				{Name: "b", PeeringState: "FAILING"},
			},
		},
		{"partitions", watch.Query{Kind: watch.PartitionList}, map[string]string{"/v1/partitions": `[{"Name":"b","Description":"d"},{"Name":"a"}]`},
			[]string{"/v1/partitions"}, []*watch.Partition{{Name: "a"}, {Name: "b", Description: "d"}}},
		{
			"exported", watch.Query{Kind: watch.ExportedServiceList, Name: "p"},
			map[string]string{"/v1/exported-services": `[{"Service":"b"},{"Service":"a","Partition":"p","Namespace":"n","Consumers":{"Peers":["x"],"Partitions":["y"]}}]`},
			[]string{"/v1/exported-services?partition=p"},
			[]watch.ExportedService{
				{Service: "a", Partition: "p", Namespace: "n", Consumers: watch.ResolvedConsumers{Peers: []string{"x"}, Partitions: []string{"y"}}},
				{Service: "b", Consumers: watch.ResolvedConsumers{Peers: []string{}, Partitions: []string{}}},
			},
		},
		{
			"imported", watch.Query{Kind: watch.ImportedServiceList, Name: "p"},
			map[string]string{"/v1/imported-services": `[{"Service":"b"},{"Service":"a","Namespace":"n","SourcePartition":"s"}]`},
			[]string{"/v1/imported-services?partition=p"},
			[]watch.ImportedService{{Service: "a", Namespace: "n", SourcePartition: "s"}, {Service: "b"}},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, asked, err := ask(t, test.query, test.replies)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, r.Data); diff != "" {
				t.Errorf("data (-want +got):\n%s", diff)
			}
			slices.Sort(asked) // some are asked in parallel
			if diff := cmp.Diff(test.asked, asked); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
		})
	}
}

// TestInstances: which instances a filter takes, and their order.
func TestInstances(t *testing.T) {
	all := "[" + strings.Join([]string{
		instance("n2", "c", "1.1.1.1", "passing"),
		instance("n1", "z", "", "critical"),
		instance("n1", "a", "", "passing"),
		instance("n1", "m", "", "warning"),
		strings.Replace(instance("n0", "maint", "", "passing"), `"c"`, `"_service_maintenance:maint"`, 1),
		instance("n3", "odd", "", "unheard-of"),
	}, ",") + "]"
	for _, test := range []struct {
		filter, near string
		asked        string
		want         string
	}{
		{"", "", "?passing=1", "n1/a/10.0.0.1 n2/c/1.1.1.1"},
		{"passing", "", "?passing=1", "n1/a/10.0.0.1 n2/c/1.1.1.1"},
		{"", "_agent", "?near=_agent&passing=1", "n2/c/1.1.1.1 n1/a/10.0.0.1"},
		{"critical,warning", "", "", "n1/m/10.0.0.1 n1/z/10.0.0.1"},
		{"maintenance", "", "", "n0/maint/10.0.0.1"},
		{"any", "", "", "n0/maint/10.0.0.1 n1/a/10.0.0.1 n1/m/10.0.0.1 n1/z/10.0.0.1 n2/c/1.1.1.1 n3/odd/10.0.0.1"},
	} {
		t.Run(test.filter+"~"+test.near, func(t *testing.T) {
			q := watch.Query{Kind: watch.ServiceHealth, Name: "web", Filter: test.filter, Near: test.near}
			r, asked, err := ask(t, q, map[string]string{"/v1/health/service/web": all})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, i := range r.Data.([]*watch.HealthService) {
				got = append(got, i.Node+"/"+i.ID+"/"+i.Address)
			}
			if s := strings.Join(got, " "); s != test.want {
				t.Errorf("got %s, want %s", s, test.want)
			}
			if want := "/v1/health/service/web" + test.asked; asked[0] != want {
				t.Errorf("asked for %s, want %s", asked[0], want)
			}
		})
	}
}

// TestFetchFails: what is not an answer is an error, whatever stands in it.
func TestFetchFails(t *testing.T) {
	for _, test := range []struct {
		name    string
		query   watch.Query
		path    string
		body    string
		more    map[string]string
		problem string
	}{
		{"null for a key", watch.Query{Kind: watch.KVGet, Name: "k"}, "/v1/kv/k", `null`, nil, blocking.ErrIncomplete.Error()},
		{"an empty list for a key", watch.Query{Kind: watch.KVGet, Name: "k"}, "/v1/kv/k", `[]`, nil, blocking.ErrIncomplete.Error()},
		{"null for keys", watch.Query{Kind: watch.KVList, Name: "k"}, "/v1/kv/k", `null`, nil, blocking.ErrIncomplete.Error()},
		{"null for instances", watch.Query{Kind: watch.ServiceHealth, Name: "w"}, "/v1/health/service/w", `null`, nil, blocking.ErrIncomplete.Error()},
		{"nothing for instances", watch.Query{Kind: watch.ServiceHealth, Name: "w"}, "/v1/health/service/w", ``, nil, "unexpected EOF"},
		{"some instances", watch.Query{Kind: watch.ServiceHealth, Name: "w"}, "/v1/health/service/w", "[" + web + ",", nil, "unexpected EOF"},
		{"null for services", watch.Query{Kind: watch.ServiceList}, "/v1/catalog/services", `null`, nil, blocking.ErrIncomplete.Error()},
		{"null for nodes", watch.Query{Kind: watch.NodeList}, "/v1/catalog/nodes", `null`, nil, blocking.ErrIncomplete.Error()},
		{"null for datacenters", watch.Query{Kind: watch.DatacenterList}, "/v1/catalog/datacenters", `null`, nil, blocking.ErrIncomplete.Error()},
		{"null for roots", watch.Query{Kind: watch.CARootList}, "/v1/agent/connect/ca/roots", `null`, nil, blocking.ErrIncomplete.Error()},
		{"null for peerings", watch.Query{Kind: watch.PeeringList}, "/v1/peerings", `null`, nil, blocking.ErrIncomplete.Error()},
		{"null for exported services", watch.Query{Kind: watch.ExportedServiceList}, "/v1/exported-services", `null`, nil, blocking.ErrIncomplete.Error()},
		{"null for imported services", watch.Query{Kind: watch.ImportedServiceList}, "/v1/imported-services", `null`, nil, blocking.ErrIncomplete.Error()},
		{"null pair", watch.Query{Kind: watch.KVList, Name: "k"}, "/v1/kv/k", `[null]`, nil, blocking.ErrIncomplete.Error()},
		{"null entry", watch.Query{Kind: watch.ServiceHealth, Name: "w"}, "/v1/health/service/w", `[null]`, nil, blocking.ErrIncomplete.Error()},
		{"empty entry", watch.Query{Kind: watch.ServiceHealth, Name: "w"}, "/v1/health/service/w", `[{}]`, nil, blocking.ErrIncomplete.Error()},
		{"null check", watch.Query{Kind: watch.ConnectHealth, Name: "w"}, "/v1/health/connect/w", `[{"Node":{},"Service":{},"Checks":[null]}]`, nil, blocking.ErrIncomplete.Error()},
		{"null node", watch.Query{Kind: watch.NodeList}, "/v1/catalog/nodes", `[null]`, nil, blocking.ErrIncomplete.Error()},
		{"null service", watch.Query{Kind: watch.NodeServices, Name: "n"}, "/v1/catalog/node/n", `{"Node":{},"Services":{"x":null}}`, nil, blocking.ErrIncomplete.Error()},
		{"no name", watch.Query{Kind: watch.NodeServices}, "/v1/agent/self", `{"Config":{}}`, nil, blocking.ErrIncomplete.Error()},
		{"null root", watch.Query{Kind: watch.CARootList}, "/v1/agent/connect/ca/roots", `{"Roots":[null]}`, nil, blocking.ErrIncomplete.Error()},
		{"empty leaf", watch.Query{Kind: watch.CALeafCert, Name: "w"}, "/v1/agent/connect/ca/leaf/w", `{}`, nil, blocking.ErrIncomplete.Error()},
		{"null peering", watch.Query{Kind: watch.PeeringList}, "/v1/peerings", `[null]`, nil, blocking.ErrIncomplete.Error()},
		{"null partition", watch.Query{Kind: watch.PartitionList}, "/v1/partitions", `[null]`, nil, blocking.ErrIncomplete.Error()},
		{"no partitions", watch.Query{Kind: watch.PartitionList}, "/", "", nil,
			"Partitions are an enterprise feature: Unexpected response code: 404 (Invalid URL path)"},
		{"another type", watch.Query{Kind: watch.ServiceList}, "/v1/catalog/services", `[]`, nil,
			"json: cannot unmarshal array into Go value of type map[string][]string"},
		{"busy agent", watch.Query{Kind: watch.DatacenterList, Filter: "available"}, "/v1/catalog/datacenters", `["a"]`,
			map[string]string{"/v1/catalog/services@a": "429"}, "Unexpected response code: 429 (refused)"},
	} {
		t.Run(test.name, func(t *testing.T) {
			replies := map[string]string{test.path: test.body}
			for path, body := range test.more {
				replies[path] = body
			}
			r, _, err := ask(t, test.query, replies)
			if err == nil || err.Error() != test.problem {
				t.Errorf("got %+v, error %v; want the error %s", r.Data, err, test.problem)
			}
		})
	}
}

// TestSources: what package discovery compares.
func TestSources(t *testing.T) {
	instance := discovery.Instance{ID: "i", Service: "s", Kind: "connect-proxy", ModifyIndex: 4}
	instance.Proxy.DestinationServiceName = "d"
	for _, test := range []struct {
		source  discovery.Source
		path    string
		body    string
		want    any
		problem bool
	}{
		{discovery.Source{Kind: discovery.Critical}, "/v1/health/state/critical", `[{"Node":"n","CheckID":"c","ServiceName":"s","ModifyIndex":3,"Output":"x"}]`,
			[]discovery.Check{{Node: "n", CheckID: "c", ServiceName: "s", ModifyIndex: 3}}, false},
		{discovery.Source{Kind: discovery.Warning}, "/v1/health/state/warning", `[]`, []discovery.Check{}, false},
		{discovery.Source{Kind: discovery.Warning}, "/v1/health/state/warning", `null`, nil, true},
		{discovery.Source{Kind: discovery.Nodes}, "/v1/catalog/nodes", `[{"Node":"n","ModifyIndex":3,"Meta":{}}]`, []discovery.CatalogNode{{Node: "n", ModifyIndex: 3}}, false},
		{discovery.Source{Kind: discovery.Nodes}, "/v1/catalog/nodes", `[`, nil, true},
		{discovery.Source{Kind: discovery.Node, Name: "n"}, "/v1/catalog/node-services/n",
			`{"Node":{},"Services":[{"ID":"i","Service":"s","Kind":"connect-proxy","Proxy":{"DestinationServiceName":"d"},"ModifyIndex":4}]}`,
			[]discovery.Instance{instance}, false},
		{discovery.Source{Kind: discovery.Node, Name: "n"}, "/v1/catalog/node-services/n", `{"Node":null,"Services":null}`, []discovery.Instance(nil), false},
		{discovery.Source{Kind: discovery.Services}, "/v1/catalog/services", `{"a":["t"]}`, map[string][]string{"a": {"t"}}, false},
		{discovery.Source{Kind: discovery.Services}, "/v1/catalog/services", `null`, nil, true},
	} {
		r, _, err := askWith(t, func(r Requests) blocking.Func { return r.ForSource(test.source) }, watch.Query{}, map[string]string{test.path: test.body})
		if (err != nil) != test.problem {
			t.Errorf("%v, %s: error %v", test.source, test.body, err)
		}
		if diff := cmp.Diff(test.want, r.Data); diff != "" {
			t.Errorf("%v, %s (-want +got):\n%s", test.source, test.body, diff)
		}
	}
}

// TestInstancesInEveryState: they come with the answer.
func TestInstancesInEveryState(t *testing.T) {
	all := "[" + instance("n1", "a", "", "critical") + "," + instance("n2", "b", "", "passing") + "]"
	q := watch.Query{Kind: watch.ServiceHealth, Name: "web"}
	reading := func(r Requests) blocking.Func {
		return r.ForKind(q.Kind, true).Fetch
	}
	r, asked, err := askWith(t, reading, q, map[string]string{"/v1/health/service/web": all})
	check(t, err)
	if list := r.Data.([]*watch.HealthService); len(list) != 1 || list[0].ID != "b" || len(r.Instances) != 2 || asked[0] != "/v1/health/service/web" {
		t.Errorf("asked %q, got %v of %v", asked, list, r.Instances)
	}
}

// FuzzFetch: no reply makes a query of any kind panic.
func FuzzFetch(f *testing.F) {
	kinds := []watch.Kind{
		watch.KVGet, watch.KVList, watch.ServiceHealth, watch.ConnectHealth, watch.ServiceList, watch.NodeServices,
		watch.NodeList, watch.DatacenterList, watch.CARootList, watch.CALeafCert, watch.PeeringList, watch.PartitionList,
		watch.ExportedServiceList, watch.ImportedServiceList,
	}
	for i := range kinds {
		for _, body := range []string{"", "null", "[]", "{}", "[null]", "[{}]", "[" + web + "]", `{"Node":{},"Services":{"a":null}}`, `[{"Node":{},"Service":{},"Checks":[null]}]`} {
			f.Add(uint8(i), body)
		}
	}
	f.Fuzz(func(t *testing.T, i uint8, body string) {
		q := watch.Query{Kind: kinds[int(i)%len(kinds)], Name: "n"}
		c := newClient(t, func(*http.Request) (*http.Response, error) { return respond(200, body) })
		r, err := Requests{c}.ForKind(q.Kind, false).Fetch(t.Context(), blocking.Request{Query: q})
		if err == nil {
			_ = fmt.Sprintf("%+v", r.Data) // the data can be walked
		}
	})
}
