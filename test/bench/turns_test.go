package bench

import (
	"math/rand/v2"
	"os/exec"
	"slices"
	"testing"
	"time"

	"restencil/test/servers"
)

// An outcome is how a change fared.
type outcome struct {
	took time.Duration
	runs int // of the command, where there is one
}

// Turns measures changes: all contenders run, and take turns.
type turns struct {
	scene  scene
	full   int  // turns of each contender at full size
	shared bool // all on one agent; else each on its own
	rested bool // not before the file system has forgotten the scenes before
}

// An entry is a contender at its site, with what was measured.
type entry struct {
	contender
	site       *site
	outcomes   []outcome
	usedBefore time.Duration // CPU, before what is measured
}

func (m turns) measure(t *testing.T, all []contender) map[string]figures {
	if m.rested && *full {
		rest(t)
	}
	entries := m.enter(t, all)
	for range times(m.full) {
		for _, i := range rand.Perm(len(entries)) {
			e := entries[i]
			e.outcomes = append(e.outcomes, m.turn(e.site))
		}
	}
	of := make(map[string]figures)
	for _, e := range entries {
		of[e.name] = e.figures()
		e.site.process.end()
	}
	for _, e := range entries {
		m.scene.count(t, e.contender, of[e.name], m.few())
	}
	return of
}

// rest waits until no file was removed for a while. Whenever one is made, ext4
// passes over the inodes that were freed within a minute, and much longer where
// that is not on disk yet, one after another. Scenes before this one free
// thousands, in some directories' block groups and not in others.
func rest(t *testing.T) {
	t.Helper()
	const memory = time.Minute
	if out, err := exec.Command("sync").CombinedOutput(); err != nil {
		t.Fatalf("sync: %v\n%s", err, out)
	}
	time.Sleep(memory + time.Second)
}

// enter starts all contenders and lets them warm up.
func (m turns) enter(t *testing.T, all []contender) []*entry {
	var (
		entries []*entry
		agent   *servers.Agent
	)
	for _, c := range takingPart(all, m.scene) {
		if agent == nil || !m.shared {
			agent = newAgent(t, c, m.scene)
		}
		e := &entry{contender: c, site: newSite(t, agent, c, m.scene)}
		e.site.start()
		e.site.ready(m.scene)
		for range m.few() {
			m.turn(e.site)
		}
		e.site.process.settle()
		e.usedBefore = e.site.process.cpu()
		entries = append(entries, e)
	}
	return entries
}

// turn makes one change and waits until nothing of it goes on.
func (m turns) turn(s *site) outcome {
	s.drain()
	o := m.scene.change(s)
	s.process.settle()
	return o
}

func (e *entry) figures() figures {
	n := len(e.outcomes)
	f := figures{
		timeTaken: median(e.outcomes, func(o outcome) float64 { return o.took.Seconds() }),
		cpuTime:   (e.site.process.cpu() - e.usedBefore).Seconds() / float64(n),
		memory:    e.site.process.peakMemory(),
	}
	if runs := median(e.outcomes, func(o outcome) float64 { return float64(o.runs) }); runs > 0 {
		f[commands] = runs
	}
	return f
}

// few is how many turns warm a contender up, or suffice to count requests.
func (m turns) few() int { return max(1, min(5, times(m.full)/3)) }

// times returns how many turns there are.
func times(atFullSize int) int {
	if *full {
		return atFullSize
	}
	return 1
}

func median[T any](all []T, number func(T) float64) float64 {
	var numbers []float64
	for _, one := range all {
		numbers = append(numbers, number(one))
	}
	slices.Sort(numbers)
	return numbers[len(numbers)/2]
}
