package watch

import (
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"testing"
)

func TestQueryString(t *testing.T) {
	tests := []struct {
		q    Query
		want string
	}{
		{Query{Kind: KVGet, Name: "app/port"}, "kv.get(app/port)"},
		{Query{Kind: KVGet, Name: "a", Datacenter: "dc2", Partition: "p", Namespace: "n"}, "kv.get(a@dc2@partition=p@ns=n)"},
		{Query{Kind: ServiceHealth, Name: "web", Tag: "v1", Filter: "any", Near: "_agent", Datacenter: "dc1"}, "health.service(v1.web@dc1~_agent|any)"},
		{Query{Kind: ServiceHealth, Name: "web", Peer: "east"}, "health.service(web@peer=east)"},
		{Query{Kind: KVGet, Name: "a", Cluster: "eu", Datacenter: "dc2"}, "kv.get(a@dc2@cluster=eu)"},
		{Query{Kind: NodeList}, "catalog.nodes"},
		{Query{Kind: NodeList, Near: "n1"}, "catalog.nodes(~n1)"},
	}
	for _, tt := range tests {
		if got := tt.q.String(); got != tt.want {
			t.Errorf("%#v.String() = %q, want %q", tt.q, got, tt.want)
		}
	}
}

func TestStore(t *testing.T) {
	for kind, want := range map[Kind]Store{
		KVGet: Consul, ServiceHealth: Consul, CALeafCert: Consul,
		FileContent: Files, VaultPKI: Vault, NomadVarGet: Nomad,
	} {
		if got := kind.Store(); got != want {
			t.Errorf("%s.Store() = %s, want %s", kind, got, want)
		}
	}
}

// Each cluster is a store, and says so once.
func TestClusters(t *testing.T) {
	q := Query{Kind: KVGet, Name: "a", Cluster: "eu"}
	if system, cluster := q.Store().Split(); q.Store() != "consul/eu" || system != Consul || cluster != "eu" {
		t.Errorf("the store of %v is %s, that is %s and %s", q, q.Store(), system, cluster)
	}
	for want, q := range map[string]Query{
		"nomad variables":            {Kind: NomadVarList},
		"nomad variables @ns=team":   {Kind: NomadVarList, Namespace: "team"},
		"nomad variables below app":  {Kind: NomadVarList, Name: "app"},
		"consul/eu keys @dc2":        {Kind: KVList, Cluster: "eu", Datacenter: "dc2"},
		"consul keys below app/@dc2": {Kind: KVList, Name: "app/", Datacenter: "dc2"},
	} {
		if got := q.Describe(false); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	for _, local := range []bool{false, true} { // a data file stands for the cluster without a name
		if got := q.Describe(local); got != "consul/eu key a" {
			t.Errorf("described as %s", got)
		}
	}
	w := New(map[Store]Source{Consul: newStage(), Consul.In("us"): newStage(), Consul.In("eu"): newStage(), Vault.In("b"): newStage()})
	if got := fmt.Sprint(w.Clusters(Consul), w.Clusters(Vault), w.Clusters(Nomad)); got != "[eu us] [b] []" {
		t.Errorf("clusters: %s", got)
	}
}

// What is written to Vault shows nowhere, however the query is printed.
func TestQueryHidesItsBody(t *testing.T) {
	body := url.Values{"plaintext": {"canary"}}
	queries := []Query{
		{Kind: VaultWrite, Name: "transit/encrypt/app", Params: body.Encode()},
		{Kind: VaultPKI, Name: "pki/issue/web", Params: PKIParams(body, "/etc/app.pem")},
	}
	for _, q := range queries {
		var text strings.Builder
		fmt.Fprintf(&text, "%v %+v %#v %s %q", q, &q, q, []Query{q}, struct{ Q Query }{q})
		slog.New(slog.NewJSONHandler(&text, nil)).Info("x", "q", q)
		if strings.Contains(text.String(), "canary") || !strings.Contains(text.String(), q.Name) {
			t.Errorf("shows as %s", text.String())
		}
	}
}
