package bench

import (
	"testing"
	"time"
)

// Idle measures what contenders use, all at the same time, while nothing
// changes: for a minute, so that the blocking queries of each come to their end
// once, as they do after a minute.
type idle struct{ scene scene }

func (m idle) measure(t *testing.T, all []contender) map[string]figures {
	length := time.Minute
	if !*full {
		length = time.Second
	}
	all = takingPart(all, m.scene)
	of := make(map[string]figures)
	for _, c := range all {
		of[c.name] = figures{}
		m.scene.count(t, c, of[c.name], 0)
		delete(of[c.name], requests) // of the start, which is not what is measured
	}
	entries := m.enter(t, all)
	time.Sleep(length)
	for _, e := range entries {
		of[e.name][cpuTime] = (e.site.process.cpu() - e.usedBefore).Seconds()
		of[e.name][memory] = e.site.process.peakMemory()
		e.site.process.end()
	}
	return of
}

// enter starts all contenders and returns when they have become quiet.
func (m idle) enter(t *testing.T, all []contender) []*entry {
	const calm = 2 * time.Second
	var entries []*entry
	for _, c := range all {
		e := &entry{contender: c, site: newSite(t, newAgent(t, c, m.scene), c, m.scene)}
		e.site.start()
		e.site.ready(m.scene)
		entries = append(entries, e)
	}
	time.Sleep(calm)
	for _, e := range entries {
		e.usedBefore = e.site.process.cpu()
	}
	return entries
}
