package bench

import (
	"math/rand/v2"
	"testing"
	"time"
)

// Starts measures cold starts, each on an agent of its own: one keeps the
// queries of a client that has gone until their time is over.
type starts struct {
	scene scene
	full  int // starts of each contender at full size
}

// A start is what was measured of one.
type start struct{ took, cpu, memory float64 }

func (m starts) measure(t *testing.T, all []contender) map[string]figures {
	of := make(map[string]figures)
	all = takingPart(all, m.scene)
	for _, c := range all { // each program is in the page cache afterwards
		of[c.name] = figures{}
		m.scene.count(t, c, of[c.name], 0)
	}
	measured := make(map[string][]start)
	for range times(m.full) {
		for _, i := range rand.Perm(len(all)) {
			c := all[i]
			measured[c.name] = append(measured[c.name], m.one(t, c))
		}
	}
	for name, all := range measured {
		of[name][timeTaken] = median(all, func(s start) float64 { return s.took })
		of[name][cpuTime] = median(all, func(s start) float64 { return s.cpu })
		of[name][memory] = median(all, func(s start) float64 { return s.memory })
	}
	return of
}

func takingPart(all []contender, sc scene) []contender {
	var some []contender
	for _, c := range all {
		if c.takesPart(sc) {
			some = append(some, c)
		}
	}
	return some
}

// one starts a contender and ends it again.
func (m starts) one(t *testing.T, c contender) start {
	agent := newAgent(t, c, m.scene)
	defer agent.Kill()
	s := newSite(t, agent, c, m.scene)
	time.Sleep(100 * time.Millisecond) // let the agent finish with what it was given
	began := time.Now()
	s.start()
	defer s.process.end()
	s.ready(m.scene)
	took := time.Since(began)
	s.process.settle()
	return start{took.Seconds(), s.process.cpu().Seconds(), s.process.peakMemory()}
}
