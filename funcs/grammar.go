package funcs

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"restencil/watch"
)

// This file reads the arguments of the functions that ask Consul and Nomad
// (COMPAT 3.3): pure functions from the text to the query. What they accept
// and the texts of their errors are consul-template's.

// parseKV reads ["/"] PATH ["?" QUERY] ["@" DC], the argument of the functions
// for keys (kind KVGet) and prefixes (KVList).
func parseKV(kind watch.Kind, arg string) (watch.Query, error) {
	s := scanner{arg}
	path := s.take(isPath)
	params := s.option('?', isParam)
	dc := s.option('@', isDotted)
	if path == "" || !s.done() {
		return watch.Query{}, invalid(string(kind), arg)
	}
	if len(path) > 1 {
		path = strings.TrimPrefix(path, "/")
	}
	q := watch.Query{Kind: kind, Name: path, Datacenter: dc}
	return withScope(q, string(kind), params)
}

// parseService reads [TAG "."] NAME ["?" QUERY] ["@" DC] ["~" NEAR]
// ["|" FILTER], the argument of service (kind ServiceHealth) and of connect
// (ConnectHealth). Both speak of themselves as health.service.
func parseService(kind watch.Kind, arg string) (watch.Query, error) {
	const family = string(watch.ServiceHealth)
	s := scanner{arg}
	tag, name := s.taggedName()
	params := s.option('?', isParam)
	dc := s.option('@', isDotted)
	near := s.option('~', isDotted)
	states := s.option('|', isFilter)
	if name == "" || !s.done() {
		return watch.Query{}, invalid(family, arg)
	}
	filter, err := parseFilter(states, arg)
	if err != nil {
		return watch.Query{}, err
	}
	scope, err := parseScope(family, params)
	if err != nil {
		return watch.Query{}, err
	}
	if scope.peer != "" && scope.samenessGroup != "" {
		return watch.Query{}, fmt.Errorf("%s: cannot specify both peer and sameness-group", family)
	}
	return watch.Query{
		Kind: kind, Name: name, Tag: tag, Datacenter: dc, Near: near, Filter: filter,
		Namespace: scope.namespace, Partition: scope.partition,
		Peer: scope.peer, SamenessGroup: scope.samenessGroup,
	}, nil
}

// parseNode reads "" | NODE ["?" QUERY] ["@" DC].
func parseNode(arg string) (watch.Query, error) {
	const kind = watch.NodeServices
	s := scanner{arg}
	name := s.take(isDotted)
	params := s.option('?', isParam)
	dc := s.option('@', isDotted)
	if name == "" && arg != "" || !s.done() {
		return watch.Query{}, invalid(string(kind), arg)
	}
	return withScope(watch.Query{Kind: kind, Name: name, Datacenter: dc}, string(kind), params)
}

// parseNodes reads ["?" QUERY] ["@" DC] ["~" NEAR].
func parseNodes(arg string) (watch.Query, error) {
	const kind = watch.NodeList
	s := scanner{arg}
	params := s.option('?', isParam)
	dc := s.option('@', isDotted)
	near := s.option('~', isDotted)
	if !s.done() {
		return watch.Query{}, invalid(string(kind), arg)
	}
	return withScope(watch.Query{Kind: kind, Datacenter: dc, Near: near}, string(kind), params)
}

// parseServices reads ["?" QUERY] ["@" DC].
func parseServices(arg string) (watch.Query, error) {
	const kind = watch.ServiceList
	s := scanner{arg}
	params := s.option('?', isParam)
	dc := s.option('@', isDotted)
	if !s.done() {
		return watch.Query{}, invalid(string(kind), arg)
	}
	return withScope(watch.Query{Kind: kind, Datacenter: dc}, string(kind), params)
}

// parsePeerings reads ["?" QUERY], of which only the partition matters.
func parsePeerings(arg string) (watch.Query, error) {
	const family = "list.peering" // not the kind's name
	s := scanner{arg}
	params := s.option('?', isParam)
	if !s.done() {
		return watch.Query{}, invalid(family, arg)
	}
	scope, err := parseScope(family, params)
	if err != nil {
		return watch.Query{}, err
	}
	return watch.Query{Kind: watch.PeeringList, Partition: scope.partition}, nil
}

// parseNomadService reads [TAG "."] NAME ["@" REGION].
func parseNomadService(arg string) (watch.Query, error) {
	const kind = watch.NomadService
	s := scanner{arg}
	tag, name := s.taggedName()
	region := s.option('@', isDotted)
	if name == "" || !s.done() {
		return watch.Query{}, invalid(string(kind), arg)
	}
	return watch.Query{Kind: kind, Name: name, Tag: tag, Datacenter: region}, nil
}

// parseNomadServices reads ["@" REGION].
func parseNomadServices(arg string) (watch.Query, error) {
	const kind = watch.NomadServiceList
	s := scanner{arg}
	region := s.option('@', isDotted)
	if !s.done() {
		return watch.Query{}, invalid(string(kind), arg)
	}
	return watch.Query{Kind: kind, Datacenter: region}, nil
}

