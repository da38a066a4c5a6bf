package funcs

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/template"

	"restencil/watch"
)

// consul has the functions that query Consul (COMPAT 3.4). Their types are part of
// the template language.
type consul struct{ env *Env }

func (e *Env) consulFuncs() template.FuncMap {
	c := consul{e}
	return template.FuncMap{
		"key": c.key,
		"keyExists": func(arg string) (bool, error) {
			pair, err := c.pair(arg)
			return pair != nil, err
		},
		"keyOrDefault": func(arg, fallback string) (string, error) {
			pair, err := c.pair(arg)
			switch {
			case err != nil:
				return "", err
			case pair == nil || pair.Value == "":
				return fallback, nil
			}
			return pair.Value, nil
		},
		"ls":       c.pairs(isChild, false),
		"safeLs":   c.pairs(isChild, true),
		"tree":     c.pairs(isLeaf, false),
		"safeTree": c.pairs(isLeaf, true),

		"exact":       exact,
		"service":     c.instances(watch.ServiceHealth),
		"connect":     c.instances(watch.ConnectHealth),
		"services":    c.services,
		"node":        c.node,
		"nodes":       consulList[*watch.Node](c, watch.NodeList),
		"datacenters": c.datacenters,

		"partitions": func() ([]*watch.Partition, error) {
			return askList[*watch.Partition](c.env, watch.Query{Kind: watch.PartitionList})
		},
		"peerings":         consulList[*watch.Peering](c, watch.PeeringList),
		"exportedServices": c.exportedServices,
		"importedServices": func(partition string) ([]watch.ImportedService, error) {
			if partition == "" {
				return nil, errors.New("importedServices: partition name is required")
			}
			return askList[watch.ImportedService](c.env, watch.Query{Kind: watch.ImportedServiceList, Name: partition})
		},
		"caRoots": func(...string) ([]*watch.CARoot, error) { // it ignores its arguments
			roots, _, err := ask[[]*watch.CARoot](c.env, watch.Query{Kind: watch.CARootList})
			return roots, err
		},
		"caLeaf": c.caLeaf,
	}
}

// key returns the value of a key that must exist.
func (c consul) key(arg string) (string, error) {
	pair, err := askExisting[*watch.KeyPair](c.env, watch.KVGet, arg)
	if pair == nil {
		return "", err
	}
	return pair.Value, err
}

// pair returns a key, nil if it does not exist or arg is empty.
func (c consul) pair(arg string) (*watch.KeyPair, error) {
	if arg == "" {
		return nil, nil
	}
	pair, _, err := askFor[*watch.KeyPair](c.env, watch.KVGet, arg)
	return pair, err
}

// pairs returns a function that lists the keys below a prefix for which keep returns
// true. With must, an empty list is incomplete.
func (c consul) pairs(keep func(key string) bool, must bool) func(arg string) ([]*watch.KeyPair, error) {
	return func(arg string) ([]*watch.KeyPair, error) {
		if arg == "" {
			return []*watch.KeyPair{}, nil
		}
		q, err := parse(watch.KVList, arg)
		if err != nil {
			return nil, err
		}
		all, known, err := ask[[]*watch.KeyPair](c.env, q)
		kept := make([]*watch.KeyPair, 0, len(all))
		for _, pair := range all {
			if keep(pair.Key) {
				kept = append(kept, pair)
			}
		}
		if known && must && len(kept) == 0 {
			c.env.execution.Incomplete(q)
		}
		return kept, err
	}
}

func isChild(key string) bool { return key != "" && !strings.Contains(key, "/") }

// isLeaf reports whether a relative key is not just a folder.
func isLeaf(key string) bool { return key != "" && !strings.HasSuffix(key, "/") }

// instances returns a function that lists the instances of a service.
func (c consul) instances(kind watch.Kind) func(args ...string) ([]*watch.HealthService, error) {
	return func(args ...string) ([]*watch.HealthService, error) {
		if len(args) == 0 || args[0] == "" {
			return []*watch.HealthService{}, nil
		}
		arg, filter := strings.Join(args, "|"), ""
		if strings.HasPrefix(args[0], exactly) {
			arg, filter = args[0], strings.Join(args[1:], ",")
		}
		q, err := parse(kind, arg)
		if err == nil && filter != "" {
			q.Filter, err = parseFilter(filter, filter)
		}
		if err != nil {
			return nil, err
		}
		return askList[*watch.HealthService](c.env, q)
	}
}

// consulList returns a function that lists everything of a kind.
func consulList[T any](c consul, kind watch.Kind) func(args ...string) ([]T, error) {
	return func(args ...string) ([]T, error) {
		q, err := parse(kind, strings.Join(args, ""))
		if err != nil {
			return nil, err
		}
		return askList[T](c.env, q)
	}
}

// services returns the names of all services, nil for an empty catalog.
func (c consul) services(args ...string) ([]*watch.CatalogSnippet, error) {
	list, known, err := askFor[[]*watch.CatalogSnippet](c.env, watch.ServiceList, strings.Join(args, ""))
	if err == nil && !known {
		list = []*watch.CatalogSnippet{}
	}
	return list, err
}

// node returns a *watch.CatalogNode, or an untyped nil without an answer.
func (c consul) node(args ...string) (any, error) {
	node, known, err := askFor[*watch.CatalogNode](c.env, watch.NodeServices, strings.Join(args, ""))
	switch {
	case err != nil || !known:
		return nil, err
	case node == nil:
		return &watch.CatalogNode{}, nil
	}
	return node, nil
}

// datacenters returns the names of the datacenters; with true, of those that answer.
func (c consul) datacenters(available ...bool) ([]string, error) {
	if len(available) > 1 {
		return nil, fmt.Errorf("datacenters: wrong number of arguments, expected 0 or 1, but got %d", len(available))
	}
	q := watch.Query{Kind: watch.DatacenterList}
	if slices.Contains(available, true) {
		q.Filter = "available"
	}
	return askList[string](c.env, q)
}

// exportedServices returns the services that a partition exports, by default the
// agent's own.
func (c consul) exportedServices(partition ...string) ([]watch.ExportedService, error) {
	if len(partition) > 1 {
		return nil, errors.New("exportedServices: wrong number of arguments, expected 0 or 1")
	}
	q := watch.Query{Kind: watch.ExportedServiceList, Name: strings.Join(partition, "")}
	return askList[watch.ExportedService](c.env, q)
}

// caLeaf returns the *watch.LeafCert of a service, or an untyped nil without an
// answer. It ignores all arguments but the first.
func (c consul) caLeaf(args ...string) (any, error) {
	if len(args) == 0 || args[0] == "" {
		return nil, nil
	}
	leaf, known, err := ask[*watch.LeafCert](c.env, watch.Query{Kind: watch.CALeafCert, Name: args[0]})
	if err != nil || !known {
		return nil, err
	}
	return leaf, nil
}
