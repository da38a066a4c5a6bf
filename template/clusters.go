package template

import (
	"fmt"

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
	err := fmt.Errorf("%s is %w", store, watch.ErrNotConfigured)
	if hint := suggest.Hint(cluster, h.Clusters(system)); cluster != "" && hint != "" {
		err = fmt.Errorf("%w (%s)", err, hint)
	}
	return err
}
