package funcs

import (
	"cmp"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"

	"restencil/watch"
)

// kinds are those of the queries that template functions make of an argument.
var kinds = map[string]watch.Kind{
	"key":           watch.KVGet,
	"ls":            watch.KVList,
	"service":       watch.ServiceHealth,
	"connect":       watch.ConnectHealth,
	"node":          watch.NodeServices,
	"nodes":         watch.NodeList,
	"services":      watch.ServiceList,
	"peerings":      watch.PeeringList,
	"nomadService":  watch.NomadService,
	"nomadServices": watch.NomadServiceList,
	"nomadVar":      watch.NomadVarGet,
	"nomadVarList":  watch.NomadVarList,
}

func TestGrammar(t *testing.T) {
	tests := []struct {
		function, arg string
		want          watch.Query // but for its Kind
	}{
		{"key", "app/port", watch.Query{Name: "app/port"}},
		{"key", "/app/port", watch.Query{Name: "app/port"}},
		{"key", "//app", watch.Query{Name: "/app"}},
		{"key", "/", watch.Query{Name: "/"}},
		{"key", "a b", watch.Query{Name: "a b"}},
		{"key", "ü/ö", watch.Query{Name: "ü/ö"}},
		{"key", "\xff\n|~", watch.Query{Name: "\xff\n|~"}},
		{"key", "a@dc1", watch.Query{Name: "a", Datacenter: "dc1"}},
		{"key", "a?ns=n&partition=p@dc-1.x_y", watch.Query{Name: "a", Namespace: "n", Partition: "p", Datacenter: "dc-1.x_y"}},
		{"key", "a?cluster=eu&ns=n@dc1", watch.Query{Name: "a", Cluster: "eu", Namespace: "n", Datacenter: "dc1"}},
		{"service", "t.web?cluster=eu|any", watch.Query{Name: "web", Tag: "t", Cluster: "eu", Filter: "any"}},
		{"nodes", "?cluster=eu", watch.Query{Cluster: "eu"}},
		{"nomadService", "t.web?cluster=x@eu", watch.Query{Name: "web", Tag: "t", Cluster: "x", Datacenter: "eu"}},
		{"nomadServices", "?cluster=x", watch.Query{Cluster: "x"}},
		{"nomadVar", "a/b?cluster=x@ns.eu", watch.Query{Name: "a/b", Cluster: "x", Namespace: "ns", Datacenter: "eu"}},
		{"nomadVarList", "?cluster=x", watch.Query{Cluster: "x"}},
		{"nomadVarList", "a/?cluster=x@*", watch.Query{Name: "a/", Cluster: "x", Namespace: "*"}},
		{"key", "a?peer=x&sameness-group=y", watch.Query{Name: "a"}},
		{"key", "a?ns=1&ns=2", watch.Query{Name: "a", Namespace: "1"}},
		{"key", "a?&", watch.Query{Name: "a"}},
		{"key", "a?ns", watch.Query{Name: "a"}},
		{"ls", "a/", watch.Query{Name: "a/"}},
		{"ls", "/a@b", watch.Query{Name: "a", Datacenter: "b"}},

		{"service", "web", watch.Query{Name: "web"}},
		{"service", "v1.web", watch.Query{Name: "web", Tag: "v1"}},
		{"service", "a.b.c", watch.Query{Name: "c", Tag: "a.b"}},
		{"service", "a=b:c.web", watch.Query{Name: "web", Tag: "a=b:c"}},
		{"service", "t.web?ns=n&partition=p&peer=q@dc1~_agent|any", watch.Query{Name: "web", Tag: "t", Namespace: "n",
			Partition: "p", Peer: "q", Datacenter: "dc1", Near: "_agent", Filter: "any"}},
		{"service", "web?sameness-group=g&peer=", watch.Query{Name: "web", SamenessGroup: "g"}},
		{"service", "web|passing", watch.Query{Name: "web"}},
		{"service", "web|passing,,passing", watch.Query{Name: "web"}},
		{"service", "web|warning,passing", watch.Query{Name: "web", Filter: "passing,warning"}},
		{"service", "web|passing,any,critical", watch.Query{Name: "web", Filter: "any"}},
		{"service", "web|,", watch.Query{Name: "web", Filter: ","}},
		{"service", "web@dc1:80|passing, warning", watch.Query{Name: "web", Datacenter: "dc1", Filter: "passing,warning"}},
		{"connect", "web~n1", watch.Query{Name: "web", Near: "n1"}},
		// Names that Consul allows, and consul-template does not.
		{"service", "my web", watch.Query{Name: "my web"}},
		{"service", "web:80", watch.Query{Name: "web:80"}},
		{"service", "a.b/c?ns=n@dc1|any", watch.Query{Name: "a.b/c", Namespace: "n", Datacenter: "dc1", Filter: "any"}},
		{"connect", "wéb", watch.Query{Name: "wéb"}},
		{"node", "a b@dc1", watch.Query{Name: "a b", Datacenter: "dc1"}},
		// Names as they are.
		{"key", exact("a@b?c"), watch.Query{Name: "a@b?c"}},
		{"key", exact(exact("/a")), watch.Query{Name: "a"}},
		{"service", exact("a.b"), watch.Query{Name: "a.b"}},

		{"node", "", watch.Query{}},
		{"node", "n1.example", watch.Query{Name: "n1.example"}},
		{"node", "n1?ns=n@dc", watch.Query{Name: "n1", Namespace: "n", Datacenter: "dc"}},
		{"nodes", "", watch.Query{}},
		{"nodes", "?partition=p@dc1~n1", watch.Query{Partition: "p", Datacenter: "dc1", Near: "n1"}},
		{"nodes", "~_agent", watch.Query{Near: "_agent"}},
		{"services", "", watch.Query{}},
		{"services", "?ns=n@dc1", watch.Query{Namespace: "n", Datacenter: "dc1"}},
		{"peerings", "", watch.Query{}},
		{"peerings", "?ns=n&partition=p", watch.Query{Partition: "p"}},

		{"nomadService", "k=v:w.web@eu.1", watch.Query{Name: "web", Tag: "k=v:w", Datacenter: "eu.1"}},
		{"nomadServices", "", watch.Query{}},
		{"nomadServices", "@eu", watch.Query{Datacenter: "eu"}},
		{"nomadVar", " /a/b/ ", watch.Query{Name: "a/b"}},
		{"nomadVar", "/", watch.Query{}},
		{"nomadVar", "a.b?c", watch.Query{Name: "a.b?c"}},
		{"nomadVar", "a@ns.eu", watch.Query{Name: "a", Namespace: "ns", Datacenter: "eu"}},
		{"nomadVarList", "", watch.Query{}},
		{"nomadVarList", "//", watch.Query{}},
		{"nomadVarList", "/a/", watch.Query{Name: "a/"}},
		{"nomadVarList", "//a", watch.Query{Name: "/a"}},
		{"nomadVarList", "@*", watch.Query{Namespace: "*"}},
		{"nomadVarList", "a@*.eu", watch.Query{Name: "a", Namespace: "*", Datacenter: "eu"}},
	}
	for _, tt := range tests {
		got, err := parse(kinds[tt.function], tt.arg)
		got.Kind = ""
		if err != nil || got != tt.want {
			t.Errorf("%s %q = %+v, %v; want %+v", tt.function, tt.arg, got, err, tt.want)
		}
	}
}

