package faults

import (
	"testing"
	"time"

	"restencil/test/await"
	"restencil/test/servers"
)

// TestLeaderKilled has a cluster lose its leader again and again, while a
// service gets instances and loses none: its file never has fewer servers than
// before, and what comes after the last election arrives. One daemon asks the
// agent of its machine, as is usual, one does so in few connections, and one
// asks a server, which is killed when it leads.
func TestLeaderKilled(t *testing.T) {
	const (
		first   = 20 // instances
		history = 500
	)
	cluster := servers.Cluster(t, 3)
	c := cluster.Client()
	fill(t, c, history) // to be replayed, before the instances, by each server that starts again
	for i := range first {
		register(t, c, "web", i)
	}
	var files []string
	var samplers []*sampler
	for _, d := range []struct {
		addr, template string
		args           []string
	}{
		{cluster.Addr(), upstream, nil},
		{cluster.Addr(), amongOthers(upstream), crowded},
		{cluster.ServerAddr(0), upstream, nil},
	} {
		_, file := render(t, d.addr, d.template, d.args...)
		await.Eventually(t, hasServers(file, first))
		files = append(files, file)
		samplers = append(samplers, sample(t, file, neverFewer(first)))
	}

	elections, n := 0, first
	for began := time.Now(); more(elections, began); elections++ {
		leader := cluster.Leader()
		cluster.Kill(leader)
		if elections%2 == 0 { // else it may be back before there is another
			cluster.Leader()
			register(t, c, "web", n)
			n++
		}
		cluster.Start(leader)
		for _, s := range samplers {
			s.fine()
		}
	}
	register(t, c, "web", n)
	for _, file := range files {
		promptly(t, hasServers(file, n+1))
	}
	t.Logf("%d leaders killed", elections)
}

// more tells whether another leader is to be killed.
func more(elections int, began time.Time) bool {
	if *soak > 0 {
		return elections < 50
	}
	return time.Since(began) < 30*time.Second
}
