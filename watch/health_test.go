package watch

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/consul/api"
)

func TestNewHealthServiceStatus(t *testing.T) {
	check := func(id, status string) *api.HealthCheck { return &api.HealthCheck{CheckID: id, Status: status} }
	tests := []struct {
		name   string
		checks api.HealthChecks
		want   string
	}{
		{"no checks", nil, "passing"},
		{"all pass", api.HealthChecks{check("a", "passing"), check("b", "passing")}, "passing"},
		{"a warning", api.HealthChecks{check("a", "passing"), check("b", "warning")}, "warning"},
		{"critical beats warning", api.HealthChecks{check("a", "critical"), check("b", "warning")}, "critical"},
		{"node maintenance beats all", api.HealthChecks{check("_node_maintenance", "critical"), check("b", "critical")}, "maintenance"},
		{"service maintenance", api.HealthChecks{check("b", "passing"), check("_service_maintenance:web", "critical")}, "maintenance"},
		{"an unknown status", api.HealthChecks{check("a", "critical"), check("b", "fine")}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := &api.ServiceEntry{Node: &api.Node{}, Service: &api.AgentService{}, Checks: tt.checks}
			if got := NewHealthService(e).Status; got != tt.want {
				t.Errorf("Status = %q, want %q", got, tt.want)
			}
		})
	}
}

func TestNewHealthServiceFields(t *testing.T) {
	entry := &api.ServiceEntry{
		Node: &api.Node{ID: "7", Node: "n1", Address: "10.0.0.1", Meta: map[string]string{"rack": "r1"},
			TaggedAddresses: map[string]string{"lan": "10.0.0.1"}},
		Service: &api.AgentService{ID: "web-1", Service: "web", Port: 80, Tags: []string{"b", "a"},
			Meta: map[string]string{"v": "1"}, Weights: api.AgentWeights{Passing: 2, Warning: 1},
			TaggedAddresses: map[string]api.ServiceAddress{"lan": {Address: "10.1.0.1", Port: 81}}},
	}
	want := &HealthService{
		Node: "n1", NodeID: "7", NodeAddress: "10.0.0.1", NodeMeta: map[string]string{"rack": "r1"},
		NodeTaggedAddresses: map[string]string{"lan": "10.0.0.1"},
		ServiceMeta:         map[string]string{"v": "1"}, Address: "10.0.0.1",
		ServiceTaggedAddresses: map[string]api.ServiceAddress{"lan": {Address: "10.1.0.1", Port: 81}},
		ID:                     "web-1", Name: "web", Tags: ServiceTags{"a", "b"}, Status: "passing", Port: 80,
		Weights: api.AgentWeights{Passing: 2, Warning: 1},
	}
	if diff := cmp.Diff(want, NewHealthService(entry)); diff != "" {
		t.Errorf("without an address of its own (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"b", "a"}, entry.Service.Tags); diff != "" {
		t.Errorf("the entry's tags were reordered:\n%s", diff)
	}
	entry.Service.Address = "10.1.0.1"
	want.Address = "10.1.0.1"
	if diff := cmp.Diff(want, NewHealthService(entry)); diff != "" {
		t.Errorf("with an address of its own (-want +got):\n%s", diff)
	}
}

func TestAccepts(t *testing.T) {
	tests := []struct {
		filter string
		want   []string // of all states, those that are accepted
	}{
		{"", []string{"passing"}},
		{"passing", []string{"passing"}},
		{"critical,warning", []string{"warning", "critical"}},
		{"maintenance", []string{"maintenance"}},
		{"any", []string{"passing", "warning", "critical", "maintenance", ""}},
		{"any,passing", []string{"passing", "warning", "critical", "maintenance", ""}},
	}
	for _, tt := range tests {
		var got []string
		for _, status := range []string{"passing", "warning", "critical", "maintenance", ""} {
			if Accepts(tt.filter, status) {
				got = append(got, status)
			}
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("filter %q (-want +got):\n%s", tt.filter, diff)
		}
	}
}

func TestSortInstances(t *testing.T) {
	list := []*HealthService{
		{Node: "b", ID: "1"}, {Node: "a", ID: "web-2"}, {Node: "a", ID: "web-10"}, {Node: "a", ID: "web-2", Port: 2},
	}
	SortInstances(list)
	want := []*HealthService{
		{Node: "a", ID: "web-10"}, {Node: "a", ID: "web-2"}, {Node: "a", ID: "web-2", Port: 2}, {Node: "b", ID: "1"},
	}
	if diff := cmp.Diff(want, list); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
