package nomad

import (
	"strings"
	"syscall"
	"testing"

	"restencil/test/servers"
)

// TestLeaderKilled: a cluster of three servers loses its leader, and then the others. The
// first comes back alone: until it has a leader, it knows no token. One daemon asks the
// client agent of its machine, as is usual, one another server, and one the leader.
func TestLeaderKilled(t *testing.T) {
	t.Parallel()
	const web = ` {{ range nomadService "web" }}{{ .Address }}:{{ .Port }}{{ end }}`
	q := servers.NomadCluster(t, 3)
	leader := q.Leader()
	first, second, third := q.Server(leader), q.Server((leader+1)%3), q.Server((leader+2)%3)
	put(second, "app", "one")
	q.Client().Run("site", servers.NomadService{Name: "web", Addresses: []string{"10.0.0.1:80"}})
	var all []*site
	for _, n := range []*servers.NomadServer{q.Client(), second, first} {
		s := start(t, block(n), variable("app")+web, "-log-level", "debug")
		s.holds("one 10.0.0.1:80")
		all = append(all, s)
	}

	first.Kill()
	q.Leader()
	put(second, "app", "two")
	for _, s := range all[:2] {
		s.holds("two 10.0.0.1:80")
		if n := strings.Count(s.Log.String(), "no answers"); n > 1 { // an election may take longer than a query
			t.Errorf("%d outages in an election:\n%s", n, s.Log.String())
		}
	}

	second.Kill()
	third.Kill()
	first.Launch()
	all[2].says("[DEBUG]", "nomad variable app", "No cluster leader")
	for i, s := range all {
		s.says("[WARN]", "nomad: no answers")
		if strings.Contains(s.Log.String(), "refused:") {
			t.Errorf("the token is said to be refused:\n%s", s.Log.String())
		}
		s.still([]string{"two", "two", "one"}[i] + " 10.0.0.1:80")
	}

	second.Launch()
	third.Start()
	q.Leader()
	put(second, "app", "three")
	for _, s := range all {
		s.holds("three 10.0.0.1:80")
		s.says("[WARN]", "nomad: answers again")
		s.Signal(syscall.SIGTERM)
		s.Wait()
		if code := s.Cmd.ProcessState.ExitCode(); code != 12 { // interrupted (docs/bundles.md)
			t.Errorf("exit code %d, want 12", code)
		}
	}
}
