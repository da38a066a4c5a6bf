package test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/consul/api"

	"restencil/test/await"
	"restencil/test/servers"
)

func put(t *testing.T, c *api.Client, key, value string) {
	t.Helper()
	if _, err := c.KV().Put(&api.KVPair{Key: key, Value: []byte(value)}, nil); err != nil {
		t.Fatal(err)
	}
}

func TestFilesFollowKeys(t *testing.T) {
	agent := servers.Consul(t)
	put(t, agent.Client(), "app/port", "8080")
	dir := t.TempDir()
	tpl, out := filepath.Join(dir, "app.ctmpl"), filepath.Join(dir, "app.conf")
	writeFile(t, tpl, `port = {{ key "app/port" }}`)
	d := start(t, "-consul-addr", agent.Addr(), "-template", tpl+":"+out)
	await.Eventually(t, await.Holds(out, "port = 8080"))
	put(t, agent.Client(), "app/port", "9090")
	await.Eventually(t, await.Holds(out, "port = 9090"))
	d.MustBeAlive()
}

// An outage blanks nothing and ends nothing, and what changes after it arrives.
func TestConsulGoesAwayAndComesBack(t *testing.T) {
	agent := servers.Consul(t, servers.Persistent())
	put(t, agent.Client(), "a", "1")
	dir := t.TempDir()
	tpl, out := filepath.Join(dir, "t"), filepath.Join(dir, "out")
	writeFile(t, tpl, `{{ key "a" }} {{ range services }}{{ .Name }}{{ end }}`)
	d := start(t, "-consul-addr", agent.Addr(), "-template", tpl+":"+out)
	await.Eventually(t, await.Holds(out, "1 consul"))
	before, err := os.Stat(out)
	if err != nil {
		t.Fatal(err)
	}

	agent.Kill()
	await.Eventually(t, func() error {
		if !strings.Contains(d.Log.String(), "consul: no answers") {
			return fmt.Errorf("the outage was not told")
		}
		return nil
	})
	for down := time.Now().Add(outage(t)); time.Now().Before(down); time.Sleep(20 * time.Millisecond) {
		if err := await.Holds(out, "1 consul")(); err != nil {
			t.Fatal(err)
		}
	}
	d.MustBeAlive()
	agent.Start()
	put(t, agent.Client(), "a", "2")
	await.Eventually(t, await.Holds(out, "2 consul"))
	if after, err := os.Stat(out); err != nil || os.SameFile(before, after) {
		t.Errorf("the file was not replaced: %v", err)
	}
	await.Eventually(t, func() error {
		if !strings.Contains(d.Log.String(), "consul: answers again") {
			return fmt.Errorf("the end of the outage was not told")
		}
		return nil
	})
}

// outage is how long Consul stays away.
func outage(t *testing.T) time.Duration {
	if testing.Short() {
		return time.Second
	}
	return 10 * time.Second
}

// A storm of changes collapses: the last value arrives, and far fewer commands
// run than values came.
func TestThousandChanges(t *testing.T) {
	agent := servers.Consul(t)
	c := agent.Client()
	put(t, c, "n", "0")
	dir := t.TempDir()
	tpl, out, log := filepath.Join(dir, "t"), filepath.Join(dir, "out"), filepath.Join(dir, "log")
	writeFile(t, tpl, `{{ key "n" }}`)
	start(t, "-consul-addr", agent.Addr(), "-wait", "50ms:500ms",
		"-template", tpl+":"+out+":echo ran >> "+log)
	await.Eventually(t, await.Holds(out, "0"))
	const last = 1000
	for i := 1; i <= last; i++ {
		put(t, c, "n", strconv.Itoa(i))
	}
	await.Eventually(t, await.Holds(out, strconv.Itoa(last)))
	ran, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(ran), "ran"); n > last/10 {
		t.Errorf("the command ran %d times for %d changes", n, last)
	}
}

// A datacenter that does not exist, and a file that is missing, are no outage of
// a store: they are told as what they are, and end no daemon that ends when its
// store is away.
func TestOneQueryIsNoOutage(t *testing.T) {
	agent := servers.Consul(t)
	put(t, agent.Client(), "a", "1")
	dir := t.TempDir()
	tpl, out, file := filepath.Join(dir, "t"), filepath.Join(dir, "out"), filepath.Join(dir, "missing")
	writeFile(t, tpl, `{{ key "a" }}`)
	stuck := filepath.Join(dir, "stuck")
	writeFile(t, stuck, `{{ keyOrDefault "a@nowhere" "" }}{{ file "`+file+`" }}`)
	d := start(t, "-consul-addr", agent.Addr(), "-on-store-down", "exit after 1s",
		"-template", tpl+":"+out, "-template", stuck+":"+stuck+".out")
	for _, text := range []string{"consul, datacenter nowhere: no answers: consul key ", "file " + file + ": no answer: ",
		`waited `, `for consul key a@nowhere: Unexpected response code: 500 (No path to datacenter) (` + stuck + `:1:4: {{ keyOrDefault "a@nowhere" "" }})`} {
		await.Eventually(t, func() error {
			if !strings.Contains(d.Log.String(), text) {
				return fmt.Errorf("%q was not told:\n%s", text, d.Log.String())
			}
			return nil
		})
	}
	for until := time.Now().Add(3 * time.Second); time.Now().Before(until); time.Sleep(20 * time.Millisecond) {
		d.MustBeAlive()
	}
	put(t, agent.Client(), "a", "2")
	await.Eventually(t, await.Holds(out, "2"))
	if strings.Contains(d.Log.String(), "consul: no answers") {
		t.Errorf("consul counts as away:\n%s", d.Log.String())
	}
}
