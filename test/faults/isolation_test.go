package faults

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/consul/api"

	"restencil/test/await"
	"restencil/test/servers"
)

// TestIsolation: what is wrong with a template, a value, a datacenter or a
// permission stops the files that need it, says so once, and is over when its
// cause is, while other files follow their changes.
func TestIsolation(t *testing.T) {
	t.Parallel()
	const root = "11111111-2222-3333-4444-555555555555"
	agent := servers.Consul(t, servers.ACL(root))
	c := agent.Client()
	token := limitedToken(t, c)
	put(t, c, "app/port", "0")
	put(t, c, "app/limit", "many")
	put(t, c, "app/json", `{"a":`)
	put(t, c, "denied/k", "secret")

	s := newSite(t)
	s.template("healthy", `{{ key "app/port" }}`)
	s.template("value", `{{ key "app/limit" | parseInt }}`)
	s.template("json", `{{ (key "app/json" | parseJSON).a }}`)
	s.template("mistake", `{{ key "app/port" }}{{ index (split "," "a") 7 }}`)
	s.template("nowhere", `{{ key "app/port" }}{{ range service "web@nowhere" }}{{ end }}`)
	s.template("denied", `{{ key "denied/k" }}`)
	d := start(t, "-config", s.config(agent.Addr(), token))

	for i, end := 0, time.Now().Add(lasting(5*time.Second)); time.Now().Before(end); i++ {
		put(t, c, "app/port", fmt.Sprint(i))
		promptly(t, await.Holds(s.file("healthy"), fmt.Sprint(i)))
		d.Alive()
	}
	for _, name := range []string{"value", "json", "mistake", "nowhere", "denied"} {
		if err := await.Exists(s.file(name))(); err == nil {
			t.Errorf("there is a file of %s", name)
		}
	}
	put(t, c, "app/limit", "10")
	promptly(t, await.Holds(s.file("value"), "10"))
	put(t, c, "app/json", `{"a":1}`)
	promptly(t, await.Holds(s.file("json"), "1"))
	grant(t, c, `key_prefix "" { policy = "read" }`)
	await.Within(t, time.Minute+await.Timeout, await.Holds(s.file("denied"), "secret")) // it was told no, and asks seldom

	// And back: a file that was right stays.
	put(t, c, "app/limit", "too many")
	promptly(t, func() error {
		if n := linesWith(d.Log.String(), `"too many"`); n != 1 {
			return fmt.Errorf("%d lines of the log tell of the new value", n)
		}
		return nil
	})
	put(t, c, "app/port", "last")
	promptly(t, await.Holds(s.file("healthy"), "last"))
	if err := await.Holds(s.file("value"), "10")(); err != nil {
		t.Error(err)
	}
	for _, what := range []string{`"many"`, "unexpected end", "fewer elements", "denied/k", "web@nowhere"} {
		if n := linesWith(d.Log.String(), what); n != 1 {
			t.Errorf("%d lines of the log tell of %s, want one", n, what)
		}
	}
}

// linesWith counts the lines of a log that have what in them, but for those
// that say now and then what is still waited for.
func linesWith(log, what string) (n int) {
	for line := range strings.Lines(log) {
		if strings.Contains(line, what) && !strings.Contains(line, "waited ") {
			n++
		}
	}
	return n
}

// The policy of the token that limitedToken returns.
const policy = "limited"

// limitedToken returns a token that may not read keys but those of app/.
func limitedToken(t *testing.T, c *api.Client) string {
	t.Helper()
	_, _, err := c.ACL().PolicyCreate(&api.ACLPolicy{Name: policy, Rules: `key_prefix "app/" { policy = "read" }
		service_prefix "" { policy = "read" }
		node_prefix "" { policy = "read" }`}, nil)
	if err != nil {
		t.Fatal(err)
	}
	token, _, err := c.ACL().TokenCreate(&api.ACLToken{Policies: []*api.ACLLink{{Name: policy}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return token.SecretID
}

// grant adds to the policy.
func grant(t *testing.T, c *api.Client, rules string) {
	t.Helper()
	p, _, err := c.ACL().PolicyReadByName(policy, nil)
	if err != nil {
		t.Fatal(err)
	}
	p.Rules = rules
	if _, _, err := c.ACL().PolicyUpdate(p, nil); err != nil {
		t.Fatal(err)
	}
}

// A site is several templates of one daemon.
type site struct {
	t    *testing.T
	dir  string
	text strings.Builder // the configuration
}

func newSite(t *testing.T) *site { return &site{t: t, dir: t.TempDir()} }

// file returns the path of the file of a template.
func (s *site) file(name string) string { return filepath.Join(s.dir, name) }

func (s *site) template(name, contents string) {
	fmt.Fprintf(&s.text, "template {\n  contents = %q\n  destination = %q\n}\n", contents, s.file(name))
}

// config writes the configuration, and returns its path.
func (s *site) config(addr, token string) string {
	s.t.Helper()
	path := filepath.Join(s.dir, "site.hcl")
	text := fmt.Sprintf("consul {\n  address = %q\n  token = %q\n}\n%s", addr, token, &s.text)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return path
}
