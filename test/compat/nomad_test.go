package compat

import (
	"context"
	"fmt"
	"net/http"
	"testing"

	"restencil/test/servers"
)

// newNomadRig starts a seeded Nomad beside a Vault and a Consul, or skips the test where there is
// none. Access control is on, and the programs have a token of their own.
func newNomadRig(t *testing.T) (*rig, *servers.NomadServer) {
	t.Helper()
	nomad := servers.Nomad(t)
	r := newVaultRig(t).rig
	nomad.Run("site",
		servers.NomadService{Name: "web", Tags: []string{"public", "host=shop.example", "green", "public=443", "http.url=x.y:8"}, Addresses: []string{"10.0.0.1:8080", "10.0.0.2:8080", "10.0.0.3:8081"}},
		servers.NomadService{Name: "db", Addresses: []string{"10.0.1.1:5432"}},
		servers.NomadService{Name: "API", Tags: []string{"public", "canary"}, Addresses: []string{"10.0.2.1:80"}},
	)
	for path, items := range map[string]map[string]string{
		"nomad/jobs/web": {"user": "app", "password": "s3cret & \"more\"", "port": "8080", "empty": "", "json": `{"port": 5432, "tags": ["b", "a"]}`,
			"text": "one\ntwo ü\n", "with-dash": "dashed"},
		"nomad/jobs/db":            {"size": "10"},
		"cameras/inventory/door":   {"host": "10.1.0.1", "username": "admin"},
		"cameras/inventory/garage": {"host": "10.1.0.2"},
		"cameras/inventory/old":    {"host": "10.1.0.3", "disabled": "true"},
	} {
		nomad.Put(path, items)
	}
	nomad.Request(http.MethodPut, "/v1/namespace/team-a", map[string]string{"Name": "team-a"})
	nomad.Request(http.MethodPut, "/v1/var/nomad/jobs/web?namespace=team-a", map[string]any{"Items": map[string]string{"user": "team", "only-there": "y"}})
	_, token := nomad.Policy("templates", `namespace "default" { capabilities = ["read-job"] variables { path "*" { capabilities = ["read", "list"] } } }
		namespace "team-a" { variables { path "*" { capabilities = ["read", "list"] } } }
		namespace "nosuch" { variables { path "*" { capabilities = ["read"] } } }`)
	for _, p := range []*program{&r.oracle, &r.ours} {
		*p = p.with("NOMAD_ADDR="+nomad.URL(), "NOMAD_TOKEN="+token)
	}
	return r, nomad
}

// TestNomadSubjects renders the templates of testdata/nomad/*.txtar, which are as those
// of TestSubjects, with both programs.
func TestNomadSubjects(t *testing.T) {
	r, _ := newNomadRig(t)
	r.subjects(t, "testdata/nomad/*.txtar")
}

// TestNomadWaits: a variable that is not there yet is waited for, by both programs. With
// -once, consul-template asks for a list once, and where that was empty
// nomadVarListSafe waits for ever.
func TestNomadWaits(t *testing.T) {
	r, nomad := newNomadRig(t)
	sources := []source{
		{text: `{{ nomadVarExists "late/one" }} {{ range nomadVarList "late" }}{{ .Path }}{{ end }}`},
		{text: `{{ with nomadVar "late/one" }}{{ .v }}{{ end }}`},
		{text: `{{ range nomadVarListSafe "late" }}{{ .Path }}{{ end }}`},
	}
	for _, c := range []struct {
		program
		want []string
	}{{r.oracle, []string{"there", ""}}, {r.ours, []string{"there", "late/one"}}} {
		ctx, cancel := context.WithTimeout(t.Context(), timeout)
		run := c.prepare(t, sources)
		cmd := c.command(ctx, run)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			_ = cmd.Wait()
		}()
		t.Cleanup(func() {
			cancel()
			<-ended
		})
		rendered := func(want ...string) {
			t.Helper()
			eventually(t, fmt.Sprintf("%s to render %q", c.name, want), func() error {
				for i, text := range want {
					if got, _ := run.rendered(i); got != text {
						return fmt.Errorf("template %d is %q", i, got)
					}
				}
				return nil
			})
		}
		rendered("false ", "", "")
		nomad.Put("late/one", map[string]string{"v": "there"})
		rendered(append([]string{"false "}, c.want...)...)
		nomad.Delete("late/one")
	}
}
