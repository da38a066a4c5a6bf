package funcs

import (
	"errors"
	"fmt"
	"strings"
	"text/template"

	"restencil/watch"
)

// consulFuncs returns the functions that ask Consul (COMPAT 3.4). The types
// that they return are part of the template language.
func (e *Env) consulFuncs() template.FuncMap {
	return template.FuncMap{
		"key":          e.key,
		"keyExists":    e.keyExists,
		"keyOrDefault": e.keyOrDefault,
		"ls":           e.ls,
		"safeLs":       e.safeLs,
		"tree":         e.tree,
		"safeTree":     e.safeTree,

		"service":     e.service,
		"connect":     e.connect,
		"services":    e.services,
		"node":        e.node,
		"nodes":       e.nodes,
		"datacenters": e.datacenters,

		"partitions":       e.partitions,
		"peerings":         e.peerings,
		"exportedServices": e.exportedServices,
		"importedServices": e.importedServices,
		"caRoots":          e.caRoots,
		"caLeaf":           e.caLeaf,

		"sprig_sortAlpha": e.sprigSortAlpha, // sprig's own would sort answers
	}
}

// key returns the value of a key that must exist.
func (e *Env) key(arg string) (string, error) {
	if arg == "" {
		return "", nil
	}
	q, err := parseKV(watch.KVGet, arg)
	if err != nil {
		return "", err
	}
	pair, err := askExisting[*watch.KeyPair](e, q)
	if pair == nil {
		return "", err
	}
	return pair.Value, err
}

// keyExists tells whether there is such a key, be its value empty.
func (e *Env) keyExists(arg string) (bool, error) {
	pair, err := e.pair(arg)
	return pair != nil, err
}

// keyOrDefault returns the value of a key, or fallback where the key does not
// exist or its value is empty.
func (e *Env) keyOrDefault(arg, fallback string) (string, error) {
	pair, err := e.pair(arg)
	if err != nil {
		return "", err
	}
	if pair == nil || pair.Value == "" {
		return fallback, nil
	}
	return pair.Value, nil
}

// pair returns a key, nil where it does not exist and for an empty argument.
func (e *Env) pair(arg string) (*watch.KeyPair, error) {
	if arg == "" {
		return nil, nil
	}
	q, err := parseKV(watch.KVGet, arg)
	if err != nil {
		return nil, err
	}
	pair, _, err := ask[*watch.KeyPair](e, q)
	return pair, err
}

// The functions for prefixes differ in what they leave out, and in whether a
// result that is empty will do.

func (e *Env) ls(arg string) ([]*watch.KeyPair, error)       { return e.pairs(arg, isChild, false) }
func (e *Env) safeLs(arg string) ([]*watch.KeyPair, error)   { return e.pairs(arg, isChild, true) }
func (e *Env) tree(arg string) ([]*watch.KeyPair, error)     { return e.pairs(arg, isLeaf, false) }
func (e *Env) safeTree(arg string) ([]*watch.KeyPair, error) { return e.pairs(arg, isLeaf, true) }

func (e *Env) pairs(arg string, keep func(key string) bool, must bool) ([]*watch.KeyPair, error) {
	if arg == "" {
		return []*watch.KeyPair{}, nil
	}
	q, err := parseKV(watch.KVList, arg)
	if err != nil {
		return nil, err
	}
	all, known, err := ask[[]*watch.KeyPair](e, q)
	kept := keepPairs(all, keep)
	if known && must && len(kept) == 0 {
		e.Ask.Incomplete(q)
	}
	return kept, err
}

// isChild tells whether a relative key lies directly below the prefix.
func isChild(key string) bool { return key != "" && strings.IndexByte(key, '/') < 0 }

// isLeaf tells whether a relative key is more than a marker of a folder.
func isLeaf(key string) bool { return key != "" && key[len(key)-1] != '/' }

// keepPairs returns the pairs whose keys are to be kept: all itself, unless it
// is nil, where that is all of them. Lists can be long, and a template cannot
// change one.
func keepPairs(all []*watch.KeyPair, keep func(key string) bool) []*watch.KeyPair {
	n := 0
	for _, pair := range all {
		if keep(pair.Key) {
			n++
		}
	}
	if n == len(all) && all != nil {
		return all
	}
	kept := make([]*watch.KeyPair, 0, n)
	for _, pair := range all {
		if keep(pair.Key) {
			kept = append(kept, pair)
		}
	}
	return kept
}

