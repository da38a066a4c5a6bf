package watch

import (
	"crypto/sha256"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"unique"
)

// A Store is what answers queries: a system such as Consul or, where there are several
// clusters of it, one of them, as in consul/eu (see In). Each has a source of its own:
// its own address, token, connections, and outages.
type Store string

// The systems. A query that names no cluster is put to the one without a name.
const (
	Consul Store = "consul"
	Vault  Store = "vault"
	Nomad  Store = "nomad"
	Files  Store = "file"
)

// DefaultCluster is how a template names the cluster without a name.
const DefaultCluster = "default"

// In returns the store of a cluster of a system, which is s itself for "".
func (s Store) In(cluster string) Store {
	if cluster == "" {
		return s
	}
	return s + "/" + Store(cluster)
}

// Split returns the system and the cluster of s, the inverse of In.
func (s Store) Split() (system Store, cluster string) {
	before, cluster, _ := strings.Cut(string(s), "/")
	return Store(before), cluster
}

// Block returns how the block of the configuration begins that says how s is reached.
func (s Store) Block() string {
	system, cluster := s.Split()
	if cluster == "" {
		return string(system)
	}
	return fmt.Sprintf("%s %q", system, cluster)
}

// Setting returns how a key of the block of s is set. Only the block without a label takes
// anything from the environment: the key from variable.
func (s Store) Setting(key, variable string) string {
	text := fmt.Sprintf("%s { %s = … }", s.Block(), key)
	if _, cluster := s.Split(); cluster == "" {
		text = variable + " or " + text
	}
	return text
}

// Title returns the name of the store as its makers write it.
func (s Store) Title() string { return strings.ToUpper(string(s[:1])) + string(s[1:]) }

// A Kind says what a query asks: which fields of Query it uses and what type
// its answer has. Its text is the name in logs and error messages.
type Kind string

// The kinds of query. After each: what Name holds; the type of Answer.Data.
// Secret and Certificate come Tainted.
const (
	KVGet  Kind = "kv.get"  // key; *KeyPair, nil where the key does not exist
	KVList Kind = "kv.list" // raw string prefix; []*KeyPair by Path, Key relative to the prefix

	ServiceHealth  Kind = "health.service"      // service; []*HealthService
	ConnectHealth  Kind = "health.connect"      // service; []*HealthService, the Connect-capable ones
	ServiceList    Kind = "catalog.services"    // unused; []*CatalogSnippet by name
	NodeServices   Kind = "catalog.node"        // node, "" for the agent's own; *CatalogNode, never nil
	NodeList       Kind = "catalog.nodes"       // unused; []*Node by name and address, or by Near
	DatacenterList Kind = "catalog.datacenters" // unused; []string, sorted. Filter "available" drops those that do not answer

	CARootList          Kind = "connect.caroots"       // unused; []*CARoot
	CALeafCert          Kind = "connect.caleaf"        // service; *LeafCert
	PeeringList         Kind = "list.peerings"         // unused; []*Peering by state, partition and name
	PartitionList       Kind = "list.partitions"       // unused; []*Partition by name
	ExportedServiceList Kind = "list.exportedServices" // partition; []ExportedService by service
	ImportedServiceList Kind = "list.importedServices" // partition; []ImportedService by service

	FileContent Kind = "file" // path; string. Params the directory that it must be in (see os.Root), "" for no limit

	VaultRead  Kind = "vault.read"  // path; *Secret. Params the URL query, in which refresh=30s is ours
	VaultWrite Kind = "vault.write" // path; *Secret, nil where Vault answers nothing. Params the body, as url.Values.Encode writes it
	VaultList  Kind = "vault.list"  // path; []string, sorted
	VaultPKI   Kind = "vault.pki"   // path; Certificate. Params the body and the files that keep it, see PKIParams

	NomadServiceList Kind = "nomad.services" // unused; []*NomadServicesSnippet by name
	NomadService     Kind = "nomad.service"  // service; []*NomadServiceInstance by name. Params is "count|key" where the caller limits the number
	NomadVarGet      Kind = "nomad.var.get"  // path; NomadVarItems, nil where there is no such variable
	NomadVarList     Kind = "nomad.var.list" // prefix; []*NomadVarMeta by path. Namespace may be "*"
)