// parseNomadVar reads VPATH ["@" NS ["." REGION]] with blanks, then slashes
// around it. What is left may be empty, but not before an "@".
func parseNomadVar(arg string) (watch.Query, error) {
	const kind = watch.NomadVarGet
	arg = strings.Trim(strings.TrimSpace(arg), "/")
	s := scanner{arg}
	path := s.take(isNotAt)
	ns := s.option('@', isName)
	region := s.region(ns)
	if path == "" && arg != "" || !s.done() {
		return watch.Query{}, invalid(string(kind), arg)
	}
	return watch.Query{Kind: kind, Name: path, Namespace: ns, Datacenter: region}, nil
}

// parseNomadVarList reads ["/"] VPREFIX ["@" (NS | "*") ["." REGION]]. A
// prefix of slashes only is no prefix.
func parseNomadVarList(arg string) (watch.Query, error) {
	const kind = watch.NomadVarList
	s := scanner{arg}
	prefix := strings.TrimPrefix(s.take(isNotAt), "/")
	ns := s.option('@', isStar)
	if ns == "" {
		ns = s.option('@', isName)
	}
	region := s.region(ns)
	if !s.done() || len(ns) > 1 && ns[0] == '*' {
		return watch.Query{}, invalid(string(kind), arg)
	}
	if strings.Trim(prefix, "/") == "" {
		prefix = ""
	}
	return watch.Query{Kind: kind, Name: prefix, Namespace: ns, Datacenter: region}, nil
}

func invalid(family, arg string) error {
	return fmt.Errorf("%s: invalid format: %q", family, arg)
}

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

// A scope is what the QUERY part of an argument may say.
type scope struct{ namespace, partition, peer, samenessGroup string }

// parseScope reads the QUERY part of an argument. Of a key that comes more
// than once the first value counts.
func parseScope(family, params string) (scope, error) {
	if params == "" {
		return scope{}, nil
	}
	values, err := url.ParseQuery(params)
	if err != nil {
		return scope{}, fmt.Errorf("%s: invalid query: %q: %w", family, params, err)
	}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		switch key {
		case "ns", "peer", "partition", "sameness-group":
		default:
			return scope{}, fmt.Errorf("%s: invalid query parameter key %q in query %q: "+
				"supported keys: ns,peer,partition,sameness-group", family, key, params)
		}
	}
	return scope{
		namespace:     values.Get("ns"),
		partition:     values.Get("partition"),
		peer:          values.Get("peer"),
		samenessGroup: values.Get("sameness-group"),
	}, nil
}

// withScope adds to q the namespace and partition that params name. Peer and
// sameness group are allowed there, and mean nothing but for services.
func withScope(q watch.Query, family, params string) (watch.Query, error) {
	scope, err := parseScope(family, params)
	if err != nil {
		return watch.Query{}, err
	}
	q.Namespace, q.Partition = scope.namespace, scope.partition
	return q, nil
}

// A scanner takes an argument apart from left to right. No part may hold the
// mark that begins a later one, so it never has to go back.
type scanner struct{ rest string }

// take returns the longest run of bytes of a class.
func (s *scanner) take(class func(byte) bool) string {
	n := 0
	for n < len(s.rest) && class(s.rest[n]) {
		n++
	}
	run := s.rest[:n]
	s.rest = s.rest[n:]
	return run
}

// option returns the run of bytes that follows mark. Where the mark or the run
// is missing it takes nothing, and a mark that is left over fails done.
func (s *scanner) option(mark byte, class func(byte) bool) string {
	if s.rest == "" || s.rest[0] != mark {
		return ""
	}
	after := scanner{s.rest[1:]}
	run := after.take(class)
	if run != "" {
		*s = after
	}
	return run
}

// taggedName returns the parts of [TAG "."] NAME: the tag ends at the last
// dot. Both are empty where the text does not have that form.
func (s *scanner) taggedName() (tag, name string) {
	run := s.take(isTag)
	dot := strings.LastIndexByte(run, '.')
	name = run[dot+1:]
	nameOnly := scanner{name}
	nameOnly.take(isName)
	if dot == 0 || !nameOnly.done() {
		return "", ""
	}
	return run[:max(dot, 0)], name
}

// region returns what follows the dot after a namespace.
func (s *scanner) region(ns string) string {
	if ns == "" {
		return ""
	}
	return s.option('.', isName)
}

func (s *scanner) done() bool { return s.rest == "" }

func isWord(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_'
}

func isName(c byte) bool   { return isWord(c) || c == '-' }
func isDotted(c byte) bool { return isName(c) || c == '.' }
func isTag(c byte) bool    { return isDotted(c) || c == '=' || c == ':' }
func isFilter(c byte) bool { return isWord(c) || c == ',' }
func isParam(c byte) bool  { return isName(c) || c == '=' || c == '&' }
func isPath(c byte) bool   { return c != '@' && c != '?' }
func isNotAt(c byte) bool  { return c != '@' }
func isStar(c byte) bool   { return c == '*' }
