// Package text has the state of a runner as people read it: what the commands print.
// What is wrong, and what to do, is worded in package status. What is not printable
// is shown as Go's escapes.
package text

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"restencil/runner/status"
	"restencil/watch/printable"
)

// Status returns the whole state. The first line says what is wrong, and
// the second what to do; then come all bundles and stores.
func Status(s status.Status) string {
	var b strings.Builder
	if s.Well {
		applied, rest, changing := 0, 0, ""
		for _, one := range s.Bundles {
			switch {
			case one.State != status.Applied:
				rest++
			case one.Files > 0:
				applied++
			}
		}
		if rest > 0 {
			changing = fmt.Sprintf(", %d changing", rest)
		}
		fmt.Fprintf(&b, "all is well: %s applied%s, %s current\n\n", status.Count(applied, "bundle"), changing, status.Count(len(s.Queries), "query"))
	}
	for i, p := range s.Problems {
		if i == most {
			fmt.Fprintf(&b, "%d more: see the table\n", len(s.Problems)-most)
			break
		}
		fmt.Fprintf(&b, "%s\n  %s\n", printable.Line(p.Line), printable.Line(p.Do))
	}
	if !s.Well {
		b.WriteString("\n")
	}
	rows := [][]string{{"BUNDLE", "STATE", "SINCE", "FILES", "LAST CHANGE"}}
	for _, one := range s.Bundles {
		last := "-"
		if one.Last != nil {
			c := *one.Last
			c.Error = "" // which has been told
			last = change(c, s.Time)
		}
		since := "-"
		if !one.Since.IsZero() {
			since = ago(s, one.Since)
		}
		rows = append(rows, []string{one.Name, string(one.State), since, fmt.Sprint(one.Files), last})
	}
	b.WriteString(Table(rows))
	for _, st := range s.Stores {
		fmt.Fprintln(&b, store(st, s.Time))
	}
	for i, l := range s.Leases {
		if i == most {
			fmt.Fprintf(&b, "%d more leases\n", len(s.Leases)-most)
			break
		}
		fmt.Fprintln(&b, l.Line(s.Time))
	}
	if c := s.Child; c != nil {
		fmt.Fprintf(&b, "%q: %s since %s\n", strings.Join(c.Command, " "), c.State, ago(s, c.Since))
	}
	return printable.Text(b.String())
}

// History returns the last changes, the newest first; with steps, each with its steps.
func History(s status.Status, steps bool) string {
	var b strings.Builder
	for i, c := range s.Changes {
		switch {
		case i == 0:
			b.WriteString("\nchanges since the daemon began:\n")
		case i == 20:
			fmt.Fprintf(&b, "%d more: see them with -json\n", len(s.Changes)-i)
			return printable.Text(b.String())
		}
		fmt.Fprintf(&b, "%s  %s\n", c.Bundle, change(c, s.Time))
		if steps {
			b.WriteString(timeline(c))
		}
	}
	return printable.Text(b.String())
}

// Bundle returns why a bundle is as it is: some of its templates, or all, their queries,
// the stores, and its last changes.
func Bundle(s status.Status, b status.Bundle, templates []status.Template) string {
	var out strings.Builder
	fmt.Fprintln(&out, printable.Line(b.Line(s.Time)))
	if do := b.Do(s.Time); do != "" {
		fmt.Fprintf(&out, "  %s\n", printable.Line(do))
	}
	for line := range strings.Lines(b.Why) {
		if b.State != status.Waiting && strings.Contains(b.Why, "\n") { // the first line of it is told
			fmt.Fprintf(&out, "  | %s\n", strings.TrimRight(line, "\n"))
		}
	}
	for line := range strings.Lines(b.Output) {
		fmt.Fprintf(&out, "  | %s\n", strings.TrimRight(line, "\n"))
	}
	if b.Kept != "" {
		fmt.Fprintf(&out, "  the rejected files are in %s\n", b.Kept)
	}
	if len(b.Reload) > 0 {
		fmt.Fprintf(&out, "  reload: %s\n", strings.Join(b.Reload, " "))
	}
	b.Templates = templates
	s = s.Only(b)
	for _, t := range templates {
		fmt.Fprintf(&out, "\n%s\n  template %s: %s\n", cmp.Or(t.Destination, "(no file)"), t.Name, template(t, s.Time))
		for _, w := range t.Warnings {
			fmt.Fprintf(&out, "  %s\n", w)
		}
		for _, name := range t.Queries {
			if i := slices.IndexFunc(s.Queries, func(q status.Query) bool { return q.Query == name }); i >= 0 {
				fmt.Fprintf(&out, "    %s\n", query(s.Queries[i], s.Time, t))
			}
		}
	}
	out.WriteString("\n")
	for _, st := range s.Stores {
		fmt.Fprintln(&out, store(st, s.Time))
	}
	for _, l := range s.Leases {
		fmt.Fprintln(&out, l.Line(s.Time))
	}
	if c := b.Last; c != nil {
		fmt.Fprintf(&out, "\nlast change: %s\n%s", change(*c, s.Time), timeline(*c))
	}
	return printable.Text(out.String())
}

// Query returns why a query is as it is, and who uses it.
func Query(s status.Status, q status.Query) string {
	var b strings.Builder
	fmt.Fprintln(&b, query(q, s.Time, status.Template{}))
	for _, st := range s.Stores {
		if st.Name == q.Store {
			fmt.Fprintf(&b, "  %s\n", store(st, s.Time))
		}
	}
	b.WriteString("\n")
	for _, bundle := range s.Bundles {
		for _, t := range bundle.Templates {
			if slices.Contains(t.Queries, q.Query) {
				fmt.Fprintf(&b, "%s\n  template %s: %s\n", cmp.Or(t.Destination, "(no file)"), t.Name, template(t, s.Time))
			}
		}
	}
	return printable.Text(b.String())
}

