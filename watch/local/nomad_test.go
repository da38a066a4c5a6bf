package local

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"restencil/watch"
)

const nomadFile = `
nomad:
  services:
    web:
    - 10.0.0.1:8080
    - {address: 10.0.0.2, port: 8080, tags: [green, blue], id: w, node: n, job: site, alloc: a, datacenter: dc2}
    db: 10.0.0.3:5432
  variables:
    nomad/jobs/web: {user: app, port: 8080}
    nomad/jobs/db: {size: 10}
`

func TestNomad(t *testing.T) {
	m, err := Parse("data.yaml", []byte(nomadFile))
	if err != nil {
		t.Fatal(err)
	}
	web := &watch.NomadServiceInstance{ID: "web-1", Name: "web", Node: "node-1", Address: "10.0.0.1", Port: 8080, Datacenter: "dc1", Tags: watch.ServiceTags{}, JobID: "web", AllocID: "web-1"}
	green := &watch.NomadServiceInstance{ID: "w", Name: "web", Node: "n", Address: "10.0.0.2", Port: 8080, Datacenter: "dc2", Tags: watch.ServiceTags{"blue", "green"}, JobID: "site", AllocID: "a"}
	meta := func(path string) *watch.NomadVarMeta {
		return &watch.NomadVarMeta{Namespace: "default", Path: path, CreateIndex: 1, ModifyIndex: 1}
	}
	for _, c := range []struct {
		query watch.Query
		want  any
	}{
		{watch.Query{Kind: watch.NomadServiceList}, []*watch.NomadServicesSnippet{{Name: "db", Tags: watch.ServiceTags{}}, {Name: "web", Tags: watch.ServiceTags{"blue", "green"}}}},
		{watch.Query{Kind: watch.NomadService, Name: "web"}, []*watch.NomadServiceInstance{web, green}},
		{watch.Query{Kind: watch.NomadService, Name: "web", Tag: "green", Datacenter: "global"}, []*watch.NomadServiceInstance{green}},
		{watch.Query{Kind: watch.NomadService, Name: "web", Params: "9|k", Tag: "blue"}, []*watch.NomadServiceInstance{green}},
		{watch.Query{Kind: watch.NomadService, Name: "web", Params: "0|k"}, []*watch.NomadServiceInstance{}},
		{watch.Query{Kind: watch.NomadService, Name: "nosuch"}, []*watch.NomadServiceInstance{}},
		{watch.Query{Kind: watch.NomadVarGet, Name: "nosuch"}, nil},
		{watch.Query{Kind: watch.NomadVarList, Name: "nomad/jobs/w", Namespace: "*"}, []*watch.NomadVarMeta{meta("nomad/jobs/web")}},
		{watch.Query{Kind: watch.NomadVarList}, []*watch.NomadVarMeta{meta("nomad/jobs/db"), meta("nomad/jobs/web")}},
	} {
		got, err := m.Answer(c.query)
		if err != nil {
			t.Errorf("%s: %v", c.query, err)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.query, diff)
		}
	}
	got, err := m.Answer(watch.Query{Kind: watch.NomadVarGet, Name: "nomad/jobs/web"})
	items, _ := watch.Reveal(got).(watch.NomadVarItems)
	if err != nil || items["user"].Value != "app" || items["port"].Value != "8080" || items.Metadata().Path != "nomad/jobs/web" {
		t.Errorf("%v, %v", items, err)
	}
	if _, tainted := got.(watch.Tainted); !tainted {
		t.Error("the items are not tainted")
	}
	one, err := m.Answer(watch.Query{Kind: watch.NomadService, Name: "web", Params: "1|k"})
	if list, _ := one.([]*watch.NomadServiceInstance); err != nil || len(list) != 1 {
		t.Errorf("one of web: %v, %v", one, err)
	}
	for _, q := range []watch.Query{{Kind: watch.NomadVarGet, Name: "x", Namespace: "team"}, {Kind: watch.NomadServiceList, Datacenter: "north"}} {
		if _, err := m.Answer(q); watch.Classify(err) != watch.Invalid {
			t.Errorf("%s: %v", q, err)
		}
	}
}

func TestNomadMistakes(t *testing.T) {
	for text, want := range map[string]string{
		"nomad: {vars: {}}":                                 `nomad has no "vars" (known: services, variables)`,
		"nomad: {services: [a]}":                            "services is a map",
		"nomad: {services: {web: [{adress: 1}]}}":           `an instance has no "adress"`,
		"nomad: {variables: {a: {b: [c]}}}":                 "d.yaml:1:28: ",
		"nomad: {variables: {nomad/jobs/web: just a text}}": "a variable is a map",
	} {
		if _, err := Parse("d.yaml", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}
