package faults

import (
	"testing"
	"time"

	"restencil/test/await"
	"restencil/test/servers"
)

// TestAgentKilled kills an agent and starts it again every few seconds, while
// keys change: files are whole and never go back, and hold the last values at
// the end.
func TestAgentKilled(t *testing.T) {
	t.Parallel()
	agent := servers.Consul(t, servers.Persistent())
	c := agent.Client()
	w := startWriter(t, c)
	d, file := render(t, agent.Addr(), numbered())
	await.Eventually(t, await.Exists(file))
	s := sample(t, file, onlyUp())
	kills := 0
	for end := time.Now().Add(lasting(20 * time.Second)); time.Now().Before(end); kills++ {
		time.Sleep(somewhere(0, 2*time.Second)) // when it is killed
		agent.Kill()
		time.Sleep(somewhere(0, 500*time.Millisecond)) // how long it is away
		agent.Start()
		s.fine()
		d.Alive()
	}
	want := w.finish(t)
	promptly(t, await.Holds(file, want))
	t.Logf("%d kills", kills)
}

// TestAgentAway keeps an agent away for long.
func TestAgentAway(t *testing.T) {
	t.Parallel()
	const n = 3
	agent := servers.Consul(t, servers.Persistent())
	c := agent.Client()
	for i := range n {
		register(t, c, "web", i)
	}
	d, file := render(t, agent.Addr(), upstream)
	await.Eventually(t, hasServers(file, n))
	sample(t, file, neverFewer(n))
	agent.Kill()
	time.Sleep(lasting(30 * time.Second)) // the fault
	d.Alive()
	agent.Start()
	register(t, c, "web", n)
	promptly(t, hasServers(file, n+1))
}

// TestAgentFrozen stops an agent in the middle of what it does, for longer each
// time, and lets it go on.
func TestAgentFrozen(t *testing.T) {
	t.Parallel()
	agent := servers.Consul(t)
	c := agent.Client()
	w := startWriter(t, c)
	d, file := render(t, agent.Addr(), numbered())
	await.Eventually(t, await.Exists(file))
	s := sample(t, file, onlyUp())
	for frozen, end := 10*time.Millisecond, time.Now().Add(lasting(15*time.Second)); time.Now().Before(end); frozen *= 2 {
		time.Sleep(somewhere(0, 500*time.Millisecond)) // when it is stopped
		agent.Pause()
		time.Sleep(min(frozen, time.Until(end))) // the fault
		agent.Resume()
		s.fine()
		d.Alive()
	}
	want := w.finish(t)
	promptly(t, await.Holds(file, want))
}

// TestDaemonFrozen stops the daemon itself, so that all it waits for is late.
func TestDaemonFrozen(t *testing.T) {
	t.Parallel()
	agent := servers.Consul(t)
	c := agent.Client()
	w := startWriter(t, c)
	d, file := render(t, agent.Addr(), numbered())
	await.Eventually(t, await.Exists(file))
	s := sample(t, file, onlyUp())
	for end := time.Now().Add(lasting(10 * time.Second)); time.Now().Before(end); {
		time.Sleep(somewhere(0, time.Second)) // when it is stopped
		freeze(t, d, somewhere(0, 5*time.Second))
		s.fine()
		d.Alive()
	}
	want := w.finish(t)
	promptly(t, await.Holds(file, want))
}
