package service

import (
	"slices"
	"strings"
	"testing"
	"time"

	"restencil/runner/diff"
)

// TestShadowSettles: a difference is reported once, when it has been there for long
// enough, and what comes and goes before is not.
func TestShadowSettles(t *testing.T) {
	var s shadow
	began, now := time.Now(), time.Duration(0)
	var got []string
	step := func(seconds int, text string) bool {
		now += time.Duration(seconds) * time.Second
		change := "replaced"
		if text == "" {
			change = "unchanged"
		}
		file := diff.Planned{Path: "a", Change: change, Before: "mode 0644", After: "mode 0644", Diff: text}
		return s.compare(began.Add(now), []diff.Plan{{Files: []diff.Planned{file}}}, 5*time.Second, func(text string) {
			first, rest, _ := strings.Cut(text, "\n")
			got = append(got, now.String()+" "+first[:10]+strings.TrimSpace(rest))
		})
	}
	settled := []bool{
		step(0, "x\n"), step(4, "x\n"), step(1, "x\n"), // reported
		step(60, "x\n"),                             // not again
		step(1, ""),                                 // in step
		step(1, "y\n"), step(4, "y\n"), step(1, ""), // too short
		step(1, "y\n"), step(3, "z\n"), step(2, "z\n"), // the newest of what differs all the time
		step(1, "w\n"), step(1, "z\n"),
	}
	if want := []bool{false, false, true, true, true, false, false, true, false, false, true, false, true}; !slices.Equal(settled, want) {
		t.Errorf("settled %v, want %v", settled, want)
	}
	if want := []string{"5s a: differsx", "1m6s a: in step", "1m18s a: differsz"}; !slices.Equal(got, want) {
		t.Errorf("reported %q, want %q", got, want)
	}
}
