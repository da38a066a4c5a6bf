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
	cmd := exec.Command(os.Args[0], "-test.run=^TestServersEndWithAKilledTest$")
	cmd.Env = append(os.Environ(), dieVariable+"=yes", "TMPDIR="+t.TempDir())
	out, _ := cmd.Output() // killed: an error is what is expected
	addrs := strings.Fields(string(out))
	if len(addrs) != 2 {
		t.Fatalf("the killed test said %q", out)
	}
	for _, addr := range addrs {
		waitClosed(t, addr)
	}
}

// startAndDie starts servers, tells their addresses and is killed.
func startAndDie(t *testing.T) {
	agent := servers.Consul(t)
	fmt.Println(agent.Addr(), servers.Nginx(t).ReadyAddr())
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
