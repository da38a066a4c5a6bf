package bench

import (
	"fmt"
	"strings"
	"testing"
)

// The files that results are written to, from this folder.
const (
	pageFile   = "RESULTS.md"
	chartFile  = "results.svg"
	readmeFile = "../../README.md"
)

// The table in the README is between these lines.
const (
	tableBegin = "<!-- The table is from test/bench/RESULTS.md, which make bench writes. -->\n"
	tableEnd   = "<!-- The end of the table. -->\n"
)

func writeResults(t *testing.T, rows []row, verdicts []verdict, on string) {
	t.Helper()
	writeFile(t, chartFile, []byte(chart(rows)))
	writeFile(t, pageFile, []byte(page(rows, verdicts, on)))
	readme, err := withTable(readText(readmeFile), table(rows)+"\n"+on+"\n")
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, readmeFile, []byte(readme))
}

// page returns the page with all results.
func page(rows []row, verdicts []verdict, on string) string {
	var b strings.Builder
	b.WriteString("# restencil beside consul-template\n\n")
	b.WriteString("`make bench` wrote this page. [doc.go](doc.go) says how it is measured.\n\n")
	b.WriteString(on + "\n\n![The figures of the table, relative to consul-template's](results.svg)\n\n")
	b.WriteString(table(rows))
	b.WriteString("\n" + legend + "\n## The limits\n\nWhat the project holds itself to; `make bench` fails where one is missed.\n\n")
	b.WriteString(verdictTable(verdicts))
	b.WriteString("\n## All figures\n\n```text\n")
	for _, r := range rows {
		b.WriteString(detail(r))
	}
	b.WriteString("```\n")
	return b.String()
}

const legend = `Each cell is restencil's figure, consul-template's, and the one divided by the
other. Times are medians; what a figure is of (a change, a start) stands below.
The last column is the time of a program that does only the necessary I/O, and
restencil's divided by that.

- **latency**: a key of one template changes.
- **pair**: it changes twice, 15 ms apart; timed from the second.
- **burst**: it changes for three seconds, back to back, and a command runs
  after each rendering; timed from the last. CPU and requests are of the burst.
- **fan-out 1,000**: 1,000 templates with a key each, of which one changes.
- **shared 300**: 300 templates with the same key; until all files are new.
- **cold**: one template with so many keys, from the start of the process.
- **service of 2,000**: one of 2,000 instances changes its port.
- **500 services**: ` + "`services`, and `service .Name`" + ` for each.
- **idle**: nothing changes, for a minute.
- **limit**: so many keys, or services, on an agent with default limits, and one
  changes. Elsewhere consul-template's agent has the limit raised, if it must.
`

// withTable returns the README with another table.
func withTable(readme, table string) (string, error) {
	before, rest, ok := strings.Cut(readme, tableBegin)
	_, after, ended := strings.Cut(rest, tableEnd)
	if !ok || !ended {
		return "", fmt.Errorf("the README has no lines %q and %q", tableBegin, tableEnd)
	}
	return before + tableBegin + "\n" + table + "\n" + tableEnd + after, nil
}
