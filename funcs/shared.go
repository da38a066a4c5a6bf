package funcs

import (
	"maps"
	"slices"

	"restencil/watch"
)

// Answers are shared by all templates, and templates can change next to nothing
// of them. The exceptions: maps of any values, which only secrets have (see
// ownSecret), and plain lists of strings, which sprig_sortAlpha sorts in place.
// That shows in the output where a template prints its own list again, so it
// stays; only what belongs to an answer is copied first.

// lend notes that answer goes to the template, with lists of strings in it.
func (e *Env) lend(answer any) { e.Scratch.lent = append(e.Scratch.lent, answer) }

// sprigSortAlpha sorts a list of strings in place, or others into a new list.
func (e *Env) sprigSortAlpha(list any) []string {
	if own, ok := list.([]string); ok && !slices.IsSorted(own) && e.isLent(own) {
		list = slices.Clone(own)
	}
	return sprigTable()["sprig_sortAlpha"].(func(any) []string)(list)
}

func (e *Env) isLent(list []string) bool {
	for _, answer := range e.Scratch.lent {
		for _, part := range stringLists(answer) {
			if overlaps(part, list) {
				return true
			}
		}
	}
	return false
}

// stringLists returns the plain lists of strings in an answer.
func stringLists(answer any) (lists [][]string) {
	switch answer := answer.(type) {
	case []*watch.HealthService:
		for _, s := range answer {
			for _, check := range s.Checks {
				lists = append(lists, check.ServiceTags)
				lists = slices.AppendSeq(lists, maps.Values(check.Definition.Header))
			}
		}
	case []*watch.Peering:
		for _, p := range answer {
			lists = append(lists, p.PeerServerAddresses, p.StreamStatus.ImportedServices, p.StreamStatus.ExportedServices)
		}
	case []watch.ExportedService:
		for _, s := range answer {
			lists = append(lists, s.Consumers.Peers, s.Consumers.Partitions)
		}
	case watch.Certificate:
		lists = append(lists, answer.CAChain)
	}
	return lists
}

// overlaps tells whether b, which is not empty, begins in the array of a.
func overlaps(a, b []string) bool {
	for i := range a {
		if &a[i] == &b[0] {
			return true
		}
	}
	return false
}
