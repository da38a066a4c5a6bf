package faults

import (
	"testing"
	"time"

	"restencil/test/servers"
)

// TestLeaderKilled has a cluster lose its leader again and again, while a
// service gets instances and loses none: its file never has fewer servers than
// before, and what comes after the last election arrives.
func TestLeaderKilled(t *testing.T) {
	const (
		first   = 20 // instances
		history = 500
	)
	cluster := servers.Cluster(t, 3)
	c := cluster.Client()
	fill(t, c, history) // to be replayed by each server that starts again
	for i := range first {
		register(t, c, "web", i)
	}
	one, file := render(t, cluster.Addr(), upstream)
	many, crowdedFile := render(t, cluster.Addr(), amongOthers(upstream), crowded...)
	eventually(t, hasServers(file, first))
	eventually(t, hasServers(crowdedFile, first))
	samplers := []*sampler{sample(t, file, neverFewer(first)), sample(t, crowdedFile, neverFewer(first))}

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
		one.alive()
		many.alive()
	}
	register(t, c, "web", n)
	promptly(t, hasServers(file, n+1))
	promptly(t, hasServers(crowdedFile, n+1))
	t.Logf("%d leaders killed", elections)
}

// more tells whether another leader is to be killed.
func more(elections int, began time.Time) bool {
	if *soak > 0 {
		return elections < 50
	}
	return time.Since(began) < 30*time.Second
}
