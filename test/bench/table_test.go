package bench

import (
	"fmt"
	"strings"
)

// table returns the rows in Markdown, with each cell restencil's figure beside
// consul-template's, and the time beside the bare program's.
func table(rows []row) string {
	var b strings.Builder
	b.WriteString("| scenario | time | CPU | peak memory | connections | requests | bare time |\n|---|---|---|---|---|---|---|\n")
	for _, r := range rows {
		fmt.Fprintf(&b, "| %s |", r.scenario)
		for _, f := range []figure{timeTaken, cpuTime, memory, connections, requests} {
			fmt.Fprintf(&b, " %s |", r.cell(f))
		}
		fmt.Fprintf(&b, " %s |\n", r.bareCell())
	}
	return b.String()
}

// cell returns restencil's figure, consul-template's and their ratio.
func (r row) cell(f figure) string {
	ours, theirs := r.amount(restencil, f), r.amount(consulTemplate, f)
	if ours == none && theirs == none {
		return none
	}
	text := ours + " / " + theirs
	if ratio, ok := r.ratio(f, consulTemplate); ok && f != requests {
		text += " = **" + ratioText(ratio) + "**"
	}
	return text
}

func (r row) bareCell() string {
	ratio, ok := r.ratio(timeTaken, bare)
	if !ok {
		return none
	}
	return fmt.Sprintf("%s = **%s**", r.amount(bare, timeTaken), ratioText(ratio))
}

// none stands for a figure that was not measured.
const none = "–"

// amount returns a contender's figure as people read it.
func (r row) amount(name string, f figure) string {
	if value, known := r.of[name][f]; known {
		return f.text(value)
	}
	return none
}

func ratioText(ratio float64) string {
	switch {
	case ratio < 0.01:
		return fmt.Sprintf("%.2g×", ratio)
	case ratio < 0.1:
		return fmt.Sprintf("%.3f×", ratio)
	}
	return fmt.Sprintf("%.2f×", ratio)
}

// detail returns all that was measured in a scenario, a contender a line.
func detail(r row) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, of a %s\n", r.scenario, r.per)
	for _, name := range []string{restencil, consulTemplate, bare} {
		f, ok := r.of[name]
		if !ok {
			continue
		}
		fmt.Fprintf(&b, "  %-16s", name)
		for _, column := range columns() {
			if value, known := f[column]; known {
				fmt.Fprintf(&b, " %s %s ", column, column.text(value))
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}
