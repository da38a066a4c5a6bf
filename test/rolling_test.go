package test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"restencil/test/await"
	"restencil/test/daemon"
	"restencil/test/servers"
)

// A change of twenty hosts, two at a time, while a third of them is killed: there are
// never more than two that reload, and in the end all have the new value.
func TestRolling(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the command is a shell script")
	}
	const hosts, limit = 20, 2
	agent := servers.Consul(t, servers.HCL("limits { http_max_conns_per_client = 2000 }"))
	dir := t.TempDir()
	path := func(name ...string) string { return filepath.Join(append([]string{dir}, name...)...) }
	if err := os.Mkdir(path("busy"), 0o777); err != nil {
		t.Fatal(err)
	}
	put(t, agent.Client(), "web", "one")
	reload := filepath.Join(dir, "reload")
	writeFile(t, reload, `#!/bin/sh
cd "`+dir+`"
touch busy/$1
ls busy | wc -l >>counts
sleep 0.1
rm busy/$1
`)
	if err := os.Chmod(reload, 0o755); err != nil {
		t.Fatal(err)
	}
	begin := func(i int) *daemon.Daemon {
		name := fmt.Sprint("host-", i)
		writeFile(t, path(name+".hcl"), fmt.Sprintf(`
state_dir = %q
consul { address = %q }
bundle "web" {
  command = [%q, %q]
  rolling {
    limit = %d
    key   = "fleet/web"
  }
}
template {
  contents    = "{{ key \"web\" }}"
  destination = %q
  bundle      = "web"
}
`, path(name+".state"), agent.Addr(), reload, name, limit, path(name)))
		return start(t, "-config", path(name+".hcl"))
	}
	all := make([]*daemon.Daemon, hosts)
	have := func(value string, which func(i int) bool) func() error {
		return func() error {
			for i := range hosts {
				if err := await.Holds(path(fmt.Sprint("host-", i)), value)(); which(i) && err != nil {
					return err
				}
			}
			return nil
		}
	}
	everybody := func(int) bool { return true }
	for i := range all {
		all[i] = begin(i)
	}
	await.Within(t, 2*time.Minute, have("one", everybody))

	put(t, agent.Client(), "web", "two")
	for i := 0; i < hosts; i += 3 { // some wait, some have their turn, some have had it
		await.Within(t, 2*time.Minute, func() error {
			if counts, _ := os.ReadFile(path("counts")); strings.Count(string(counts), "\n") < hosts+i/2 {
				return errors.New("not so many reloads yet")
			}
			return nil
		})
		all[i].Kill()
	}
	await.Within(t, 2*time.Minute, have("two", func(i int) bool { return i%3 != 0 }))
	for i := 0; i < hosts; i += 3 {
		all[i] = begin(i)
	}
	await.Within(t, 2*time.Minute, have("two", everybody))
	counts, err := os.ReadFile(path("counts"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.FieldsSeq(string(counts)) {
		if n, err := strconv.Atoi(line); err != nil || n > limit {
			t.Errorf("%s hosts reloaded at a time, want at most %d", line, limit)
		}
	}
}
