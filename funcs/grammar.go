package funcs

import (
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"

	"restencil/watch"
)

// This file reads the arguments of the functions that ask Consul and Nomad
// (COMPAT 3.3): from the text to the query. What it accepts and the texts of
// its errors are consul-template's.

// Parts of arguments. Each group has the name of the part of the query.
const (
	taggedName = `(?:(?P<tag>[\w.:=-]+)\.)?(?P<name>[\w-]+)`
	params     = `(?:\?(?P<params>[\w=&-]+))?`
	datacenter = `(?:@(?P<datacenter>[\w.-]+))?`
	near       = `(?:~(?P<near>[\w.-]+))?`
	filter     = `(?:\|(?P<filter>[\w,]+))?`
	anyName    = `(?P<name>[\pL\pN_:/-](?:[\pL\pN_.:/ -]*[\pL\pN_:/-])?)`
	region     = `(?:\.(?P<datacenter>[\w-]+))?` // after a namespace
)

// arguments has the grammar of the argument for each kind of query, which is
// compiled when it is first used: most templates need none.
var arguments = map[watch.Kind]func() *regexp.Regexp{
	watch.KVGet:            argument(`/?(?P<name>[^@?]+)`, params, datacenter),
	watch.KVList:           argument(`/?(?P<name>[^@?]+)`, params, datacenter),
	watch.ServiceHealth:    argument(taggedName, params, datacenter, near, filter),
	watch.ConnectHealth:    argument(taggedName, params, datacenter, near, filter),
	watch.ServiceList:      argument(params, datacenter),
	watch.NodeServices:     argument(`(?:(?P<name>[\w.-]+)`, params, datacenter, `)?`),
	watch.NodeList:         argument(params, datacenter, near),
	watch.PeeringList:      argument(params),
	watch.NomadService:     argument(taggedName, datacenter),
	watch.NomadServiceList: argument(datacenter),
	watch.NomadVarGet:      argument(`(?:(?P<name>[^@]+)(?:@(?P<namespace>[\w-]+)`, region, `)?)?`),
	watch.NomadVarList:     argument(`/?(?P<name>[^@]*)(?:@(?P<namespace>[*]|[\w-]+)`, region, `)?`),
}

// names has the grammar of arguments that arguments does not match, for names that
// Consul allows and consul-template does not: with blanks, colons or slashes.
var names = map[watch.Kind]func() *regexp.Regexp{
	watch.ServiceHealth: argument(anyName, params, datacenter, near, filter),
	watch.ConnectHealth: argument(anyName, params, datacenter, near, filter),
	watch.NodeServices:  argument(anyName, params, datacenter),
}

// exactly begins an argument whose rest is a name as it is. No text holds it.
const exactly = "\x00exactly:"

// exact returns an argument that asks for what has this name, whatever characters
// are in it: key (exact .Key) of a key that has an @ asks no datacenter.
func exact(name string) string { return exactly + strings.TrimPrefix(name, exactly) }

func argument(parts ...string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile("^" + strings.Join(parts, "") + "$") })
}

// parse returns the query of a kind that an argument makes.
func parse(kind watch.Kind, arg string) (watch.Query, error) {
	if name, ok := strings.CutPrefix(arg, exactly); ok {
		return watch.Query{Kind: kind, Name: strings.TrimPrefix(name, "/")}, nil
	}
	if (kind == watch.KVGet || kind == watch.KVList) && !strings.ContainsAny(arg, "@?") && strings.Trim(arg, "/") != "" {
		return watch.Query{Kind: kind, Name: strings.TrimPrefix(arg, "/")}, nil // most arguments, and all of a large tree
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
	grammar := arguments[kind]()
	match := grammar.FindStringSubmatch(arg)
	if match == nil && names[kind] != nil {
		grammar = names[kind]()
		match = grammar.FindStringSubmatch(arg)
	}
	if match == nil {
		return watch.Query{}, invalid(family, arg)
	}
	q := watch.Query{Kind: kind}
	var params string
	for i, part := range grammar.SubexpNames() {
		switch part {
		case "name":
			q.Name = match[i]
		case "tag":
			q.Tag = match[i]
		case "namespace":
			q.Namespace = match[i]
		case "datacenter":
			q.Datacenter = match[i]
		case "near":
			q.Near = match[i]
		case "filter":
			q.Filter = match[i]
		case "params":
			params = match[i]
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

// parseFilter reads health states joined by commas and returns their canonical
// form, which watch.Query.Filter describes.
func parseFilter(filter, arg string) (string, error) {
	if filter == "" {
		return "", nil
	}
	var states []string
	for state := range strings.SplitSeq(filter, ",") {
		switch state {
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

// withParams adds to q what follows the question mark of an argument. All
// parameters are allowed for all kinds, though not all mean something for each.
// Of a parameter that comes more than once the first value counts.
func withParams(q watch.Query, family, params string) (watch.Query, error) {
	values, err := url.ParseQuery(params)
	if err != nil {
		return watch.Query{}, fmt.Errorf("%s: invalid query: %q: %w", family, params, err)
	}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		switch key {
		case "ns", "peer", "partition", "sameness-group":
		default:
			return watch.Query{}, fmt.Errorf("%s: invalid query parameter key %q in query %q: "+
				"supported keys: ns,peer,partition,sameness-group", family, key, params)
		}
	}
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
