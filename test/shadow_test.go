package test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/hashicorp/consul/api"

	"restencil/test/await"
	"restencil/test/binary"
	"restencil/test/daemon"
	"restencil/test/servers"
)

// TestShadow: -shadow beside a real consul-template with the same flags says nothing
// while that follows, reports what it does not write, once, and runs nothing.
func TestShadow(t *testing.T) {
	oracle, agent, dir := servers.ConsulTemplate(t), servers.Consul(t), t.TempDir()
	put := func(key, value string) {
		t.Helper()
		if _, err := agent.Client().KV().Put(&api.KVPair{Key: key, Value: []byte(value)}, nil); err != nil {
			t.Fatal(err)
		}
	}
	put("a", "1")
	put("b", "1")
	writeFile(t, filepath.Join(dir, "c.hcl"), `
pid_file = "pid"
template {
  contents    = "a {{ key \"a\" }}\n"
  destination = "a.conf"
  command     = "echo $$ >>ran"
}
template {
  contents    = "b {{ key \"b\" }}\n"
  destination = "b.conf"
  wait {
    min = "0.2s"
    max = "8s" # which -shadow waits for: consul-template may be slow
  }
}
`)
	run := func(program string, flags ...string) *daemon.Daemon {
		cmd := exec.Command(program, append(flags, "-config", "c.hcl", "-consul-addr", agent.Addr())...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "STATE_DIRECTORY="+filepath.Join(dir, ".state"))
		return daemon.Start(t, cmd)
	}
	other := run(oracle)
	holds := func(file, text string) { t.Helper(); await.Eventually(t, await.Holds(filepath.Join(dir, file), text)) }
	holds("a.conf", "a 1\n")
	holds("b.conf", "b 1\n")

	shadow := run(binary.Path(t), "-shadow")
	says := func(want string, times int) {
		t.Helper()
		await.Eventually(t, func() error {
			if got := strings.Count(shadow.Log.String(), want); got != times {
				return fmt.Errorf("%d times %q in\n%s", got, want, shadow.Log.String())
			}
			return nil
		})
	}
	says("a.conf: in step\n", 1)
	says("b.conf: in step\n", 1)
	for _, value := range []string{"2", "3"} {
		put("a", value)
		put("b", value)
		holds("a.conf", "a "+value+"\n")
		holds("b.conf", "b "+value+"\n")
	}

	other.Signal(syscall.SIGINT)
	other.Wait()
	if err := os.Remove(filepath.Join(dir, "ran")); err != nil {
		t.Fatal(err)
	}
	put("a", "4")
	says("a.conf: differs", 1)
	says("--- a.conf\n+++ a.conf\n@@ -1,1 +1,1 @@\n-a 3\n+a 4\n", 1)
	for _, file := range []string{"ran", "pid", ".state"} {
		if _, err := os.Lstat(filepath.Join(dir, file)); err == nil {
			t.Errorf("-shadow has made %s", file)
		}
	}

	run(oracle)
	holds("a.conf", "a 4\n")
	says("a.conf: in step\n", 2)
	shadow.Stop()
	says("2 of 2 files in step; differences reported: 1\n", 1)
	says("differs", 1)
	if code := shadow.Cmd.ProcessState.ExitCode(); code != 2 {
		t.Errorf("exit code %d", code)
	}

	once := run(binary.Path(t), "-shadow", "-once")
	once.Wait()
	if code := once.Cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("exit code %d with -once, and all the same:\n%s", code, once.Log.String())
	}
}
