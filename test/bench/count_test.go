package bench

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"restencil/test/servers"
)

// count has a contender start, and make some changes, on an agent of its own
// that counts its requests, and adds connections and requests to f: requests of
// a change, or where there are no changes, of the start.
func (sc scene) count(t *testing.T, c contender, f figures, changes int) {
	agent := newAgent(t, c, sc, servers.HCL(`telemetry { prometheus_retention_time = "1h" }`))
	defer agent.Kill()
	s := newSite(t, agent, c, sc)
	before := answered(t, agent)
	s.start()
	defer s.process.end()
	peak := s.peakConnections()
	s.ready(sc)
	s.process.settle()
	if changes > 0 {
		before = answered(t, agent)
	}
	for range changes {
		s.drain()
		sc.change(s)
		s.process.settle()
	}
	f[requests] = float64(answered(t, agent)-before) / float64(max(1, changes))
	f[connections] = float64(peak())
}

// answered returns how many GET requests the agent has answered so far, other
// than those for this number.
func answered(t *testing.T, agent *servers.Agent) int {
	t.Helper()
	resp, err := http.Get("http://" + agent.Addr() + "/v1/agent/metrics?format=prometheus")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	sum := 0
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		line := lines.Text()
		if !strings.HasPrefix(line, `consul_api_http_count{method="GET"`) || strings.Contains(line, "agent_metrics") {
			continue
		}
		n, err := strconv.Atoi(line[strings.LastIndexByte(line, ' ')+1:])
		if err != nil {
			t.Fatalf("metrics of the agent: %q: %v", line, err)
		}
		sum += n
	}
	return sum
}

// peakConnections looks every 20 ms how many connections to the agent the
// contender has, until the function is called that it returns, which returns
// the peak, or the test ends.
func (s *site) peakConnections() (stop func() int) {
	const pause = 20 * time.Millisecond
	done, result := make(chan struct{}), make(chan int)
	p, addr := s.process, s.agent.Addr()
	go func() {
		peak := 0
		for {
			peak = max(peak, p.connections(addr))
			select {
			case <-done:
				result <- max(peak, p.connections(addr))
				return
			case <-time.After(pause):
			}
		}
	}()
	stop = sync.OnceValue(func() int { close(done); return <-result })
	s.t.Cleanup(func() { stop() })
	return stop
}

// connections returns how many established connections to addr the process
// has.
func (p *process) connections(addr string) int {
	_, port, _ := net.SplitHostPort(addr)
	number, _ := strconv.Atoi(port)
	remote := fmt.Sprintf(":%04X", number)
	ours := p.sockets()
	count := 0
	for _, name := range []string{"net/tcp", "net/tcp6"} {
		text, _ := os.ReadFile(p.proc(name))
		for line := range strings.Lines(string(text)) {
			const peer, state, inode, established = 2, 3, 9, "01"
			f := strings.Fields(line)
			if len(f) > inode && f[state] == established && strings.HasSuffix(f[peer], remote) && ours[f[inode]] {
				count++
			}
		}
	}
	return count
}

// sockets returns the inodes of the process's sockets.
func (p *process) sockets() map[string]bool {
	inodes := make(map[string]bool)
	open, _ := os.ReadDir(p.proc("fd"))
	for _, fd := range open {
		target, _ := os.Readlink(filepath.Join(p.proc("fd"), fd.Name()))
		if rest, ok := strings.CutPrefix(target, "socket:["); ok {
			inodes[strings.TrimSuffix(rest, "]")] = true
		}
	}
	return inodes
}
