package bench

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"restencil/test/servers"
)

// Turns measures changes: all programs run, and take turns.
type turns struct {
	work   workload
	full   int  // turns of each program at full size
	shared bool // all on one agent; else each on its own
}

func (m turns) measure(t *testing.T, all []program) map[string]figures {
	of := make(map[string]figures)
	var running []*setup
	var agent *servers.Agent
	for _, p := range m.work.programs(all) {
		if agent == nil || !m.shared {
			agent = newAgent(t, p, m.work)
		}
		s := newSetup(t, agent, p, m.work)
		of[p.name] = m.warmUp(s)
		if of[p.name][timeTaken] == 0 {
			running = append(running, s)
		}
	}
	took, used := make(map[string][]float64), make(map[string][]float64)
	last := make(map[string]time.Duration) // CPU after the last turn
	for _, s := range running {
		last[s.name] = s.process.cpu()
	}
	for range times(m.full) {
		for _, i := range rand.Perm(len(running)) {
			s := running[i]
			took[s.name] = append(took[s.name], s.turn().Seconds())
			cpu := s.process.cpu()
			used[s.name] = append(used[s.name], (cpu - last[s.name]).Seconds())
			last[s.name] = cpu
		}
	}
	for _, s := range running {
		of[s.name][timeTaken] = betterHalf(took[s.name])
		of[s.name][cpuTime] = betterHalf(means(used[s.name]))
		of[s.name][memory] = s.process.peakMemory()
		s.process.end()
	}
	return of
}

// warmUp starts a program and has it make some turns, in which connections and
// requests are counted: looking for connections takes time. The time of a program
// that does not render is without end; it is ended.
func (m turns) warmUp(s *setup) figures {
	s.start()
	peak := s.peakConnections()
	if !m.work.rendered(s, m.work.longest()) {
		f := figures{timeTaken: math.Inf(1), memory: s.process.peakMemory(), connections: peak()}
		s.process.end()
		return f
	}
	s.process.settle()
	few := max(1, min(5, times(m.full)/3))
	before := s.answered()
	for range few {
		s.turn()
	}
	return figures{requests: (s.answered() - before) / float64(few), connections: peak()}
}

// Starts measures cold starts, each on an agent of its own: one keeps the
// queries of a client that has gone until their time is over.
type starts struct {
	work workload
	full int // starts of each program at full size
}

func (m starts) measure(t *testing.T, all []program) map[string]figures {
	all = m.work.programs(all)
	of := make(map[string]figures)
	for _, p := range all { // each program is in the page cache afterwards
		of[p.name] = m.one(t, p, true)
	}
	measured := make(map[string][]figures)
	for range times(m.full) {
		for _, i := range rand.Perm(len(all)) {
			p := all[i]
			measured[p.name] = append(measured[p.name], m.one(t, p, false))
		}
	}
	for name, starts := range measured {
		for _, f := range []figure{timeTaken, cpuTime, memory} {
			of[name][f] = betterHalf(valuesOf(f, starts))
		}
	}
	return of
}

// one starts a program and ends it again. To look for its connections takes time.
func (m starts) one(t *testing.T, p program, lookAtConnections bool) figures {
	agent := newAgent(t, p, m.work)
	defer agent.Kill()
	s := newSetup(t, agent, p, m.work)
	before := s.answered()
	time.Sleep(100 * time.Millisecond) // let the agent finish with what it was given
	began := time.Now()
	s.start()
	defer s.process.end()
	peak := func() float64 { return 0 }
	if lookAtConnections {
		peak = s.peakConnections()
	}
	s.ready()
	took := time.Since(began)
	s.process.settle()
	return figures{
		timeTaken: took.Seconds(), cpuTime: s.process.cpu().Seconds(), memory: s.process.peakMemory(),
		connections: peak(), requests: s.answered() - before,
	}
}

// Idle measures what programs use, all at the same time, while nothing changes:
// for a minute, so that the blocking queries of each come to their end once, as
// they do after a minute.
type idle struct{ work workload }

func (m idle) measure(t *testing.T, all []program) map[string]figures {
	const calm = 2 * time.Second
	of := make(map[string]figures)
	var running []*setup
	for _, p := range m.work.programs(all) {
		s := newSetup(t, newAgent(t, p, m.work), p, m.work)
		s.start()
		peak := s.peakConnections()
		s.ready()
		of[p.name] = figures{connections: peak()}
		running = append(running, s)
	}
	time.Sleep(calm)
	for _, s := range running {
		of[s.name][cpuTime], of[s.name][requests] = -s.process.cpu().Seconds(), -s.answered()
	}
	time.Sleep(time.Minute)
	for _, s := range running {
		f := of[s.name]
		f[cpuTime] += s.process.cpu().Seconds()
		f[requests] += s.answered()
		f[memory] = s.process.peakMemory()
		s.process.end()
	}
	return of
}

// betterHalf returns the mean of the lower half of the values: the rest were
// disturbed by something else.
func betterHalf(values []float64) float64 {
	values = slices.Sorted(slices.Values(values))
	return mean(values[:(len(values)+1)/2])
}

// means returns the means of each tenth of the values, in order.
func means(values []float64) []float64 {
	var all []float64
	for part := range slices.Chunk(values, (len(values)+9)/10) {
		all = append(all, mean(part))
	}
	return all
}

func mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}
