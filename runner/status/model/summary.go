package model

import (
	"cmp"
	"fmt"
	"sort"
	"strings"

	"restencil/runner/event"
	"restencil/runner/status"
)

// Summary returns the state in a few words, such as "12 files in step" or
// "waiting for 2 of 14 templates; consul: no answers".
func (m *Model) Summary() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.takeIn()
	files, waits, fails, commands := len(m.templates), 0, 0, make(map[string]bool)
	for _, t := range m.templates {
		if t.rendered.Removed || t.bundle != nil && t.bundle.List {
			files--
		}
		switch {
		case t.failed.Err != nil:
			fails++
		case t.right.IsZero() || len(t.executed.Missing) > 0:
			waits++
		}
	}
	for _, b := range m.bundles {
		if !b.Named && b.failure.Step == event.Reload {
			commands[strings.Join(b.Reload, " ")] = true
		}
	}
	var parts []string
	if waits > 0 {
		parts = append(parts, fmt.Sprintf("waiting for %d of %s", waits, status.Count(len(m.templates), "template")))
	}
	if fails > 0 {
		parts = append(parts, fmt.Sprintf("errors in %d of %s", fails, status.Count(len(m.templates), "template")))
	}
	if len(commands) > 0 {
		parts = append(parts, status.Count(len(commands), "failed command"))
	}
	if m.child.ended.RetryIn > 0 {
		parts = append(parts, "the child has ended and will be started again")
	}
	var away []string
	for p := range m.outages {
		away = append(away, strings.TrimSuffix(fmt.Sprintf("%s, %s", p.store, p.part), ", "))
	}
	if away != nil {
		sort.Strings(away)
		parts = append(parts, strings.Join(away, ", ")+": no answers")
	}
	return cmp.Or(strings.Join(parts, "; "), status.Count(files, "file")+" in step")
}
