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
	await.Eventually(t, await.Holds(child, "1 consul"))
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
		if !strings.Contains(d.Log.String(), "consul: no answers") {
			return fmt.Errorf("the outage was not told")
		}
		return nil
	})
	d.MustBeAlive()

	agent.Start()
	put(t, agent.Client(), "a", "2")
	await.Eventually(t, await.Holds(out, "2 consul"))
	d.Stop()

	// Nothing is taken from a file that is damaged, which is a warning, or of
	// another version, which is none.
	agent.Kill()
	b, err := os.ReadFile(kept)
	if err != nil {
		t.Fatal(err)
	}
	for content, told := range map[string]string{
		string(b[:len(b)-2]):        "[WARN] (cli) the cache " + kept + " is not used: it is damaged",
		`{"Schema":1}` + "nonsense": "[INFO] (cli) the cache " + kept + " is not used: it was written by another version of restencil",
	} {
		writeFile(t, kept, content)
		if err := os.Remove(out); err != nil {
			t.Fatal(err)
		}
		d = start(t, append(args, "-log-level", "info")...)
		await.Eventually(t, func() error {
			if !strings.Contains(d.Log.String(), told) {
				return fmt.Errorf("not told: %s", told)
			}
			return nil
		})
		if _, err := os.Stat(out); err == nil {
			t.Error("the file was used")
		}
		agent.Start()
		await.Eventually(t, await.Holds(out, "2 consul"))
		d.MustBeAlive()
		d.Stop()
		agent.Kill()
	}
}