// Store returns the system that answers queries of this kind.
func (k Kind) Store() Store {
	switch {
	case k == FileContent:
		return Files
	case strings.HasPrefix(string(k), "vault."):
		return Vault
	case strings.HasPrefix(string(k), "nomad."):
		return Nomad
	default:
		return Consul
	}
}

// Secret reports whether the answers hold secrets: those of Vault, and the items
// of Nomad's variables.
func (k Kind) Secret() bool {
	return k.Store() == Vault && k != VaultList || k == NomadVarGet
}

// A Query is one question to one store. It is comparable: templates that ask the
// same thing have equal queries, and share one subscription.
//
// Fields that a kind does not use are empty. An empty scope field (Cluster
// to SamenessGroup) means the agent's or the configuration's own.
type Query struct {
	Kind Kind
	Name string

	Tag    string // ServiceHealth, ConnectHealth, NomadService: only instances with this tag
	Filter string // ServiceHealth, ConnectHealth: health states, sorted and joined by ","; "" is "passing", "," none
	Near   string // sort by round-trip time from this node; "_agent" is the agent's own
	Params string // other parameters in canonical form; see the kind

	Cluster       string // of the store: see Store.In
	Datacenter    string // for Nomad: the region
	Namespace     string
	Partition     string
	Peer          string
	SamenessGroup string

	Private bool // a secret is part of it: it is neither shown nor kept on disk
}

// An ID identifies a Query in little space. Equal queries have equal IDs. The zero ID is
// that of no query.
type ID struct {
	name string
	rest unique.Handle[Query] // the query without its name: most have this in common
}

// ID returns the ID of q. It does not keep alive what q's name is a part of.
func (q Query) ID() ID {
	name := strings.Clone(q.Name)
	q.Name = ""
	return ID{name, unique.Make(q)}
}

// Value returns the query that id, which must not be zero, is the ID of.
func (id ID) Value() Query {
	q := id.rest.Value()
	q.Name = id.name
	return q
}

// Store returns the store that answers q.
func (q Query) Store() Store { return q.Kind.Store().In(q.Cluster) }

// Part returns the part of the store that answers q, such as "datacenter dc2", "" for
// the store itself.
func (q Query) Part() string {
	switch {
	case q.Peer != "":
		return "peer " + q.Peer
	case q.Datacenter != "" && q.Kind.Store() == Nomad:
		return "region " + q.Datacenter
	case q.Datacenter != "":
		return "datacenter " + q.Datacenter
	case q.Namespace != "":
		return "namespace " + q.Namespace
	case q.Partition != "":
		return "partition " + q.Partition
	}
	return ""
}

// String returns the identity of q in consul-template's form (COMPAT 3.4), such
// as kv.get(app/port@dc2) or health.service(web|any). Equal queries have equal
// strings, and different queries different ones.
func (q Query) String() string {
	if q.Private {
		q.Private = false
		return fmt.Sprintf("%s(*** %s)", q.Kind, digest(q.String()))
	}
	var b strings.Builder
	if q.Tag != "" {
		b.WriteString(q.Tag + ".")
	}
	b.WriteString(q.Name)
	for _, part := range []struct{ mark, value string }{
		{"@", q.Datacenter}, {"@cluster=", q.Cluster}, {"@partition=", q.Partition}, {"@ns=", q.Namespace}, {"@peer=", q.Peer},
		{"@sameness-group=", q.SamenessGroup}, {"~", q.Near}, {"|", q.Filter},
	} {
		if part.value != "" {
			b.WriteString(part.mark + part.value)
		}
	}
	b.WriteString(q.params())
	if b.Len() == 0 {
		return string(q.Kind)
	}
	return string(q.Kind) + "(" + b.String() + ")"
}

