package local

import (
	"cmp"
	"slices"

	"github.com/hashicorp/consul/api"
	"go.yaml.in/yaml/v3"
)

// status returns the status of a node or an instance.
func (d *decoder) status(n *yaml.Node) string {
	return d.word(n, "a status", api.HealthPassing, api.HealthWarning, api.HealthCritical, api.HealthMaint)
}

// checks returns the checks of an instance, written as "name: status" or
// "name: {status: …, output: …}" each. What names the instance is filled in
// when it is built.
func (d *decoder) checks(n *yaml.Node) (checks api.HealthChecks) {
	if !d.wantMap(n, "checks is a map from name to status") {
		return nil
	}
	for name, v := range pairs(n) {
		c := &api.HealthCheck{CheckID: name.Value, Name: name.Value, Status: api.HealthPassing}
		setStatus := func(n *yaml.Node) {
			c.Status = d.word(n, "the status of a check", api.HealthPassing, api.HealthWarning, api.HealthCritical)
		}
		switch {
		case isMap(v):
			d.fields(v, "a check", fields{
				"name":   func(n *yaml.Node) { c.Name = d.text(n) },
				"notes":  func(n *yaml.Node) { c.Notes = d.text(n) },
				"output": func(n *yaml.Node) { c.Output = d.text(n) },
				"status": setStatus,
				"type":   func(n *yaml.Node) { c.Type = d.text(n) },
			})
		case !isNull(v):
			setStatus(v)
		}
		checks = append(checks, c)
	}
	slices.SortFunc(checks, func(a, b *api.HealthCheck) int { return cmp.Compare(a.CheckID, b.CheckID) })
	return checks
}

// nodeChecks are what Consul has for each node with an agent, and the one that
// puts it into maintenance.
func nodeChecks(node, status string) api.HealthChecks {
	serf := &api.HealthCheck{
		Node: node, CheckID: "serfHealth", Name: "Serf Health Status", Status: status,
		Output: "Agent alive and reachable", ServiceTags: []string{},
	}
	switch status {
	case api.HealthCritical:
		serf.Output = "Agent not live or unreachable"
	case api.HealthMaint:
		serf.Status = api.HealthPassing
		return api.HealthChecks{{
			Node: node, CheckID: api.NodeMaint, Name: "Node Maintenance Mode", Status: api.HealthCritical,
			ServiceTags: []string{}, Type: "maintenance",
		}, serf}
	}
	return api.HealthChecks{serf}
}

// serviceChecks are the checks of an instance: those that it lists, and one
// that gives it its status.
func serviceChecks(s *instanceSpec, node string) api.HealthChecks {
	var checks api.HealthChecks
	switch s.status {
	case "":
	case api.HealthMaint:
		checks = append(checks, &api.HealthCheck{
			CheckID: api.ServiceMaintPrefix + s.id, Name: "Service Maintenance Mode",
			Status: api.HealthCritical, Type: "maintenance",
		})
	default:
		checks = append(checks, &api.HealthCheck{
			CheckID: "service:" + s.id, Name: "Service '" + s.service + "' check", Status: s.status,
		})
	}
	for _, c := range s.checks {
		own := *c // what stands beside instances holds for several
		checks = append(checks, &own)
	}
	for _, c := range checks {
		c.Node, c.ServiceID, c.ServiceName, c.ServiceTags = node, s.id, s.service, s.tags
	}
	return checks
}
