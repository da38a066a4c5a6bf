package test

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/hashicorp/consul/api"

	"restencil/test/await"
	"restencil/test/servers"
)

// TestDocumentedRights renders what each row of the table of rights in
// docs/configuration.md is about, with a token that has just these rights.
func TestDocumentedRights(t *testing.T) {
	agent := servers.Consul(t, servers.ACL(managementToken))
	c := agent.Client()
	put(t, c, "NAME", "value")
	put(t, c, "NAME/sub", "value")
	register := &api.AgentServiceRegistration{Name: "NAME", Port: 80, Connect: &api.AgentServiceConnect{Native: true}}
	if err := c.Agent().ServiceRegister(register); err != nil {
		t.Fatal(err)
	}
	uses := map[string]struct{ template, want string }{
		"key":                 {`{{ key "NAME" }} {{ keyExists "NAME" }} {{ keyOrDefault "NAME" "" }}`, "value true value"},
		"ls":                  {`{{ range ls "NAME" }}{{ .Value }}{{ end }} {{ range tree "NAME" }}{{ .Value }}{{ end }}`, "value value"},
		"service":             {`{{ range service "NAME" }}{{ .Port }}{{ end }} {{ range connect "NAME" }}{{ .Port }}{{ end }}`, "80 80"},
		"services":            {`{{ range services }}{{ .Name }} {{ end }}`, "NAME consul "},
		"nodes":               {`{{ len nodes }}`, "1"},
		"node with a name":    {`{{ with node "` + servers.NodeName + `" }}{{ len .Services }}{{ end }}`, "2"},
		"node without a name": {`{{ with node }}{{ len .Services }}{{ end }}`, "2"},
		"datacenters":         {`{{ join " " datacenters }} {{ len caRoots }}`, "dc1 1"},
		"caLeaf":              {`{{ with caLeaf "NAME" }}{{ .Service }}{{ end }}`, "NAME"},
		"peerings":            {`{{ len peerings }}`, "0"},
	}
	rules := make(map[string]string)
	for _, row := range rightsTable(t) {
		rules[row[0]] = row[1]
	}
	rules["node without a name"] = rules["node with a name"] + rules["node without a name"]
	for name, use := range uses {
		t.Run(name, func(t *testing.T) {
			if _, ok := rules[name]; !ok {
				t.Fatal("docs/configuration.md does not say which rights it needs")
			}
			rights := strings.ReplaceAll(rules[name], `node "NAME"`, `node "`+servers.NodeName+`"`)
			token := tokenWith(t, c, strings.ReplaceAll(name, " ", "-"), rights)
			got, log := renderWith(t, agent, token, use.template)
			if strings.TrimSpace(got) != strings.TrimSpace(use.want) || strings.Contains(log, "Filtered") {
				t.Errorf("with %s it gives %q, want %q\n%s", rights, got, use.want, log)
			}
		})
	}
	// Of a list that Consul leaves something out of, the log names the rights.
	none := tokenWith(t, c, "none", `key "other" { policy = "read" }`)
	for _, name := range []string{"services", "nodes"} {
		_, log := renderWith(t, agent, none, uses[name].template)
		for rule := range strings.Lines(rules[name]) {
			if !strings.Contains(log, strings.TrimSpace(rule)) {
				t.Errorf("%s: the log does not name %s:\n%s", name, rule, log)
			}
		}
	}
}

// renderWith returns what a template gives with a token, and the log.
func renderWith(t *testing.T, agent *servers.Agent, token, template string) (output, log string) {
	t.Helper()
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "t"), template)
	writeFile(t, filepath.Join(dir, "token"), token)
	d := start(t, "-consul-addr", agent.Addr(), "-consul-token-file", filepath.Join(dir, "token"),
		"-template", filepath.Join(dir, "t")+":"+filepath.Join(dir, "out"), "-once", "-timeout", "20s")
	d.Wait()
	got, err := os.ReadFile(filepath.Join(dir, "out"))
	if err != nil {
		t.Error(err)
	}
	return string(got), d.Log.String()
}

var backquoted = regexp.MustCompile("`([^`]+)`")

// rightsTable returns the first function of each row, with what is said of it, and
// the rules.
func rightsTable(t *testing.T) [][2]string {
	t.Helper()
	text, err := os.ReadFile("../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	var table [][2]string
	for _, b := range blocks(string(text)) {
		if len(b.row) != 2 || !strings.HasPrefix(b.row[0], "`") {
			continue
		}
		first, _, _ := strings.Cut(b.row[0], ",")
		rules := ""
		for _, m := range backquoted.FindAllStringSubmatch(b.row[1], -1) {
			rules += m[1] + "\n"
		}
		table = append(table, [2]string{strings.ReplaceAll(first, "`", ""), rules})
	}
	return table
}

// tokenWith makes a token with these rules.
func tokenWith(t *testing.T, c *api.Client, name, rules string) string {
	t.Helper()
	policy, _, err := c.ACL().PolicyCreate(&api.ACLPolicy{Name: name, Rules: rules}, nil)
	if err != nil {
		t.Fatal(err)
	}
	token, _, err := c.ACL().TokenCreate(&api.ACLToken{Policies: []*api.ACLLink{{ID: policy.ID}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return token.SecretID
}

// A token that was replaced in its file is in use after a SIGHUP.
func TestReplacedTokenFile(t *testing.T) {
	agent := servers.Consul(t, servers.ACL(managementToken))
	c := agent.Client()
	put(t, c, "a", "1")
	dir := t.TempDir()
	tpl, out, file := filepath.Join(dir, "t"), filepath.Join(dir, "out"), filepath.Join(dir, "token")
	writeFile(t, tpl, `{{ key "a" }}`)
	writeFile(t, file, tokenWith(t, c, "none", `key "other" { policy = "read" }`))
	d := start(t, "-consul-addr", agent.Addr(), "-consul-token-file", file, "-template", tpl+":"+out)
	await.Eventually(t, func() error {
		if !strings.Contains(d.Log.String(), "lacks permission 'key:read'") {
			return errors.New("the log does not say what the token lacks")
		}
		return nil
	})
	writeFile(t, file, tokenWith(t, c, "some", `key "a" { policy = "read" }`))
	d.Signal(syscall.SIGHUP)
	await.Eventually(t, await.Holds(out, "1"))
}
