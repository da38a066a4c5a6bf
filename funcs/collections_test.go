package funcs

import (
	"testing"

	"restencil/watch"
)

func TestCollections(t *testing.T) {
	three := web("3", 80, "prod")
	three.ServiceMeta = map[string]string{"zone": "a b/é", "num": "x"}
	store := fakeExecution{data: map[string]any{
		"kv.list(a)":          pairsOf("", "top=0", "x/a=1", "x/b/c=2", "y/d=3", "z/="),
		"kv.list(ladder)":     pairsOf("", "a=1", "a/b=2"),
		"kv.list(over)":       pairsOf("", "a/b=2", "a=1"),
		"kv.list(odd)":        pairsOf("p", "p//x//y=1", "pa/=2", "pb/c/=3"),
		"kv.list(lead)":       []*watch.KeyPair{{Key: "/a", Value: "1"}, {Key: "", Value: "2"}},
		"health.service(web)": []*watch.HealthService{web("1", 80, "v1", "prod"), web("2", 81), three},
		"health.service(num)": []*watch.HealthService{web("12", 80), web("7", 80), {}},
		"catalog.services":    []*watch.CatalogSnippet{{Name: "a", Tags: watch.ServiceTags{"x", "y"}}, {Name: "b", Tags: watch.ServiceTags{"x"}}},
		"nomad.services":      []*watch.NomadServicesSnippet{{Name: "n", Tags: watch.ServiceTags{"x"}}},
		"nomad.service(n)":    []*watch.NomadServiceInstance{{ID: "i", Port: 80, Tags: watch.ServiceTags{"x"}}},
	}}
	const ids = `{{ range $k, $l := . }}{{ $k }}:{{ range $l }}{{ .ID }} {{ end }}{{ end }}`
	runStoreTests(t, store, []storeTest{
		{text: `{{ range $top, $m := tree "a" | byKey }}{{ $top }}:{{ range $k, $p := $m }}{{ $k }}={{ $p.Value }}={{ $p.Key }}={{ $p.Path }} {{ end }}{{ end }}`,
			want: `x:a=1=a=x/a b/c=2=b/c=x/b/c y:d=3=d=y/d `},
		{text: `{{ ls "a" | byKey | toJSON }}{{ range tree "a" }}{{ .Key }} {{ end }}`, want: `{}top x/a x/b/c y/d `},
		{text: `{{ service "web" | byKey }}`, fail: `wrong type`},

		{text: `{{ with service "web" | byTag }}` + ids + `{{ end }}`, want: `prod:web1 web3 v1:web1 `},
		{text: `{{ range $t, $l := services | byTag }}{{ $t }}:{{ range $l }}{{ .Name }}{{ end }} {{ end }}`, want: `x:ab y:a `},
		{text: `{{ with nomadService "n" | byTag }}` + ids + `{{ end }}{{ nomadServices | byTag | len }}`, want: `x:i 1`},
		{text: `{{ byTag 1 }}`, fail: `byTag: wrong argument type int`},
		{text: `{{ tree "a" | byTag }}`, fail: `byTag: wrong argument type []*dependency.KeyPair`},

		{text: `{{ with service "web" | byPort }}` + ids + `{{ end }}`, want: `80:web1 web3 81:web2 `},
		{text: `{{ range index (service "web" | byPort) 81 }}{{ .ID }}{{ end }}`, want: `web2`},
		{text: `{{ with nomadService "n" | byPort }}` + ids + `{{ end }}`, want: `80:i `},
		{text: `{{ byPort "x" }}`, fail: `byPort: wrong argument type string`},
		{text: `{{ services | byPort }}`, fail: `byPort: wrong argument type []*dependency.CatalogSnippet`},

		{text: `{{ with service "web" | byMeta "zone" }}` + ids + `{{ end }}`, want: `a_b__:web3 z1:web1 z2:web2 `},
		{text: `{{ with service "web" | byMeta "none,zone" }}` + ids + `{{ end }}`, want: `_no_none__a_b__:web3 _no_none__z1:web1 _no_none__z2:web2 `},
		{text: `{{ with service "num" | byMeta "num|int,none|int" }}` + ids + `{{ end }}`, want: `00000_00000: 00007_00000:web7 00012_00000:web12 `},
		{text: `{{ with service "num" | byMeta "" }}` + ids + `{{ end }}`, want: `_no__:web12 web7  `},
		{text: `{{ with service "num" | byMeta "num, num" }}{{ len . }}{{ range $k, $_ := . }} {{ $k }}{{ end }}{{ end }}`,
			want: `3 12__no__num_ 7__no__num_ _no_num___no__num_`},
		{text: `{{ service "web" | byMeta "num|int" }}`, fail: `byMeta: num of service web is "x", which is not a whole number`},

		{text: `{{ tree "a" | explode | toJSON }}`, want: `{"top":"0","x":{"a":"1","b":{"c":"2"}},"y":{"d":"3"}}`},
		{text: `{{ (tree "a" | explode).x.b.c }}{{ (tree "a" | explode).none }}`, want: `2<no value>`},
		{text: `{{ tree "ladder" | explode }}`, fail: `explode: not a map: "a/b": "a" already has value "1"`},
		{text: `{{ tree "over" | explode | toJSON }}`, want: `{"a":"1"}`},
		{text: `{{ tree "odd" | explode | toJSON }}`, want: `{"x":{"":{"y":"1"}}}`},
		{text: `{{ tree "lead" | explode | toJSON }}`, want: `{"":{"a":"1"}}`},

		{text: `{{ explodeMap (dict "a/b" 1 "a/c" (list 2) "d" "e" "f/" 1 "" 2) | toJSON }}`, want: `{"a":{"b":1,"c":[2]},"d":"e","f":{}}`},
		{text: `{{ explodeMap (dict "a" (dict "x" 1) "a/c" 2) | toJSON }}`, want: `{"a":{"c":2,"x":1}}`},
		{text: `{{ explodeMap (dict "a" 1 "a/c" 2) }}`, fail: `explodeMap: not a map: "a/c": "a" already has value`},
		{text: `{{ explodeMap "x" }}`, fail: `arg of type map[string]interface`},
		{text: `{{ $x := dict }}{{ explodeMap (dict "a" $x "a/b" $x) }}`, fail: `explodeMap: a map must not contain itself`},
	})
}
