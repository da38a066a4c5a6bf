package faults

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hashicorp/consul/api"

	"restencil/test/await"
	"restencil/test/pipe"
	"restencil/test/servers"
)

// TestDatacenterCutOff cuts one of two datacenters off the other, while both
// change: the part of a file that is of the other one follows all the time, the
// part of the lost one stays, and follows again by itself.
func TestDatacenterCutOff(t *testing.T) {
	for name, end := range map[string]func(*pipe.Pipe){
		"goes on": (*pipe.Pipe).Flow,
		"closed":  (*pipe.Pipe).Cut,
	} {
		for how, args := range map[string][]string{"few": nil, "crowded": {"-consul-max-connections", "8"}} {
			t.Run(name+", "+how, func(t *testing.T) {
				t.Parallel()
				east, west, link := datacenters(t)
				s := newSides(t, east, west, args...)
				link.Stall()
				for range 3 {
					s.change("east", east)
					s.follows()
				}
				s.change("west", west) // which goes on
				end(link)
				s.follows()
			})
		}
	}
}

// TestDatacenterKilled has the server of a datacenter end without a word, and
// start again.
func TestDatacenterKilled(t *testing.T) {
	t.Parallel()
	east, west, _ := datacenters(t, servers.Persistent())
	s := newSides(t, east, west)
	for range 2 {
		west.Kill()
		for range 3 {
			s.change("east", east)
			s.follows()
		}
		west.Start()
		s.change("west", west)
		s.follows()
	}
}

// datacenters starts two datacenters that are joined over WAN. The requests of east
// to west go through the link, as west has another address for others.
func datacenters(t *testing.T, options ...servers.ConsulOption) (east, west *servers.Agent, link *pipe.Pipe) {
	t.Helper()
	const far = "127.0.0.2"
	ports := servers.Ports(t, 3)
	link = pipe.At(t, fmt.Sprintf("%s:%d", far, ports[2]), fmt.Sprintf("127.0.0.1:%d", ports[2]))
	start := func(text string) *servers.Agent {
		return servers.Consul(t, append(options, servers.HCL(text))...)
	}
	east = start(fmt.Sprintf(`
		datacenter = "east"
		ports { serf_wan = %d }`, ports[0]))
	west = start(fmt.Sprintf(`
		datacenter = "west"
		serf_wan = %q
		advertise_addr_wan = %q
		ports { serf_wan = %d, server = %d }
		retry_join_wan = ["127.0.0.1:%d"]
		retry_interval_wan = "1s"`, far, far, ports[1], ports[2], ports[0]))
	await.Eventually(t, func() error {
		_, _, err := east.Client().Catalog().Nodes(&api.QueryOptions{Datacenter: "west"})
		return err
	})
	return east, west, link
}

// Sides are the parts of a file that are of two datacenters.
type sides struct {
	t       *testing.T
	file    string
	changes map[string]int // of a datacenter
}

// newSides renders two datacenters, of which the first one's agent is asked.
func newSides(t *testing.T, east, west *servers.Agent, args ...string) *sides {
	t.Helper()
	s := &sides{t: t, changes: make(map[string]int)}
	s.change("east", east)
	s.change("west", west)
	var template strings.Builder
	for name, at := range map[string]string{"east": "", "west": "@west"} {
		fmt.Fprintf(&template, `{{ define %[1]q }}%[1]s: key {{ key "changes%[2]s" }}{{ range tree "tree%[2]s" }}, pair {{ .Value }}{{ end }}`+
			`{{ range service "web%[2]s" }}, instance {{ .Port }}{{ end }}{{ range nodes "%[2]s" }}{{ if ne .Node "node-1" }}, node {{ .Node }}{{ end }}{{ end }}`+
			`{{ with services "%[2]s" }}{{ end }}{{ end }}`, name, at)
	}
	template.WriteString(`{{ template "east" }}` + "\n" + `{{ template "west" }}` + "\n")
	_, s.file = render(t, east.Addr(), amongOthers(template.String()), args...)
	s.follows()
	most := 0
	sample(t, s.file, func(content string) error { // nothing is taken away
		n := strings.Count(content, ",")
		defer func() { most = max(n, most) }()
		if n < most || !strings.HasPrefix(content, "east: key ") || !strings.Contains(content, "\nwest: key ") {
			return fmt.Errorf("%d parts, after there were %d", n, most)
		}
		return nil
	})
	return s
}

// change changes all that there is of a datacenter.
func (s *sides) change(dc string, a *servers.Agent) {
	s.t.Helper()
	s.changes[dc]++
	n := s.changes[dc]
	put(s.t, a.Client(), "changes", fmt.Sprint(n))
	put(s.t, a.Client(), fmt.Sprintf("tree/%d", n), fmt.Sprint(n))
	register(s.t, a.Client(), "web", n)
}

// follows waits until the file has all changes.
func (s *sides) follows() {
	s.t.Helper()
	var want strings.Builder
	for _, dc := range []string{"east", "west"} {
		n := s.changes[dc]
		fmt.Fprintf(&want, "%s: key %d", dc, n)
		for _, format := range []string{", pair %d", ", instance %d", ", node web-%d"} {
			for i := range n {
				value := i + 1
				if format == ", instance %d" {
					value += 8000
				}
				fmt.Fprintf(&want, format, value)
			}
		}
		want.WriteString("\n")
	}
	promptly(s.t, await.Holds(s.file, want.String()))
}
