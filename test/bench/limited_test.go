package bench

import (
	"math"
	"testing"
	"time"
)

// Limited measures whether contenders render, and follow changes, on agents
// with default limits. The time of one that did not render is without end.
type limited struct{ scene scene }

func (m limited) measure(t *testing.T, all []contender) map[string]figures {
	m.scene.raised = false
	of := make(map[string]figures)
	for _, c := range all {
		if c.name != bare {
			of[c.name] = m.one(t, c)
		}
	}
	return of
}

// longest is how long a contender may take to render.
func longest() time.Duration {
	if *full {
		return 20 * time.Second
	}
	return patience
}

func (m limited) one(t *testing.T, c contender) figures {
	agent := newAgent(t, c, m.scene)
	defer agent.Kill()
	s := newSite(t, agent, c, m.scene)
	s.start()
	defer s.process.end()
	peak := s.peakConnections()
	f := figures{timeTaken: math.Inf(1)}
	if m.scene.rendered(s, longest()) {
		var took []outcome
		for range times(10) {
			s.drain()
			took = append(took, m.scene.change(s))
			s.process.settle()
		}
		f[timeTaken] = median(took, func(o outcome) float64 { return o.took.Seconds() })
	}
	f[memory] = s.process.peakMemory()
	f[connections] = float64(peak())
	return f
}
