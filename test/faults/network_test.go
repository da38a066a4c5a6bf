package faults

import (
	"testing"
	"time"

	"restencil/test/await"
	"restencil/test/pipe"
	"restencil/test/servers"
)

// TestHalfOpen has connections to the agent stay open while nothing comes
// through, and keys change meanwhile.
func TestHalfOpen(t *testing.T) {
	for name, end := range map[string]func(*pipe.Pipe){
		"goes on": (*pipe.Pipe).Flow,
		"closed":  (*pipe.Pipe).Cut,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, w, file := throughPipe(t)
			for range 3 {
				time.Sleep(somewhere(0, time.Second)) // when it begins
				p.Stall()
				time.Sleep(somewhere(0, lasting(6*time.Second)/3)) // the fault
				end(p)
			}
			promptly(t, await.Holds(file, w.finish(t)))
		})
	}
}

// TestDeadConnections has connections to the agent stay open for good, though
// nothing comes through. That is noticed when the agent must have answered:
// after the minute that it was asked to wait for news, its sixteenth, and half
// a minute of silence.
func TestDeadConnections(t *testing.T) {
	if *soak == 0 {
		t.Skip("takes two minutes: run make soak")
	}
	t.Parallel()
	p, w, file := throughPipe(t)
	p.Stall()
	want := w.finish(t)
	p.Strand()
	await.Within(t, 2*time.Minute, await.Holds(file, want))
}

// throughPipe renders keys that change all the time, on an agent at the other
// end of a pipe.
func throughPipe(t *testing.T) (p *pipe.Pipe, w *writer, file string) {
	agent := servers.Consul(t)
	w = startWriter(t, agent.Client())
	p = pipe.New(t, agent.Addr())
	_, file = render(t, p.Addr(), numbered())
	await.Eventually(t, await.Exists(file))
	sample(t, file, onlyUp())
	return p, w, file
}
