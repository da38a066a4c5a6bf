package template_test

import (
	"strings"
	"testing"

	"restencil/template"
	"restencil/watch"
)

// A call names a cluster, else the template does; "default" is the one without a name.
func TestClusters(t *testing.T) {
	host := template.Host{
		Serves:   func(s watch.Store) bool { return s != "consul/ue" && s != "vault/team-c" },
		Clusters: func(watch.Store) []string { return []string{"eu", "team-b"} },
	}
	parse := func(text string) *template.Template {
		tmpl, err := template.Parse(template.Options{Name: "t.ctmpl", Text: text, Clusters: template.Clusters{Consul: "eu"}}, host)
		if err != nil {
			t.Fatal(err)
		}
		return tmpl
	}
	r, err := parse(`{{ key "a" }}{{ key "a?cluster=default" }}{{ range service "web?cluster=us" }}{{ end }}{{ range datacenters }}{{ end }}
		{{ with secret "kv/x?cluster=team-b&version=1" }}{{ end }}{{ with secret "kv/x" }}{{ end }}{{ range secrets "kv/?cluster=team-b" }}{{ end }}
		{{ with secret "kv/x?cluster=team-b" "a=b" }}{{ end }}{{ with pkiCert "pki/issue/x?cluster=team-b" }}{{ end }}`).Execute(t.Context(), answers(t, ""))
	const want = `consul/eu kv.get(a@cluster=eu)
consul kv.get(a)
consul/us health.service(web@cluster=us)
consul/eu catalog.datacenters(@cluster=eu)
vault/team-b vault.read(kv/x@cluster=team-b?version=1)
vault vault.read(kv/x)
vault/team-b vault.list(kv@cluster=team-b)
vault/team-b vault.write(kv/x@cluster=team-b -> 42144f39)
vault/team-b vault.pki(pki/issue/x@cluster=team-b->)
`
	var got strings.Builder
	for _, id := range r.Used {
		got.WriteString(string(id.Value().Store()) + " " + id.Value().String() + "\n")
	}
	if err != nil || got.String() != want {
		t.Errorf("%v, used\n%s", err, &got)
	}
	if len(r.Missing) != len(r.Used) {
		t.Errorf("missing: %v", r.Missing)
	}
	for text, want := range map[string]string{
		"one\n{{ key \"a?cluster=ue\" }}":       `t.ctmpl:2:4: in {{ key "a?cluster=ue" }}: consul/ue is not configured (there are: eu, team-b)`,
		`{{ secret "a?cluster=team-c" "k=v" }}`: `t.ctmpl:1:4: in {{ secret "a?cluster=team-c" "k=v" }}: vault/team-c is not configured (did you mean team-b?)`,
	} {
		if _, err := parse(text).Execute(t.Context(), answers(t, "")); err == nil || err.Error() != want {
			t.Errorf("error %v\nwant  %s", err, want)
		}
	}
}
