package consul

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/hashicorp/consul/api"

	"restencil/watch"
)

// A list is the body of a reply, as an agent sends it, element by element.
type list []string

func (l list) String() string { return "[" + strings.Join(l, ",") + "]" }

// with returns l with another element i.
func (l list) with(i int, element string) list {
	l = append(list(nil), l...)
	l[i] = element
	return l
}

func pairElement(i int, value string) string {
	return fmt.Sprintf(`{"LockIndex":0,"Key":"app/team%02d/key%05d","Flags":0,"Value":%q,"CreateIndex":%d,"ModifyIndex":%d}`,
		i/500, i, base64.StdEncoding.EncodeToString([]byte(value)), i+10, i+20)
}

func pairElements(n int) list {
	var l list
	for i := range n {
		l = append(l, pairElement(i, "value-"+strconv.Itoa(i)))
	}
	return l
}

func instanceElement(i int, output string) string {
	node, index := fmt.Sprintf("node%04d", i), uint64(i+10)
	element, _ := json.Marshal(&api.ServiceEntry{
		Node: &api.Node{ID: fmt.Sprintf("0c2b1f3e-0000-4000-8000-%012d", i), Node: node, Address: "10.0.0.1", Datacenter: "dc1",
			TaggedAddresses: map[string]string{"lan": "10.0.0.1", "wan": "10.0.0.1"}, Meta: map[string]string{"rack": "r1"},
			CreateIndex: index, ModifyIndex: index},
		Service: &api.AgentService{ID: "web-" + strconv.Itoa(i), Service: "web", Tags: []string{"v1", "blue"}, Port: 8000,
			Meta: map[string]string{"version": "1.2.3"}, Weights: api.AgentWeights{Passing: 1, Warning: 1},
			CreateIndex: index, ModifyIndex: index},
		Checks: api.HealthChecks{
			{Node: node, CheckID: "serfHealth", Name: "Serf Health Status", Status: "passing", Output: "Agent alive and reachable"},
			{Node: node, CheckID: "service:web", Name: "web", Status: "passing", Output: output, ServiceID: "web-" + strconv.Itoa(i), ServiceName: "web"},
		},
	})
	return string(element)
}

func instanceElements(n int) list {
	var l list
	for i := range n {
		l = append(l, instanceElement(i, "ok"))
	}
	return l
}

// BenchmarkList reads long lists: at first, and again with one element that
// differs. What the library takes for the same is there to compare.
func BenchmarkList(b *testing.B) {
	pairs, instances := pairElements(10_000), instanceElements(2_000)
	for _, bench := range []struct {
		name   string
		query  watch.Query
		bodies [2]string // in turn
	}{
		{"pairs", watch.Query{Kind: watch.KVList, Name: "app/"}, [2]string{pairs.String(), pairs.with(5000, pairElement(5000, "new")).String()}},
		{"instances", watch.Query{Kind: watch.ServiceHealth, Name: "web"}, [2]string{instances.String(), instances.with(900, instanceElement(900, "new")).String()}},
	} {
		kind, _ := kindOf(bench.query.Kind)
		turn := 0
		c := benchClient(b, func() string { turn++; return bench.bodies[turn%2] })
		fetch := func(b *testing.B, m *memory) {
			if _, err := kind.fetch(c, bench.query, (&api.QueryOptions{}).WithContext(b.Context()), m); err != nil {
				b.Fatal(err)
			}
		}
		b.Run(bench.name+"/library", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				turn++
				if bench.query.Kind == watch.KVList {
					var entries []*api.KVPair
					check(b, json.NewDecoder(strings.NewReader(bench.bodies[turn%2])).Decode(&entries))
				} else {
					var entries []*api.ServiceEntry
					check(b, json.NewDecoder(strings.NewReader(bench.bodies[turn%2])).Decode(&entries))
				}
			}
		})
		b.Run(bench.name+"/first", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				fetch(b, nil)
			}
		})
		b.Run(bench.name+"/change", func(b *testing.B) {
			b.ReportAllocs()
			m := &memory{}
			fetch(b, m)
			for b.Loop() {
				fetch(b, m)
			}
		})
	}
}

func benchClient(b *testing.B, body func() string) *api.Client {
	c, err := api.NewClient(&api.Config{Address: "consul.test:8500", HttpClient: &http.Client{Transport: line{base: roundTrip(
		func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Header: http.Header{"X-Consul-Index": {"7"}, "X-Consul-Lastcontact": {"0"}},
				Body: io.NopCloser(strings.NewReader(body()))}, nil
		})}}})
	check(b, err)
	return c
}
