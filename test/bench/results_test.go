package bench

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// The files that results are written to, from this folder.
const (
	pageFile   = "RESULTS.md"
	chartFile  = "results.svg"
	tableFile  = "../../docs/performance.md"
	readmeFile = "../../README.md"
)

// What make bench writes into other pages is between these lines.
const (
	begin = "<!-- This is from test/bench/RESULTS.md, which make bench writes. -->\n"
	end   = "<!-- The end of it. -->\n"
)

// TestPagesShowResults makes sure that the other pages show what RESULTS.md has.
func TestPagesShowResults(t *testing.T) {
	results := readText(pageFile)
	for _, file := range []string{tableFile, readmeFile} {
		_, shown, _ := parts(t, file)
		for line := range strings.Lines(shown) {
			if !strings.Contains(results, line) {
				t.Errorf("%s shows a line that RESULTS.md has not: run make bench\n%s", file, line)
			}
		}
	}
}

// parts returns the text of a page before, between and after the lines begin and end.
func parts(t *testing.T, file string) (before, shown, after string) {
	t.Helper()
	before, rest, ok := strings.Cut(readText(file), begin)
	shown, after, ended := strings.Cut(rest, end)
	if !ok || !ended {
		t.Fatalf("%s has no lines %q and %q", file, begin, end)
	}
	return before + begin, shown, end + after
}

func writeResults(t *testing.T, rows []row, on string) {
	t.Helper()
	writeFile(t, chartFile, []byte(chart(rows)))
	writeFile(t, pageFile, []byte(page(rows, on)))
	for file, text := range map[string]string{
		tableFile:  table(rows) + "\n" + on + "\n",
		readmeFile: inBrief(rows),
	} {
		before, _, after := parts(t, file)
		writeFile(t, file, []byte(before+"\n"+text+"\n"+after))
	}
}

// inBrief returns the lines that say most, for people who read no table.
func inBrief(rows []row) string {
	var b strings.Builder
	for _, line := range []struct {
		scenario, what string
		figures        []figure
	}{
		{"latency", "A key changes, one template uses it", []figure{timeTaken, memory}},
		{"fan-out 1,000", "The same among 1,000 templates with a key each", []figure{timeTaken, cpuTime, connections}},
		{"cold 10,000 keys", "A start with 10,000 keys", []figure{timeTaken, memory, connections}},
	} {
		i := slices.IndexFunc(rows, func(r row) bool { return r.name == line.scenario })
		if i < 0 {
			continue
		}
		var cells []string
		for _, f := range line.figures {
			cells = append(cells, string(f)+" "+rows[i].cell(f))
		}
		fmt.Fprintf(&b, "- %s: %s\n", line.what, strings.Join(cells, ", "))
	}
	return b.String()
}

// page returns the page with all results.
func page(rows []row, on string) string {
	var details strings.Builder
	var verdicts []verdict
	for _, r := range rows {
		details.WriteString(r.detail())
		verdicts = append(verdicts, judgeRow(r)...)
	}
	return "# restencil beside consul-template\n\n" +
		"`make bench` wrote this page. [doc.go](doc.go) says how it is measured.\n\n" +
		on + "\n\n" + inBrief(rows) + "\n![The figures of the table, relative to consul-template's](results.svg)\n\n" +
		table(rows) + "\n" + legend +
		"\n## The limits\n\nWhat the project holds itself to; `make bench` fails where one is missed.\n\n" +
		verdictTable(verdicts) + "\n## All figures\n\n```text\n" + details.String() + "```\n"
}

const legend = `Each cell is restencil's figure, consul-template's, and the one divided by the
other: the means of the better half of many turns. What a figure is of (a change,
a start) stands below. The last column is the time of a program that does only the
necessary I/O, and restencil's divided by that.

- **latency**: a key of one template changes.
- **pair**: it changes twice, 15 ms apart; timed from the second.
- **burst**: it changes for half a second, back to back; timed from the last. CPU
  and requests are of the burst. **burst, command**: a command runs after each
  rendering.
- **fan-out 1,000**: 1,000 templates with a key each, of which one changes.
- **shared 300**: 300 templates with the same key; until all files are new.
- **cold**: one template with so many keys, from the start of the process; 50,000 on
  an agent with default limits, where consul-template never gets there.
- **service of 2,000**: one of 2,000 instances changes its port.
- **500 services**: ` + "`services`, and `service .Name`" + ` for each, on 72 nodes.
- **others change**: services that no template uses, on the same nodes, 20 times a
  second: a check flips, or an instance comes or goes. Meanwhile one of those that
  are used has a check that flips, an instance that comes or goes, or a new port
  or tag; timed is the slowest of these.
- **idle**: nothing changes, for a minute.
- **limit**: so many keys, or services, on an agent with its default limit of 200
  connections, and one changes, or others do. Elsewhere the agents have the limit raised,
  if consul-template needs that.
  **1,000 nodes**: each of 500 services' instances is on a node of its own.
`

// table returns the rows in Markdown, with each cell restencil's figure beside
// consul-template's, and the time beside the bare program's.
func table(rows []row) string {
	var b strings.Builder
	b.WriteString("| scenario | time | CPU | peak memory | connections | requests | bare time |\n|---|---|---|---|---|---|---|\n")
	for _, r := range rows {
		fmt.Fprintf(&b, "| %s |", r.name)
		for _, f := range columns() {
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

// amount returns a program's figure as people read it.
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

// detail returns all that was measured in a scenario, a program a line.
func (r row) detail() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, of a %s\n", r.name, r.per)
	for _, name := range []string{restencil, consulTemplate, bare} {
		if r.of[name] == nil {
			continue
		}
		fmt.Fprintf(&b, "  %-16s", name)
		for _, f := range append(columns(), agentCPU) {
			if _, known := r.of[name][f]; f == agentCPU && !known {
				continue
			}
			fmt.Fprintf(&b, " %s %-8s", f, r.amount(name, f))
		}
		b.WriteString("\n")
	}
	return b.String()
}
