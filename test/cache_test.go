package test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"restencil/test/await"
	"restencil/test/servers"
)

// A restart while Consul is away renders from the answers that were kept, and
// starts the child; what is true afterwards takes their place.
func TestRestartWhileConsulIsAway(t *testing.T) {
	agent := servers.Consul(t, servers.Persistent())
	put(t, agent.Client(), "a", "1")
	dir := t.TempDir()
	tpl, out, state := filepath.Join(dir, "t"), filepath.Join(dir, "out"), filepath.Join(dir, "state")
	child := filepath.Join(dir, "child")
	writeFile(t, tpl, `{{ key "a" }} {{ range services }}{{ .Name }}{{ end }}`)
	args := []string{
		"-consul-addr", agent.Addr(), "-template", tpl + ":" + out, "-cache", "-state-dir", state,
		"-exec", "sh -c 'cat " + out + " > " + child + "; exec sleep 1000'",
	}
	d := start(t, args...)
	await.Eventually(t, await.Holds(out, "1 consul"))
	d.Stop()
	kept := filepath.Join(state, "cache", "consul.answers")
	if info, err := os.Stat(kept); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("the answers: %v, %v", info, err)
	}

	agent.Kill()
	for _, path := range []string{out, child} {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	d = start(t, args...)
	await.Eventually(t, await.Holds(out, "1 consul"))
	await.Eventually(t, await.Holds(child, "1 consul"))
	await.Eventually(t, func() error {
		if !strings.Contains(d.Log.String(), "no answers from consul") {
			return fmt.Errorf("the outage was not told")
		}
		return nil
	})
	d.MustBeAlive()

	agent.Start()
	put(t, agent.Client(), "a", "2")
	await.Eventually(t, await.Holds(out, "2 consul"))
	d.Stop()

	// Nothing is taken from a file that is damaged, and that is told.
	agent.Kill()
	writeFile(t, kept, "restencil cache 1\nnonsense")
	if err := os.Remove(out); err != nil {
		t.Fatal(err)
	}
	d = start(t, args...)
	await.Eventually(t, func() error {
		if !strings.Contains(d.Log.String(), "the cache "+kept+" is not used: it is damaged") {
			return fmt.Errorf("the damage was not told")
		}
		return nil
	})
	agent.Start()
	await.Eventually(t, await.Holds(out, "2 consul"))
	d.MustBeAlive()
}
