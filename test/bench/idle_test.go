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
	of, used := make(map[string]figures), make(map[string]time.Duration)
	var entries []*entry
	for _, c := range all {
		of[c.name] = figures{}
		m.scene.count(t, c, of[c.name], 0)
		delete(of[c.name], requests) // of a start, which is not what is measured
		e := &entry{contender: c, site: newSite(t, newAgent(t, c, m.scene), c, m.scene)}
		e.site.start()
		e.site.ready(m.scene)
		entries = append(entries, e)
	}
	time.Sleep(length / 30)
	for _, e := range entries {
		used[e.name] = e.site.process.cpu()
	}
	time.Sleep(length)
	for _, e := range entries {
		of[e.name][cpuTime] = (e.site.process.cpu() - used[e.name]).Seconds()
		of[e.name][memory] = e.site.process.peakMemory()
		e.site.process.end()
	}
	return of
}