// template says what has become of a template.
func template(t status.Template, now time.Time) string {
	switch {
	case t.Error != "":
		return fmt.Sprintf("failed: %s", t.Error)
	case len(t.Waits) > 0 && t.Rendered.IsZero():
		return "waiting since " + status.Duration(now.Sub(t.Since))
	case len(t.Waits) > 0:
		return fmt.Sprintf("waiting since %s, with the file of %s ago", status.Duration(now.Sub(t.Since)), status.Duration(now.Sub(t.Rendered)))
	case !t.Since.IsZero():
		return "being executed since " + status.Duration(now.Sub(t.Since))
	case t.Rendered.IsZero():
		return "not rendered yet"
	}
	return fmt.Sprintf("rendered %s ago: %s (executed in %s)", status.Duration(now.Sub(t.Rendered)), cause(t.Cause), round(t.Took))
}

// query says how a query is, and of a template that waits for it, where it asks.
func query(q status.Query, now time.Time, by status.Template) string {
	text := q.Name + ": "
	switch q.State {
	case "current":
		size := "nothing there"
		if q.Size > 0 {
			size = fmt.Sprintf("size %d", q.Size)
		}
		text += fmt.Sprintf("answered %s ago, %s", status.Duration(now.Sub(q.Answered)), size)
		if q.Index > 0 {
			text += fmt.Sprintf(", index %d", q.Index)
		}
	case "failing":
		text += fmt.Sprintf("fails since %s: %s (attempt %d", status.Duration(now.Sub(q.Failing)), status.FirstLine(q.Error), q.Attempts)
		if q.Answers > 0 {
			text += fmt.Sprintf("; the answer of %s ago is used", status.Duration(now.Sub(q.Answered)))
		}
		text += ")"
	default:
		text += "no answer yet"
	}
	if i := slices.IndexFunc(by.Waits, func(m status.Missing) bool { return m.Query == q.Query }); i >= 0 {
		text += "; missing since " + status.Duration(now.Sub(by.Waits[i].Since))
		if at := by.Waits[i].At; at != "" {
			text += ", " + at
		}
	}
	if slices.Contains(by.Gone, q.Query) {
		text += "; it is gone, and its last value is used"
	}
	if q.Kept != "" {
		text += "; kept current: " + q.Kept
	}
	return text
}

// cause says why something changed.
func cause(c status.Cause) string {
	text := strings.Join(c.Names, ", ")
	if c.More > 0 {
		text += fmt.Sprintf(" and %d more", c.More)
	}
	switch {
	case text != "" && c.Reason == "data":
		return text + " changed"
	case c.Reason == "list":
		return "a list of for_each changed"
	case c.Reason == "start":
		return "first time since the start"
	case c.Reason == "drift":
		return "somebody else had changed the file"
	case c.Reason == "rollback":
		return "somebody rolled back"
	}
	return "its template or configuration changed, or it was tried again"
}

// change says what came of a change.
func change(c status.Change, now time.Time) string {
	if c.Outcome == "" {
		return "under way: " + cause(c.Cause)
	}
	text := c.Outcome
	if c.Generation > 0 {
		text += fmt.Sprintf(" as generation %d", c.Generation)
	}
	text += fmt.Sprintf(" %s ago in %s: %s", status.Duration(now.Sub(c.Began.Add(duration(c.Took)))), round(c.Took), cause(c.Cause))
	if c.Error != "" {
		text += ": " + status.FirstLine(c.Error)
	}
	return text
}

// timeline returns the steps of a change, a line each.
func timeline(c status.Change) string {
	var rows [][]string
	for _, step := range c.Steps {
		took := ""
		if step.Took > 0 {
			took = "took " + round(step.Took)
		}
		rows = append(rows, []string{"  " + step.Name, step.At.Local().Format("15:04:05.000"), took})
	}
	return Table(rows)
}

const most = 5 // how many problems and leases are shown

// store says how a store is.
func store(st status.Store, now time.Time) string {
	text := st.Name + ": " + st.State
	if st.State == "away" {
		text += fmt.Sprintf(" since %s: %s", status.Duration(now.Sub(st.Since)), st.Error)
	}
	for _, p := range st.Parts {
		text += fmt.Sprintf("; %s away since %s: %s", p.Name, status.Duration(now.Sub(p.Since)), p.Error)
	}
	text += "; " + status.Count(st.Queries, "query")
	if st.Failing > 0 {
		text += fmt.Sprintf(", %d failing", st.Failing)
	}
	if st.Requests > 0 {
		text += fmt.Sprintf("; %s made, %d under way", status.Count(st.Requests, "request"), st.Open)
	}
	return text
}

func ago(s status.Status, at time.Time) string { return status.Duration(s.Time.Sub(at)) }

func round(seconds float64) string { return status.Duration(duration(seconds)) }

func duration(seconds float64) time.Duration { return time.Duration(seconds * float64(time.Second)) }

// Table returns rows in columns.
func Table(rows [][]string) string {
	var b bytes.Buffer
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		for i, cell := range row {
			row[i] = printable.Line(cell)
		}
		fmt.Fprintln(w, strings.Join(row, "\t"))
	}
	_ = w.Flush() // to memory
	return b.String()
}
