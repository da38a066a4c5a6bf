package local

import (
	"cmp"
	"slices"

	"github.com/hashicorp/consul/api"
)

// setStatus reads the status of a node or an instance into dst.
func setStatus(dst *string) func(*value) error {
	return setWord(dst, "a status", api.HealthPassing, api.HealthWarning, api.HealthCritical, api.HealthMaint)
}

// setWord reads one of words into dst.
func setWord(dst *string, what string, words ...string) func(*value) error {
	return func(v *value) error {
		text, err := readText(v)
		if err == nil && !slices.Contains(words, text) {
			err = v.errorf("%q is not %s%s", text, what, suggest(text, words))
		}
		*dst = text
		return err
	}
}

// readChecks reads "name: status" or "name: {status: …, output: …}" for each
// check of an instance. What names the instance is filled in when it is built.
func readChecks(v *value) (api.HealthChecks, error) {
	if v.kind != table {
		return nil, v.errorf("checks is a map from name to status, not %s", v.kind)
	}
	var checks api.HealthChecks
	for _, f := range v.fields {
		c, err := readCheck(f)
		if err != nil {
			return nil, err
		}
		checks = append(checks, c)
	}
	slices.SortFunc(checks, func(a, b *api.HealthCheck) int { return cmp.Compare(a.CheckID, b.CheckID) })
	return checks, nil
}

func readCheck(f field) (*api.HealthCheck, error) {
	c := &api.HealthCheck{CheckID: f.name, Name: f.name, Status: api.HealthPassing}
	setStatus := setWord(&c.Status, "the status of a check", api.HealthPassing, api.HealthWarning, api.HealthCritical)
	switch f.value.kind {
	case null:
		return c, nil
	case table:
		return c, readFields(f.value, "a check", readers{
			"name":   setText(&c.Name),
			"notes":  setText(&c.Notes),
			"output": setText(&c.Output),
			"status": setStatus,
			"type":   setText(&c.Type),
		})
	}
	return c, setStatus(f.value)
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
func serviceChecks(s *instanceSpec, svc *api.AgentService) api.HealthChecks {
	var checks api.HealthChecks
	switch s.status {
	case "":
	case api.HealthMaint:
		checks = append(checks, &api.HealthCheck{
			CheckID: api.ServiceMaintPrefix + svc.ID, Name: "Service Maintenance Mode",
			Status: api.HealthCritical, Type: "maintenance",
		})
	default:
		checks = append(checks, &api.HealthCheck{
			CheckID: "service:" + svc.ID, Name: "Service '" + svc.Service + "' check", Status: s.status,
		})
	}
	for _, c := range s.checks {
		own := *c // what stands beside instances holds for several
		checks = append(checks, &own)
	}
	return checks
}
