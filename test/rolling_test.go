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
	await.Within(t, 2*time.Minute, func() error {
		if counts, _ := os.ReadFile(path("counts")); strings.Count(string(counts), "\n") < hosts+hosts/3 {
			return errors.New("not so many reloads yet")
		}
		return nil
	})
	killed := make(map[int]bool) // those that have their turn, some that wait, and some that have had it
	for i := range hosts {
		if _, err := os.Stat(path("busy", fmt.Sprint("host-", i))); err == nil {
			killed[i] = true
		}
	}
	for i := 0; len(killed) <= hosts/3; i += 3 {
		killed[i] = true
	}
	for i := range killed {
		all[i].Kill()
	}
	await.Within(t, 2*time.Minute, have("two", func(i int) bool { return !killed[i] }))
	for i := range killed {
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

// With -once, a token that may not take a turn ends the run, as one that may not read does.
func TestRollingRefusedOnce(t *testing.T) {
	agent := servers.Consul(t, servers.ACL(managementToken))
	c := agent.Client()
	put(t, c, "web", "one")
	dir := t.TempDir()
	file, out := filepath.Join(dir, "a.hcl"), filepath.Join(dir, "out")
	writeFile(t, file, fmt.Sprintf(`
consul {
  address = %q
  token   = %q
  retry { attempts = 1 }
}
bundle "web" {
  rolling {
    limit = 2
    key   = "fleet/web"
  }
}
template {
  contents    = "{{ key \"web\" }}"
  destination = %q
  bundle      = "web"
}
`, agent.Addr(), tokenWith(t, c, "web", `key "web" { policy = "read" } key_prefix "fleet/web/" { policy = "write" }`), out))
	d := start(t, "-config", file, "-once")
	d.Wait()
	if code := d.Cmd.ProcessState.ExitCode(); code != 14 {
		t.Errorf("exit code %d, want 14", code)
	}
	if log := d.Log.String(); !strings.Contains(log, `bundle "web" has no turn: `) || !strings.Contains(log, "session:write") {
		t.Errorf("the log does not say why:\n%s", log)
	}
	if _, err := os.Stat(out); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file was written: %v", err)
	}
}