func TestGrammarErrors(t *testing.T) {
	const supported = ": supported keys: ns,peer,partition,sameness-group,cluster"
	tests := []struct{ function, arg, want string }{
		{"key", "a b@@x", `kv.get: invalid format: "a b@@x"`},
		{"key", "foo@dc1?ns=x", `kv.get: invalid format: "foo@dc1?ns=x"`},
		{"key", "foo?", `kv.get: invalid format: "foo?"`},
		{"key", "foo@", `kv.get: invalid format: "foo@"`},
		{"key", "@dc1", `kv.get: invalid format: "@dc1"`},
		{"key", "foo?ns=a%20b", `kv.get: invalid format: "foo?ns=a%20b"`},
		{"key", "foo?bogus=1&a=2", `kv.get: invalid query parameter key "a" in query "bogus=1&a=2"` + supported},
		{"key", "foo?=1", `kv.get: invalid query parameter key "" in query "=1"` + supported},
		{"ls", "foo@a b", `kv.list: invalid format: "foo@a b"`},
		{"service", "", `health.service: invalid format: ""`},
		{"service", "foo|", `health.service: invalid format: "foo|"`},
		{"service", ".web", `health.service: invalid format: ".web"`},
		{"service", "web.", `health.service: invalid format: "web."`},
		{"service", "a b.", `health.service: invalid format: "a b."`},
		{"service", "web~", `health.service: invalid format: "web~"`},
		{"service", "web|any~n1", `health.service: invalid format: "web|any~n1"`},
		{"service", "foo|any,bogus", `health.service: invalid filter: "bogus" in "foo|any,bogus"`},
		{"service", "web?bogus=1", `health.service: invalid query parameter key "bogus" in query "bogus=1"` + supported},
		{"service", "web?peer=a&sameness-group=b", `health.service: cannot specify both peer and sameness-group`},
		{"node", "@dc2", `catalog.node: invalid format: "@dc2"`},
		{"nodes", "foo", `catalog.nodes: invalid format: "foo"`},
		{"nodes", "?bogus=1", `catalog.nodes: invalid query parameter key "bogus" in query "bogus=1"` + supported},
		{"services", "foo", `catalog.services: invalid format: "foo"`},
		{"services", "~n1", `catalog.services: invalid format: "~n1"`},
		{"peerings", "foo", `list.peering: invalid format: "foo"`},
		{"peerings", "?x=1", `list.peering: invalid query parameter key "x" in query "x=1"` + supported},
		{"nomadService", "", `nomad.service: invalid format: ""`},
		{"nomadService", "web@", `nomad.service: invalid format: "web@"`},
		{"nomadServices", "web", `nomad.services: invalid format: "web"`},
		{"nomadVar", "a@b@c", `nomad.var.get: invalid format: "a@b@c"`},
		{"nomadVar", "@b", `nomad.var.get: invalid format: "@b"`},
		{"nomadVar", "a@*", `nomad.var.get: invalid format: "a@*"`},
		{"nomadVar", "a@.eu", `nomad.var.get: invalid format: "a@.eu"`},
		{"nomadVarList", "a@b*", `nomad.var.list: invalid format: "a@b*"`},
		{"nomadVarList", "a@**", `nomad.var.list: invalid format: "a@**"`},
		{"nomadVarList", "a@b.", `nomad.var.list: invalid format: "a@b."`},
	}
	for _, tt := range tests {
		q, err := parse(kinds[tt.function], tt.arg)
		if err == nil || err.Error() != tt.want {
			t.Errorf("%s %q: %v, %v; want the error %s", tt.function, tt.arg, q, err, tt.want)
		}
		if q != (watch.Query{}) {
			t.Errorf("%s %q: an error and the query %v", tt.function, tt.arg, q)
		}
	}
}