var nouns = map[Kind]string{
	KVGet: "key", KVList: "keys below", ServiceHealth: "service", ConnectHealth: "connect service",
	ServiceList: "services", NodeServices: "node", NodeList: "nodes", DatacenterList: "datacenters",
	FileContent: "file", VaultRead: "secret", VaultWrite: "secret", VaultList: "secrets below", VaultPKI: "certificate",
	NomadServiceList: "services", NomadService: "service", NomadVarGet: "variable", NomadVarList: "variables below",
}

// Noun returns q in plain words, without its store: "key app/port".
func (q Query) Noun() string {
	noun := nouns[q.Kind]
	if q.Name == "" {
		noun = strings.TrimSuffix(noun, " below")
	}
	_, name, found := strings.Cut(q.String(), "(")
	if (q.Kind == VaultPKI || q.Kind == VaultWrite) && q.Params != "" && !q.Private {
		return q.requestNoun()
	}
	switch {
	case noun == "":
		return q.String()
	case !found:
		return noun
	}
	return noun + " " + strings.TrimSuffix(name, ")")
}

// requestNoun is Noun of a query with the body of a request to Vault, such as
// "certificate pki/issue/web for app.pem (parameters 5afbfd1a)".
func (q Query) requestNoun() string {
	of := q
	of.Params = ""
	noun := of.Noun()
	body, files, _ := SplitPKIParams(q.Params)
	if q.Kind == VaultPKI && len(files) > 0 {
		noun += " for " + strings.Join(files, ", ")
	}
	if q.Kind == VaultWrite || len(body) > 0 {
		noun += " (parameters " + digest(q.Params) + ")"
	}
	return noun
}

// Describe returns Noun after the store: "consul key app/port". A file has no
// store, nor, with local, has what a data file answers in place of Consul.
func (q Query) Describe(local bool) string {
	store := q.Store()
	q.Cluster = "" // the store says it
	if system, _ := store.Split(); system == Files || local && store == Consul {
		return q.Noun()
	}
	return string(store) + " " + q.Noun()
}

// GoString returns q.String(): the body of a write may hold a secret.
func (q Query) GoString() string { return q.String() }

// LogValue implements slog.LogValuer.
func (q Query) LogValue() slog.Value { return slog.StringValue(q.String()) }

// PKIParams returns the Params of a VaultPKI query with this body of the request,
// whose certificate and key the files keep.
func PKIParams(body url.Values, files ...string) string {
	escaped := make([]string, len(files))
	for i, file := range files {
		escaped[i] = url.QueryEscape(file)
	}
	return strings.Join(escaped, ",") + "?" + body.Encode()
}

// SplitPKIParams is the inverse of PKIParams.
func SplitPKIParams(params string) (body url.Values, files []string, err error) {
	first, rest, _ := strings.Cut(params, "?")
	for file := range strings.SplitSeq(first, ",") {
		if file, err = url.QueryUnescape(file); err != nil {
			return nil, nil, err
		}
		if file != "" {
			files = append(files, file)
		}
	}
	body, err = url.ParseQuery(rest)
	return body, files, err
}

// params returns q.Params as String shows it, with a digest in place of the body
// of a request to Vault, which may hold secrets.
func (q Query) params() string {
	switch {
	case q.Params == "":
		return ""
	case q.Kind == FileContent:
		return " in " + q.Params
	case q.Kind == NomadService:
		return ":" + q.Params
	case q.Kind == VaultWrite:
		return " -> " + digest(q.Params)
	case q.Kind == VaultPKI:
		body, files, _ := SplitPKIParams(q.Params)
		to := "->" + strings.Join(files, ",")
		if len(body) == 0 {
			return to
		}
		return to + " " + digest(q.Params)
	}
	return "?" + q.Params
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return fmt.Sprintf("%x", sum[:4])
}
