package template

import (
	"fmt"
	"strings"

	"restencil/watch"
	"restencil/watch/suggest"
)

// Clusters are the names of one cluster of each system.
type Clusters struct{ Consul, Vault, Nomad string }

// of returns the name of the cluster of a system.
func (c Clusters) of(system watch.Store) string {
	switch system {
	case watch.Consul:
		return c.Consul
	case watch.Vault:
		return c.Vault
	case watch.Nomad:
		return c.Nomad
	}
	return ""
}

// placed returns q with the cluster that it is put to.
func (x *execution) placed(q watch.Query) watch.Query {
	if q.Cluster == "" {
		q.Cluster = x.template.options.Clusters.of(q.Kind.Store())
	}
	if q.Cluster == watch.DefaultCluster {
		q.Cluster = ""
	}
	return q
}

// notServed returns the error of a query to a store that is not configured.
func (h Host) notServed(store watch.Store) error {
	system, cluster := store.Split()
	there, hint := h.Clusters(system), ""
	if near := suggest.Nearest(cluster, there); near != "" {
		hint = fmt.Sprintf(" (did you mean %s?)", near)
	} else if cluster != "" && len(there) > 0 {
		hint = fmt.Sprintf(" (there are: %s)", strings.Join(there, ", "))
	}
	return fmt.Errorf("%s is %w%s", store, watch.ErrNotConfigured, hint)
}
