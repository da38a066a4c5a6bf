package bench

import (
	"fmt"
	"math"
	"strings"
	"testing"
)

// A verdict is how restencil fared at a limit.
type verdict struct {
	scenario string
	figure   figure
	to       string  // the program that it is compared with; "": none
	most     float64 // as a ratio, or where it is compared with none, as it is
	measured float64
	kept     bool
}

// judgeRow holds a row to its limits. A figure that has a limit and was not
// measured misses it; so does one that was measured and has none.
func judgeRow(r row) []verdict {
	var all []verdict
	l := r.most
	for _, v := range []verdict{
		{figure: timeTaken, to: consulTemplate, most: l.time},
		{figure: cpuTime, to: consulTemplate, most: l.cpu},
		{figure: memory, to: consulTemplate, most: l.memory},
		{figure: connections, to: consulTemplate, most: l.connections},
		{figure: requests, to: consulTemplate, most: l.requests},
		{figure: timeTaken, to: bare, most: l.bareTime},
		{figure: timeTaken, most: l.within.Seconds()},
		{figure: agentCPU, to: consulTemplate, most: l.agentCPU},
		{figure: requests, most: l.rate},
		{figure: memory, most: l.peak},
		{figure: cpuTime, most: l.cpuTime.Seconds()},
	} {
		known := v.most > 0 // what is compared with none has a limit, or is not looked at
		if v.to == "" {
			v.measured = r.of[restencil][v.figure]
		} else {
			v.measured, known = r.ratio(v.figure, v.to)
		}
		v.scenario, v.kept = r.name, known && v.measured <= v.most
		if known || v.most > 0 {
			all = append(all, v)
		}
	}
	return all
}

// missed returns how many limits a row misses.
func missed(r row) int {
	n := 0
	for _, v := range judgeRow(r) {
		if !v.kept {
			n++
		}
	}
	return n
}

// amount returns a value of the limit as people read it.
func (v verdict) amount(value float64) string {
	if v.to == "" {
		return v.figure.text(value)
	}
	return ratioText(value)
}

func (v verdict) String() string {
	return fmt.Sprintf("%s, %s: %s of %s, at most %s", v.scenario, v.figure, v.amount(v.measured), v.to, v.amount(v.most))
}

// verdictTable returns all verdicts, in Markdown.
func verdictTable(all []verdict) string {
	var b strings.Builder
	b.WriteString("| scenario | figure | relative to | measured | at most | |\n|---|---|---|---|---|---|\n")
	for _, v := range all {
		kept := "kept"
		if !v.kept {
			kept = "**missed**"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n",
			v.scenario, v.figure, v.to, v.amount(v.measured), v.amount(v.most), kept)
	}
	return b.String()
}

// TestJudge makes sure that a limit that is missed is found out.
func TestJudge(t *testing.T) {
	half, second := limits{time: 0.5}, limits{within: 1e9}
	for _, c := range []struct {
		about        string
		most         limits
		ours, theirs figures
		missed       int
	}{
		{"half", half, figures{timeTaken: 1}, figures{timeTaken: 2}, 0},
		{"more than half", half, figures{timeTaken: 1.01}, figures{timeTaken: 2}, 1},
		{"not measured", half, figures{}, figures{timeTaken: 2}, 1},
		{"they were not measured", half, figures{timeTaken: 1}, figures{}, 1},
		{"never", half, figures{timeTaken: math.Inf(1)}, figures{timeTaken: 2}, 1},
		{"without a limit", half, figures{timeTaken: 1, memory: 1}, figures{timeTaken: 2, memory: 2}, 1},
		{"within a second", second, figures{timeTaken: 0.9}, figures{timeTaken: math.Inf(1)}, 0},
		{"after a second", second, figures{timeTaken: 1.1}, figures{}, 1},
		{"never within a second", second, figures{timeTaken: math.Inf(1)}, figures{}, 1},
	} {
		r := row{scenario{most: c.most}, map[string]figures{restencil: c.ours, consulTemplate: c.theirs}}
		if got := missed(r); got != c.missed {
			t.Errorf("%s: missed %d limits, want %d: %v", c.about, got, c.missed, judgeRow(r))
		}
	}
}

// TestBetterHalf makes sure that what disturbs some turns is left out.
func TestBetterHalf(t *testing.T) {
	if got := betterHalf([]float64{90, 1, 2, 80, 3}); got != 2 {
		t.Errorf("the mean of the better half is %v, want 2", got)
	}
}
