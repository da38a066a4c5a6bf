package funcs

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"restencil/watch"
	"restencil/watch/lazyregexp"
)

// This file parses the arguments of the functions that query Consul and Nomad
// (COMPAT 3.3), with consul-template's syntax and errors.

// Parts of arguments. Each group is named after a part of the query.
const (
	taggedName = `(?:(?P<tag>[\w.:=-]+)\.)?(?P<name>[\w-]+)`
	params     = `(?:\?(?P<params>[\w=&-]+))?`
	datacenter = `(?:@(?P<datacenter>[\w.-]+))?`
	oldPort    = `(?:@(?P<datacenter>[\w.-]+)(?::[0-9]+)?)?` // a datacenter and a port without effect: up to version 0.10
	near       = `(?:~(?P<near>[\w.-]+))?`
	filter     = `(?:\|(?P<filter>[\w, ]+))?` // with spaces: up to version 0.16
	anyName    = `(?P<name>[\pL\pN_:/-](?:[\pL\pN_.:/ -]*[\pL\pN_:/-])?)`
	region     = `(?:\.(?P<datacenter>[\w-]+))?` // after a namespace
	cluster    = `(?:\?cluster=(?P<cluster>[\w-]+))?`
)

// arguments has the grammar of the argument for each kind of query, which is
// compiled at its first use.
var arguments = map[watch.Kind]*lazyregexp.Regexp{
	watch.KVGet:            argument(`/?(?P<name>[^@?]+)`, params, datacenter),
	watch.KVList:           argument(`/?(?P<name>[^@?]+)`, params, datacenter),
	watch.ServiceHealth:    argument(taggedName, params, oldPort, near, filter),
	watch.ConnectHealth:    argument(taggedName, params, oldPort, near, filter),
	watch.ServiceList:      argument(params, datacenter),
	watch.NodeServices:     argument(`(?:(?P<name>[\w.-]+)`, params, datacenter, `)?`),
	watch.NodeList:         argument(params, datacenter, near),
	watch.PeeringList:      argument(params),
	watch.NomadService:     argument(taggedName, cluster, datacenter),
	watch.NomadServiceList: argument(cluster, datacenter),
	watch.NomadVarGet:      argument(`(?:(?P<name>[^@]+?)`, cluster, `(?:@(?P<namespace>[\w-]+)`, region, `)?)?`),
	watch.NomadVarList:     argument(`/?(?P<name>[^@]*?)`, cluster, `(?:@(?P<namespace>[*]|[\w-]+)`, region, `)?`),
}

// names has a second grammar, for names with spaces, colons or slashes, which Consul
// allows and consul-template does not.
var names = map[watch.Kind]*lazyregexp.Regexp{
	watch.ServiceHealth: argument(anyName, params, datacenter, near, filter),
	watch.ConnectHealth: argument(anyName, params, datacenter, near, filter),
	watch.NodeServices:  argument(anyName, params, datacenter),
}

// exactly begins an argument whose rest is a name as it is.
const exactly = "\x00exactly:"

// exact returns an argument for a name with any characters, such as a key with @ in
// it.
func exact(name string) string { return exactly + strings.TrimPrefix(name, exactly) }

func argument(parts ...string) *lazyregexp.Regexp {
	return lazyregexp.New("^" + strings.Join(parts, "") + "$")
}

// parse returns the query of a kind for an argument.
func parse(kind watch.Kind, arg string) (watch.Query, error) {
	if name, ok := strings.CutPrefix(arg, exactly); ok {
		return watch.Query{Kind: kind, Name: strings.TrimPrefix(name, "/")}, nil
	}
	if (kind == watch.KVGet || kind == watch.KVList) && !strings.ContainsAny(arg, "@?") && strings.Trim(arg, "/") != "" {
		return watch.Query{Kind: kind, Name: strings.TrimPrefix(arg, "/")}, nil // fast: most arguments
	}
	family := string(kind)
	switch kind {
	case watch.ConnectHealth:
		family = string(watch.ServiceHealth)
	case watch.PeeringList:
		family = "list.peering"
	case watch.NomadVarGet:
		arg = strings.Trim(strings.TrimSpace(arg), "/")
	}
	grammar := arguments[kind].Get()
	match := grammar.FindStringSubmatch(arg)
	if match == nil && names[kind] != nil {
		grammar = names[kind].Get()
		match = grammar.FindStringSubmatch(arg)
	}
	if match == nil {
		return watch.Query{}, invalid(family, arg)
	}
	q := watch.Query{Kind: kind}
	var params string
	parts := map[string]*string{
		"name": &q.Name, "tag": &q.Tag, "namespace": &q.Namespace, "cluster": &q.Cluster,
		"datacenter": &q.Datacenter, "near": &q.Near, "filter": &q.Filter, "params": &params,
	}
	for i, part := range grammar.SubexpNames() {
		if to := parts[part]; to != nil {
			*to = match[i]
		}
	}
	if kind == watch.NomadVarList && strings.Trim(q.Name, "/") == "" {
		q.Name = ""
	}
	var err error
	if q.Filter, err = parseFilter(q.Filter, arg); err != nil {
		return watch.Query{}, err
	}
	if params == "" {
		return q, nil
	}
	return withParams(q, family, params)
}

func invalid(family, arg string) error { return fmt.Errorf("%s: invalid format: %q", family, arg) }

// parseFilter parses health states separated by commas, and returns them in the form
// of watch.Query.Filter.
func parseFilter(filter, arg string) (string, error) {
	if filter == "" {
		return "", nil
	}
	var states []string
	for state := range strings.SplitSeq(filter, ",") {
		switch state = strings.TrimSpace(state); state {
		case "any", "passing", "warning", "critical", "maintenance":
			states = append(states, state)
		case "":
		default:
			return "", fmt.Errorf("health.service: invalid filter: %q in %q", state, arg)
		}
	}
	slices.Sort(states)
	states = slices.Compact(states)
	switch {
	case len(states) == 0:
		return ",", nil
	case states[0] == "any":
		return "any", nil
	case len(states) == 1 && states[0] == "passing":
		return "", nil
	}
	return strings.Join(states, ","), nil
}

// withParams adds the parameters after the question mark of an argument to q. All are
// allowed for all kinds, and ignored where they mean nothing. The first value of a
// parameter is used.
func withParams(q watch.Query, family, params string) (watch.Query, error) {
	values, err := url.ParseQuery(params)
	if err != nil {
		return watch.Query{}, fmt.Errorf("%s: invalid query: %q: %w", family, params, err)
	}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		switch key {
		case "cluster", "ns", "peer", "partition", "sameness-group":
		default:
			return watch.Query{}, fmt.Errorf("%s: invalid query parameter key %q in query %q: "+
				"supported keys: ns,peer,partition,sameness-group,cluster", family, key, params)
		}
	}
	q.Cluster = values.Get("cluster")
	q.Partition = values.Get("partition")
	if q.Kind != watch.PeeringList {
		q.Namespace = values.Get("ns")
	}
	if q.Kind == watch.ServiceHealth || q.Kind == watch.ConnectHealth {
		q.Peer, q.SamenessGroup = values.Get("peer"), values.Get("sameness-group")
		if q.Peer != "" && q.SamenessGroup != "" {
			return watch.Query{}, fmt.Errorf("%s: cannot specify both peer and sameness-group", family)
		}
	}
	return q, nil
}
