package bench

import (
	"slices"
	"testing"
	"time"
)

// A scenario is something that all programs are measured at, with what
// restencil may take at most.
type scenario struct {
	name    string
	per     string // what the figures are of: "change", "start"
	smoke   bool   // is run at tiny size too
	most    limits
	measure func(t *testing.T, all []program) map[string]figures
}

// Limits are what restencil may take at most, as parts of consul-template's
// figures, and in bareTime of the bare program's. Every figure that is measured
// needs one: where it is 0, none is kept. Those of scenarios that restencil loses
// are today's figure with a margin, to be lowered with it.
type limits struct {
	time, cpu, memory, connections, requests, bareTime float64

	within time.Duration // where consul-template never gets there

	agentCPU, rate float64 // while other things change: as a part, and as requests a second

	peak    float64       // of memory, in bytes
	cpuTime time.Duration // as it is
}

func allScenarios() []scenario {
	return []scenario{
		//                                          time  CPU   memory connections requests bareTime … peak CPU
		// Of a program's pages, those near what it runs are counted, too: from one build to
		// the next that makes two percent of memory.
		{"latency", "change", true, limits{1.05, 1.2, 1.03, 1, 1.3, 1.2, 0, 0, 0, 0, 0},
			turns{work: oneKey(), full: 400, shared: true}.measure},
		{"pair", "pair", false, limits{1.05, 1.2, 1.03, 1, 1.3, 1.2, 0, 0, 0, 0, 0},
			turns{work: pair(), full: 200, shared: true}.measure},
		// The write to the agent alone is 0.06 of consul-template's time.
		{"fan-out 1,000", "change", false, limits{0.13, 0.03, 0.5, 0.02, 1.3, 0, 0, 0, 0, 0, 0},
			turns{work: fanOut(size(1000)), full: 40}.measure},
		{"shared 300", "change", false, limits{0.8, 1, 1.6, 1, 1.3, 1.3, 0, 0, 0, 0, 0},
			turns{work: sharedKey(size(300)), full: 40, shared: true}.measure},
		{"cold 1,000 keys", "start", true, limits{0.5, 0.3, 0.5, 0.13, 0.05, 6.5, 0, 0, 0, 0, 0},
			starts{work: manyKeys(size(1000)), full: 8}.measure},
		{"cold 10,000 keys", "start", false, limits{0.1, 0.1, 0.12, 0.02, 0.01, 3, 0, 0, 0, 0, 0},
			starts{work: manyKeys(size(10_000)), full: 6}.measure},
		{"cold 50,000 keys", "start", false, limits{0, 0, 0, 0, 0, 0, 0, 0, 0, 200 << 20, 1500 * time.Millisecond},
			starts{work: manyKeys(size(50_000)).onDefaultAgent().alone(), full: 3}.measure},
		{"service of 2,000", "change", false, limits{0.95, 0.6, 1.3, 1, 1.3, 1.15, 0, 0, 0, 0, 0},
			turns{work: oneService(size(2000)), full: 50}.measure},
		{"500 services, cold", "start", false, limits{0.6, 0.8, 1, 1.1, 1.1, 0, 0, 0, 0, 0, 0},
			starts{work: manyServices(size(500)), full: 6}.measure},
		{"500 services, one changes", "change", false, limits{1.3, 1.5, 1, 1.1, 2, 0, 0, 0, 0, 0, 0},
			turns{work: manyServices(size(500)), full: 20}.measure},
		{"500 services, others change", "second", true, limits{2, 1.5, 1, 1.1, 2, 0, 0, 1.5, 0, 0, 0},
			churn{work: manyServices(size(500)), nodes: 72}.measure},
		{"2,000 services, others change", "second", false, limits{2, 1.5, 1, 0.15, 10, 0, 0, 2, 0, 0, 0},
			churn{work: manyServices(size(2000)).on(212), nodes: 212}.measure},
		{"idle, 500 keys", "minute", false, limits{0, 1, 0.7, 0.02, 0.1, 0, 0, 0, 0, 0, 0},
			idle{work: manyKeys(size(500))}.measure},
		{"limit, 2,000 keys", "change", false, limits{0, 0, 1, 0.2, 0, 0, time.Second, 0, 0, 0, 0},
			turns{work: manyKeys(size(2000)).onDefaultAgent(), full: 10}.measure},
		{"limit, 500 services", "change", true, limits{0, 0, 1, 0.6, 0, 0, time.Second, 0, 0, 0, 0},
			turns{work: manyServices(size(500)).onDefaultAgent(), full: 10}.measure},
		{"limit, 500 services, others change", "second", false, limits{0, 0, 1, 0.7, 0, 0, 500 * time.Millisecond, 0, 40, 0, 0},
			churn{work: manyServices(size(500)).onDefaultAgent(), nodes: 72}.measure},
		{"limit, 2,000 services, others change", "second", false, limits{0, 0, 1, 0.7, 0, 0, 2 * time.Second, 0, 180, 0, 0},
			churn{work: manyServices(size(2000)).on(212).onDefaultAgent(), nodes: 212}.measure},
		{"limit, 1,000 nodes", "change", false, limits{0, 0, 1, 0.8, 0, 0, 10 * time.Second, 0, 0, 0, 0},
			turns{work: manyServices(size(500)).on(1000).onDefaultAgent(), full: 10}.measure},
		// At the end, because they free many inodes (see keepInodes).
		{"burst", "burst", false, limits{1, 1.1, 1.3, 1, 1.5, 2.5, 0, 0, 0, 0, 0},
			turns{work: burst(""), full: 20, shared: true}.measure},
		{"burst, command", "burst", false, limits{1, 1.3, 1.4, 1, 1.5, 0, 0, 0, 0, 0, 0},
			turns{work: burst("true"), full: 20, shared: true}.measure},
	}
}

// scenarios returns those to run: all, or at tiny size one of each sort.
func scenarios() []scenario {
	return slices.DeleteFunc(allScenarios(), func(sc scenario) bool { return !*full && !sc.smoke })
}

// size scales a number of things down where figures do not matter.
func size(n int) int {
	if *full {
		return n
	}
	return max(3, n/200)
}

// times is size for numbers of turns.
func times(n int) int {
	if *full {
		return n
	}
	return 1
}
