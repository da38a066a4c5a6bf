package bench

import (
	"fmt"
	"strings"
)

// A limit is what restencil may take at most of a figure.
type limit struct {
	scenario string
	figure   figure
	to       string  // the contender that it is compared with; "": nobody
	most     float64 // as a ratio, or where it is compared with nobody, as it is
}

// limits returns what the project holds itself to.
func limits() []limit {
	return []limit{
		{"latency", timeTaken, consulTemplate, 1.05},
		{"latency", timeTaken, bare, 1.2},
		{"pair", timeTaken, consulTemplate, 1.05},
		{"pair", timeTaken, bare, 1.2},
		{"fan-out 1,000", timeTaken, consulTemplate, 0.1},
		{"fan-out 1,000", cpuTime, consulTemplate, 0.03},
		{"shared 300", timeTaken, consulTemplate, 0.8},
		{"shared 300", timeTaken, bare, 1.3},
		{"cold 1,000 keys", timeTaken, consulTemplate, 0.5},
		{"cold 1,000 keys", memory, consulTemplate, 0.5},
		{"cold 1,000 keys", connections, consulTemplate, 0.13},
		{"cold 10,000 keys", timeTaken, consulTemplate, 0.06},
		{"cold 10,000 keys", memory, consulTemplate, 0.15},
		{"cold 10,000 keys", connections, consulTemplate, 0.02},
		{"service of 2,000", timeTaken, consulTemplate, 0.95},
		{"service of 2,000", cpuTime, consulTemplate, 0.6},
		{"service of 2,000", timeTaken, bare, 1.15},
		{"idle, 500 keys", cpuTime, consulTemplate, 1},
		{"limit, 2,000 keys", timeTaken, "", 1},
		{"limit, 500 services", timeTaken, "", 1},
	}
}

// A verdict is how a limit fared.
type verdict struct {
	limit
	measured float64
	kept     bool
}

// judgeAll holds the rows to the limits. A figure that is missing keeps none;
// limits of scenarios that were not run are left out.
func judgeAll(rows []row, all []limit) []verdict {
	var verdicts []verdict
	for _, l := range all {
		for _, r := range rows {
			if r.scenario == l.scenario {
				verdicts = append(verdicts, l.judge(r))
			}
		}
	}
	return verdicts
}

func (l limit) judge(r row) verdict {
	measured, known := r.of[restencil][l.figure]
	if l.to != "" {
		measured, known = r.ratio(l.figure, l.to)
	}
	return verdict{l, measured, known && measured <= l.most}
}

// amount returns a value of the limit as people read it.
func (l limit) amount(value float64) string {
	if l.to == "" {
		return l.figure.text(value)
	}
	return ratioText(value)
}

func (v verdict) String() string {
	against := ""
	if v.to != "" {
		against = " of " + v.to
	}
	return fmt.Sprintf("%s, %s: %s%s, at most %s", v.scenario, v.figure, v.amount(v.measured), against, v.amount(v.most))
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
