package servers_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"restencil/test/servers"
)

// dieVariable turns TestServersEndWithAKilledTest into the test process that
// is killed.
const dieVariable = "RESTENCIL_TEST_DIE"

func TestServersEndWithAKilledTest(t *testing.T) {
	if os.Getenv(dieVariable) != "" {
		startAndDie(t)
	}
	servers.ConsulPath(t)
	servers.NginxPath(t)
	servers.VaultPath(t)
	servers.PostgresPath(t)
	cmd := exec.Command(os.Args[0], "-test.run=^TestServersEndWithAKilledTest$")
	cmd.Env = append(os.Environ(), dieVariable+"=yes", "TMPDIR="+t.TempDir())
	out, _ := cmd.Output() // killed: an error is what is expected
	said := strings.Fields(string(out))
	if len(said) != 5 {
		t.Fatalf("the killed test said %q", out)
	}
	for _, addr := range said[:4] {
		waitClosed(t, addr)
	}
	if err := os.RemoveAll(said[4]); err != nil {
		t.Error(err)
	}
}

// startAndDie starts servers, tells their addresses and where PostgreSQL has its
// data, and is killed.
func startAndDie(t *testing.T) {
	agent := servers.Consul(t)
	pg, v := servers.Postgres(t), servers.Vault(t, servers.VaultPlugins())
	v.Database(pg)
	fmt.Println(agent.Addr(), servers.Nginx(t).ReadyAddr(), v.Addr(), pg.Addr(), pg.Dir())
	agent.Pause()
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {} // the signal is on its way
}

// waitClosed waits until nothing listens at addr.
func waitClosed(t *testing.T, addr string) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		conn, err := net.DialTimeout("tcp", addr, time.Second)
		if err != nil {
			return
		}
		conn.Close()
	}
	t.Errorf("a server still listens at %s", addr)
}
