package bench

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
)

// TestJudge makes sure that a limit that is missed is found out.
func TestJudge(t *testing.T) {
	const name = "a scenario"
	relative := limit{name, timeTaken, consulTemplate, 0.5}
	absolute := limit{name, timeTaken, "", 1}
	for _, c := range []struct {
		about        string
		limit        limit
		ours, theirs figures
		kept         bool
	}{
		{"half", relative, figures{timeTaken: 1}, figures{timeTaken: 2}, true},
		{"more than half", relative, figures{timeTaken: 1.01}, figures{timeTaken: 2}, false},
		{"not measured", relative, figures{}, figures{timeTaken: 2}, false},
		{"they were not measured", relative, figures{timeTaken: 1}, figures{}, false},
		{"never", relative, figures{timeTaken: math.Inf(1)}, figures{timeTaken: 2}, false},
		{"within a second", absolute, figures{timeTaken: 0.9}, figures{timeTaken: math.Inf(1)}, true},
		{"after a second", absolute, figures{timeTaken: 1.1}, figures{}, false},
		{"never within a second", absolute, figures{timeTaken: math.Inf(1)}, figures{}, false},
	} {
		rows := []row{{name, "change", map[string]figures{restencil: c.ours, consulTemplate: c.theirs}}}
		if got := judgeAll(rows, []limit{c.limit}); len(got) != 1 || got[0].kept != c.kept {
			t.Errorf("%s: judged %v, want kept: %v", c.about, got, c.kept)
		}
	}
}

// TestLimitsAreOfScenarios makes sure that no limit goes unjudged for its name.
func TestLimitsAreOfScenarios(t *testing.T) {
	names := make(map[string]bool)
	for _, sc := range allScenarios() {
		names[sc.name] = true
	}
	for _, l := range limits() {
		if !names[l.scenario] {
			t.Errorf("there is no scenario %q", l.scenario)
		}
	}
}

// TestChartIsXML makes sure that browsers can read the chart.
func TestChartIsXML(t *testing.T) {
	some := figures{timeTaken: 1, cpuTime: 0.001, memory: 2e7, connections: 12}
	more := figures{timeTaken: 0.5, cpuTime: 10, memory: 1e9, connections: 10_000}
	d := xml.NewDecoder(strings.NewReader(chart([]row{{"<&>", "change", map[string]figures{restencil: some, consulTemplate: more}}})))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
	}
}