// service returns the instances of a service.
func (e *Env) service(args ...string) ([]*watch.HealthService, error) {
	return e.instances(watch.ServiceHealth, args)
}

// connect returns the Connect-capable instances of a service.
func (e *Env) connect(args ...string) ([]*watch.HealthService, error) {
	return e.instances(watch.ConnectHealth, args)
}

func (e *Env) instances(kind watch.Kind, args []string) ([]*watch.HealthService, error) {
	if len(args) == 0 || args[0] == "" {
		return []*watch.HealthService{}, nil
	}
	q, err := parseService(kind, strings.Join(args, "|"))
	if err != nil {
		return nil, err
	}
	list, err := askList[*watch.HealthService](e, q)
	e.lend(list)
	return list, err
}

// services returns the names of all services. A catalog without any is nil.
func (e *Env) services(args ...string) ([]*watch.CatalogSnippet, error) {
	q, err := parseServices(strings.Join(args, ""))
	if err != nil {
		return nil, err
	}
	list, known, err := ask[[]*watch.CatalogSnippet](e, q)
	if !known {
		list = []*watch.CatalogSnippet{}
	}
	return list, err
}

// node returns a *watch.CatalogNode, or an untyped nil as long as nothing is
// known.
func (e *Env) node(args ...string) (any, error) {
	q, err := parseNode(strings.Join(args, ""))
	if err != nil {
		return nil, err
	}
	node, known, err := ask[*watch.CatalogNode](e, q)
	switch {
	case err != nil || !known:
		return nil, err
	case node == nil:
		return &watch.CatalogNode{}, nil
	}
	return node, nil
}

// nodes returns all nodes.
func (e *Env) nodes(args ...string) ([]*watch.Node, error) {
	q, err := parseNodes(strings.Join(args, ""))
	if err != nil {
		return nil, err
	}
	return askList[*watch.Node](e, q)
}

// datacenters returns the names of the datacenters; with true, only of those
// that answer.
func (e *Env) datacenters(available ...bool) ([]string, error) {
	if len(available) > 1 {
		return nil, fmt.Errorf("datacenters: wrong number of arguments, expected 0 or 1, but got %d", len(available))
	}
	q := watch.Query{Kind: watch.DatacenterList}
	if len(available) == 1 && available[0] {
		q.Filter = "available"
	}
	return askList[string](e, q)
}

// partitions returns the admin partitions.
func (e *Env) partitions() ([]*watch.Partition, error) {
	return askList[*watch.Partition](e, watch.Query{Kind: watch.PartitionList})
}

// peerings returns the links to other clusters.
func (e *Env) peerings(args ...string) ([]*watch.Peering, error) {
	q, err := parsePeerings(strings.Join(args, ""))
	if err != nil {
		return nil, err
	}
	list, err := askList[*watch.Peering](e, q)
	e.lend(list)
	return list, err
}

// exportedServices returns what a partition exports; without an argument, the
// agent's own.
func (e *Env) exportedServices(partition ...string) ([]watch.ExportedService, error) {
	if len(partition) > 1 {
		return nil, errors.New("exportedServices: wrong number of arguments, expected 0 or 1")
	}
	q := watch.Query{Kind: watch.ExportedServiceList, Name: strings.Join(partition, "")}
	list, err := askList[watch.ExportedService](e, q)
	e.lend(list)
	return list, err
}

// importedServices returns what a partition imports.
func (e *Env) importedServices(partition string) ([]watch.ImportedService, error) {
	if partition == "" {
		return nil, errors.New("importedServices: partition name is required")
	}
	q := watch.Query{Kind: watch.ImportedServiceList, Name: partition}
	return askList[watch.ImportedService](e, q)
}

// caRoots returns the roots of Connect's certificate authority, nil as long as
// nothing is known. It ignores its arguments.
func (e *Env) caRoots(...string) ([]*watch.CARoot, error) {
	roots, _, err := ask[[]*watch.CARoot](e, watch.Query{Kind: watch.CARootList})
	return roots, err
}

// caLeaf returns the *watch.LeafCert of a service, or an untyped nil as long as
// nothing is known. It ignores all arguments but the first.
func (e *Env) caLeaf(args ...string) (any, error) {
	if len(args) == 0 || args[0] == "" {
		return nil, nil
	}
	leaf, known, err := ask[*watch.LeafCert](e, watch.Query{Kind: watch.CALeafCert, Name: args[0]})
	if err != nil || !known {
		return nil, err
	}
	return leaf, nil
}