// canonical returns the argument that q stands for, in its shortest form.
func canonical(q watch.Query) string {
	var b strings.Builder
	if q.Tag != "" {
		b.WriteString(q.Tag + ".")
	}
	switch q.Kind {
	case watch.KVGet, watch.KVList, watch.NomadVarGet, watch.NomadVarList:
		if q.Name != "/" && q.Name != "" {
			b.WriteByte('/') // for the name may begin with a slash itself
		}
	}
	b.WriteString(q.Name)
	if q.Kind == watch.NomadVarGet && q.Namespace == "" && q.Name != "" {
		return "/" + q.Name + "/" // for blanks around the name count only there
	}
	if q.Store() == watch.Nomad {
		addPart(&b, "@", cmp.Or(q.Namespace, q.Datacenter))
		if q.Namespace != "" {
			addPart(&b, ".", q.Datacenter)
		}
		return b.String()
	}
	var params []string // as they are: the grammar has no escapes
	for key, value := range map[string]string{
		"ns": q.Namespace, "partition": q.Partition, "peer": q.Peer, "sameness-group": q.SamenessGroup,
	} {
		if value != "" {
			params = append(params, key+"="+value)
		}
	}
	addPart(&b, "?", strings.Join(params, "&"))
	addPart(&b, "@", q.Datacenter)
	addPart(&b, "~", q.Near)
	addPart(&b, "|", q.Filter)
	return b.String()
}

func addPart(b *strings.Builder, mark, value string) {
	if value != "" {
		b.WriteString(mark + value)
	}
}

// No argument makes a parser panic, and what it accepts is the same question as
// the canonical form of what it read.
func FuzzGrammar(f *testing.F) {
	for _, arg := range []string{
		"", "/", "app/port@dc1", "/a?ns=n&partition=p@dc", "tag=x.web?peer=p@dc1~_agent|any,passing", "web|,",
		"?sameness-group=g~n1", "@region", " /a/b@ns.region/ ", "a@*.r", "\xff@", "a.b.c|", "web?peer=a&sameness-group=b",
	} {
		f.Add(arg)
	}
	f.Fuzz(func(t *testing.T, arg string) {
		for _, function := range slices.Sorted(maps.Keys(kinds)) {
			q, err := parse(kinds[function], arg)
			if err != nil {
				continue
			}
			again, err := parse(kinds[function], canonical(q))
			if err != nil || again != q {
				t.Errorf("%s %q is %+v; its canonical form %q is %+v, %v", function, arg, q, canonical(q), again, err)
			}
		}
	})
}

// FuzzVaultGrammar is the same for the arguments of secret.
func FuzzVaultGrammar(f *testing.F) {
	f.Add("secret/app?version=2", "")
	f.Add(" /transit/encrypt/k/ ", "plaintext=YQ==")
	f.Add("a%3Fb", " = ")
	f.Fuzz(func(t *testing.T, path, pair string) {
		args := []string{}
		if pair != "" {
			args = append(args, pair)
		}
		q, err := secretQuery(path, args)
		if err != nil {
			return
		}
		values, err := url.ParseQuery(q.Params)
		if err != nil || values.Encode() != q.Params {
			t.Errorf("secret %q %q: Params %q are not canonical: %v", path, pair, q.Params, err)
		}
	})
}

// The short way of keys comes to what the grammar says.
func TestGrammarOfKeys(t *testing.T) {
	for _, kind := range []watch.Kind{watch.KVGet, watch.KVList} {
		for _, arg := range []string{"a", "/a", "//a", "a/", "/", "//", "a b\n", "ü", "a//b"} {
			q, err := parse(kind, arg)
			if match := arguments[kind].Get().FindStringSubmatch(arg); err != nil || q != (watch.Query{Kind: kind, Name: match[1]}) {
				t.Errorf("%s %q is %+v, %v, want the name %q", kind, arg, q, err, match[1])
			}
		}
	}
}
