package funcs

import (
	"testing"

	"restencil/watch"
	"restencil/watch/dependency"
)

func TestNomad(t *testing.T) {
	meta := watch.NomadVarMeta{Namespace: "default", Path: "app", ModifyIndex: 7}
	items := dependency.NewNomadVariable(meta, map[string]string{"b": "2", "a": "1"}).Items
	instance := &watch.NomadServiceInstance{ID: "1", Name: "web", Address: "10.0.0.1", Port: 80, Tags: watch.ServiceTags{"x"}}
	store := fakeExecution{
		data: map[string]any{
			"nomad.services":           []*watch.NomadServicesSnippet{{Name: "web", Tags: watch.ServiceTags{"x"}}},
			"nomad.services(@eu)":      []*watch.NomadServicesSnippet{},
			"nomad.service(web)":       []*watch.NomadServiceInstance{instance},
			"nomad.service(x.web:2|k)": []*watch.NomadServiceInstance{instance},
			"nomad.var.get(app)":       items,
			"nomad.var.get(never)":     nil,
			"nomad.var.get(gone)":      nil,
			"nomad.var.list(app)":      []*watch.NomadVarMeta{&meta},
			"nomad.var.list":           []*watch.NomadVarMeta(nil),
		},
		last: map[string]any{"nomad.var.get(gone)": items},
	}
	runStoreTests(t, store, []storeTest{
		{text: `{{ nomadServices | toJSON }}{{ nomadServices "@" "eu" | toJSON }}`, want: `[{"Name":"web","Tags":["x"]}][]`},
		{text: `{{ nomadServices "web" }}`, fail: `nomad.services: invalid format: "web"`},
		{text: `{{ range nomadService "web" }}{{ . }}{{ end }}`, want: `{1 web  10.0.0.1 80  [x]  }`},
		{text: `{{ range nomadService 2 "k" "x.web" }}{{ .Address }}{{ end }}`, want: `10.0.0.1`},
		{text: `{{ nomadService }}`, fail: `expected arguments <service> or <count> <key> <service>`},
		{text: `{{ nomadService "a" "b" }}`, fail: `expected arguments <service> or <count> <key> <service>`},
		{text: `{{ nomadService 1 }}`, fail: `expected string for <service> argument`},
		{text: `{{ nomadService "1" "b" "c" }}`, fail: `expected integer for <count> argument`},
		{text: `{{ nomadService 1 2 "c" }}`, fail: `expected string for <key> argument`},
		{text: `{{ nomadService 1 "b" 3 }}`, fail: `expected string for <service> argument`},
		{text: `{{ nomadService "a b" }}`, fail: `nomad.service: invalid format: "a b"`},

		{text: `{{ with nomadVar "app" }}{{ .a }} {{ .b }}{{ end }} {{ nomadVar "/app/" }}`, want: `1 2 map[a:1 b:2]`},
		{text: `{{ range $k, $v := nomadVar "app" }}{{ $k }}={{ $v }}={{ $v.Key }} {{ end }}`, want: `a=1=a b=2=b `},
		{text: `{{ with nomadVar "app" }}{{ .Keys }} {{ .Values }} {{ .Tuples }} {{ .Metadata }} {{ .Parent.ModifyIndex }} {{ .ItemsMap }}{{ end }}`,
			want: `[a b] [1 2] [{a 1} {b 2}] app 7 map[a:1 b:2]`},
		{text: `{{ with nomadVar "app" }}[{{ .none }}]{{ .none.Parent }}{{ end }}`, want: `[]<nil>`},
		{text: `{{ with nomadVar "app" }}{{ .none.Metadata }}{{ end }}`, fail: `the variable has no such item`},
		{text: `{{ nomadVar "app" | toJSON }}`, want: `{"a":"1","b":"2"}`},
		{text: `{{ nomadVar "never" | toJSON }}`, want: `null`, missing: []string{"nomad.var.get(never)"}},
		{text: `{{ (nomadVar "gone").a }}`, want: `1`},
		{text: `{{ nomadVar "a@@" }}`, fail: `nomad.var.get: invalid format: "a@@"`},
		{text: `{{ nomadVarExists "app" }} {{ nomadVarExists "never" }} {{ nomadVarExists "gone" }}`, want: `true false false`},
		{text: `{{ nomadVarExists "a@@" }}`, fail: `nomad.var.get: invalid format: "a@@"`},

		{text: `{{ range nomadVarList "app" }}{{ . }} {{ .Path }} {{ .ModifyIndex }}{{ end }}`, want: `app app 7`},
		{text: `{{ nomadVarList | toJSON }} {{ nomadVarList "" | toJSON }}`, want: `[] []`},
		{text: `{{ nomadVarListSafe "app" | len }}`, want: `1`},
		{text: `{{ nomadVarListSafe | toJSON }}`, want: `[]`, missing: []string{"nomad.var.list"}},
		{text: `{{ nomadVarList "a" "b" }}`, fail: `nomadVarList takes either a single "prefix" parameter or none for all available variables; got: ["a" "b"]`},
		{text: `{{ nomadVarListSafe "a@b*" }}`, fail: `nomad.var.list: invalid format: "a@b*"`},
	})
}
