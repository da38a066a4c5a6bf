package test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"syscall"
	"testing"

	"github.com/hashicorp/consul/api"

	"restencil/test/await"
	"restencil/test/servers"
)

// A list that Consul leaves something out of removes no file, also where it is the first
// one after a start: the other elements go on.
func TestForEachOfFilteredList(t *testing.T) {
	agent := servers.Consul(t, servers.ACL(managementToken))
	c := agent.Client()
	all := tokenWith(t, c, "all", `key_prefix "" { policy = "read" } service_prefix "" { policy = "read" } node_prefix "" { policy = "read" }`)
	some := tokenWith(t, c, "some", `key_prefix "site/a" { policy = "read" } service_prefix "a" { policy = "read" } node_prefix "" { policy = "read" }`)
	create := func(name string) {
		put(t, c, "site/"+name, "1")
		if err := c.Agent().ServiceRegister(&api.AgentServiceRegistration{Name: name}); err != nil {
			t.Fatal(err)
		}
	}
	remove := func(name string) {
		if _, err := c.KV().Delete("site/"+name, nil); err != nil {
			t.Fatal(err)
		}
		if err := c.Agent().ServiceDeregister(name); err != nil {
			t.Fatal(err)
		}
	}
	const keys, services = `key_prefix "site" { policy = "read" }`, `service_prefix "" { policy = "read" }`
	for _, list := range []struct{ text, name, right string }{
		{`ls "site"`, ".Key", keys},
		{`tree "site"`, ".Key", keys},
		{`services`, ".Name", services},
	} {
		t.Run(list.text, func(t *testing.T) {
			create("alpha")
			create("beta")
			dir := t.TempDir()
			token, config, sites := filepath.Join(dir, "token"), filepath.Join(dir, "config.hcl"), filepath.Join(dir, "sites")
			writeFile(t, token, all)
			writeFile(t, config, fmt.Sprintf("state_dir = %q\nconsul {\n address = %q\n token_file = %q\n}\ntemplate {\n for_each = %q\n contents = \"x\"\n destination = \"%s/{{ %s }}\"\n}\n",
				filepath.Join(dir, "state"), agent.Addr(), token, list.text, sites, list.name))
			d := start(t, "-config", config)
			await.Eventually(t, await.Holds(filepath.Join(sites, "alpha"), "x"))
			await.Eventually(t, await.Holds(filepath.Join(sites, "beta"), "x"))
			d.Stop()

			writeFile(t, token, some)
			create("atlas")
			d = start(t, "-config", config)
			await.Eventually(t, await.Holds(filepath.Join(sites, "atlas"), "x"))
			held := `removing files \([12]\) waits for a list that lacks nothing: [^\n]* the token needs ` + regexp.QuoteMeta(list.right) // the service consul may be the other one
			await.Eventually(t, saying(t, 0, held, "status", "-config", config))
			if said := regexp.MustCompile(held).FindAllString(d.Log.String(), -1); len(said) != 1 {
				t.Errorf("the log says it %d times:\n%s", len(said), d.Log.String())
			}
			if _, err := os.Stat(filepath.Join(sites, "beta")); err != nil {
				t.Error(err)
			}

			// A reload and another element do not end that.
			d.Signal(syscall.SIGHUP)
			create("axis")
			await.Eventually(t, await.Holds(filepath.Join(sites, "axis"), "x"))
			await.Eventually(t, saying(t, 0, held, "status", "-config", config))

			// With the right again, what is not in the list goes.
			remove("beta")
			remove("atlas")
			remove("axis")
			writeFile(t, token, all)
			d.Signal(syscall.SIGHUP)
			for _, name := range []string{"beta", "atlas", "axis"} {
				await.Eventually(t, func() error {
					if _, err := os.Stat(filepath.Join(sites, name)); err == nil {
						return errors.New(name + " is still there")
					}
					return nil
				})
			}
			await.Eventually(t, saying(t, 0, `all is well`, "status", "-check", "-config", config))
		})
	}
}

// A list from the cache, of a time before the last element came, removes no file.
func TestForEachOfCachedList(t *testing.T) {
	agent := servers.Consul(t, servers.Persistent())
	put(t, agent.Client(), "site/alpha", "1")
	dir := t.TempDir()
	config, sites, state := filepath.Join(dir, "config.hcl"), filepath.Join(dir, "sites"), filepath.Join(dir, "state")
	kept := filepath.Join(state, "cache", "consul.answers")
	writeFile(t, config, fmt.Sprintf("state_dir = %q\ncache = true\nconsul { address = %q }\ntemplate {\n for_each = \"ls \\\"site\\\"\"\n contents = \"{{ .Value }}\"\n destination = \"%s/{{ .Key }}\"\n}\n", state, agent.Addr(), sites))
	d := start(t, "-config", config)
	await.Eventually(t, await.Holds(filepath.Join(sites, "alpha"), "1"))
	d.Stop()
	old, err := os.ReadFile(kept)
	if err != nil {
		t.Fatal(err)
	}
	d = start(t, "-config", config)
	put(t, agent.Client(), "site/beta", "1")
	await.Eventually(t, await.Holds(filepath.Join(sites, "beta"), "1"))
	d.Stop()

	agent.Kill()
	writeFile(t, kept, string(old))
	if err := os.Remove(filepath.Join(sites, "alpha")); err != nil {
		t.Fatal(err)
	}
	start(t, "-config", config)
	await.Eventually(t, await.Holds(filepath.Join(sites, "alpha"), "1"))
	await.Eventually(t, saying(t, 0, `removing files \(1\) waits for a list that lacks nothing: [^\n]* from the cache`, "status", "-config", config))
	if err := await.Holds(filepath.Join(sites, "beta"), "1")(); err != nil {
		t.Error(err)
	}
	agent.Start()
	if _, err := agent.Client().KV().Delete("site/alpha", nil); err != nil {
		t.Fatal(err)
	}
	await.Eventually(t, func() error {
		if _, err := os.Stat(filepath.Join(sites, "alpha")); err == nil {
			return errors.New("alpha is still there")
		}
		return nil
	})
	if err := await.Holds(filepath.Join(sites, "beta"), "1")(); err != nil {
		t.Error(err)
	}
}
