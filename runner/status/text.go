package status

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// Text returns the state as people read it. The first line says what is wrong, and
// the second what to do; then come all bundles and stores.
func (s Status) Text() string {
	var b strings.Builder
	if s.Well {
		applied := len(s.Bundles)
		for _, one := range s.Bundles {
			if one.State != Applied {
				applied--
			}
		}
		moving := ""
		if n := len(s.Bundles) - applied; n > 0 {
			moving = fmt.Sprintf(", %d changing", n)
		}
		fmt.Fprintf(&b, "all is well: %s applied%s, %s current\n\n", count(applied, "bundle"), moving, count(len(s.Queries), "query"))
	}
	for i, p := range s.Problems {
		if i == most {
			fmt.Fprintf(&b, "%d more: see the table\n", len(s.Problems)-most)
			break
		}
		fmt.Fprintf(&b, "%s\n  %s\n", p.Line, p.Do)
	}
	if !s.Well {
		b.WriteString("\n")
	}
	rows := [][]string{{"BUNDLE", "STATE", "SINCE", "FILES", "LAST CHANGE"}}
	for _, one := range s.Bundles {
		last := "-"
		if one.Last != nil {
			last = one.Last.Text(s.Time)
		}
		since := "-"
		if !one.Since.IsZero() {
			since = s.ago(one.Since)
		}
		rows = append(rows, []string{one.Name, string(one.State), since, fmt.Sprint(len(one.Templates)), last})
	}
	b.WriteString(table(rows))
	for _, st := range s.Stores {
		fmt.Fprintln(&b, st.Text(s.Time))
	}
	for i, l := range s.Leases {
		if i == most {
			fmt.Fprintf(&b, "%d more leases\n", len(s.Leases)-most)
			break
		}
		fmt.Fprintln(&b, l.Line(s.Time))
	}
	if c := s.Child; c != nil {
		fmt.Fprintf(&b, "%q: %s since %s\n", strings.Join(c.Command, " "), c.State, s.ago(c.Since))
	}
	return b.String()
}

// History returns the last changes, the newest first; with steps, each with its steps.
func (s Status) History(steps bool) string {
	var b strings.Builder
	for i, c := range s.Changes {
		switch {
		case i == 0:
			b.WriteString("\nchanges since the daemon began:\n")
		case i == 20:
			fmt.Fprintf(&b, "%d more: see them with -json\n", len(s.Changes)-i)
			return b.String()
		}
		fmt.Fprintf(&b, "%s  %s\n", c.Bundle, c.Text(s.Time))
		if steps {
			b.WriteString(c.Timeline())
		}
	}
	return b.String()
}

// Find returns a bundle by its name, or by that of one of its files; nil where
// there is none.
func (s Status) Find(name string) *Bundle {
	at := slices.IndexFunc(s.Bundles, func(b Bundle) bool { return b.Name == name })
	if at < 0 {
		at = slices.IndexFunc(s.Bundles, func(b Bundle) bool {
			return slices.ContainsFunc(b.Templates, func(t Template) bool { return t.Destination == name || t.Name == name })
		})
	}
	if at < 0 {
		return nil
	}
	return &s.Bundles[at]
}

// Only returns the part of s that is about one bundle.
func (s Status) Only(b Bundle) Status {
	uses := make(map[string]bool)
	for _, t := range b.Templates {
		for _, q := range t.Queries {
			uses[q] = true
		}
	}
	s.Bundles = []Bundle{b}
	s.Queries = slices.DeleteFunc(slices.Clone(s.Queries), func(q Query) bool { return !uses[q.Query] })
	s.Stores = slices.DeleteFunc(slices.Clone(s.Stores), func(st Store) bool {
		return !slices.ContainsFunc(s.Queries, func(q Query) bool { return q.Store == st.Name })
	})
	s.Leases = slices.DeleteFunc(slices.Clone(s.Leases), func(l Lease) bool { return !uses[l.Query] })
	s.Changes = slices.DeleteFunc(slices.Clone(s.Changes), func(c Change) bool { return c.Bundle != b.Name })
	s.Problems = slices.DeleteFunc(slices.Clone(s.Problems), func(p Problem) bool { return p.Bundle != b.Name })
	s.Well, s.Child = len(s.Problems) == 0, nil
	return s
}

// About returns the part of s that is about one query.
func (s Status) About(q Query) Status {
	s.Queries = []Query{q}
	s.Bundles = slices.DeleteFunc(slices.Clone(s.Bundles), func(b Bundle) bool {
		return !slices.ContainsFunc(b.Templates, func(t Template) bool { return slices.Contains(t.Queries, q.Query) })
	})
	s.Stores = slices.DeleteFunc(slices.Clone(s.Stores), func(st Store) bool { return st.Name != q.Store })
	s.Leases = slices.DeleteFunc(slices.Clone(s.Leases), func(l Lease) bool { return l.Query != q.Query })
	s.Changes, s.Problems, s.Child = []Change{}, []Problem{}, nil
	s.Well = q.State == "current"
	return s
}

// ExplainBundle returns why a bundle is as it is: its templates, their queries, the
// stores, and its last changes.
func (s Status) ExplainBundle(b Bundle) string {
	s = s.Only(b)
	var out strings.Builder
	fmt.Fprintln(&out, b.Line(s.Time))
	if do := b.Do(s.Time); do != "" {
		fmt.Fprintf(&out, "  %s\n", do)
	}
	for line := range strings.Lines(b.Why) {
		if b.State != Waiting && strings.Contains(b.Why, "\n") { // the first line of it is told
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
	for _, t := range b.Templates {
		fmt.Fprintf(&out, "\n%s\n  template %s: %s\n", cmp.Or(t.Destination, "(no file)"), t.Name, t.Text(s.Time))
		for _, w := range t.Warnings {
			fmt.Fprintf(&out, "  %s\n", w)
		}
		for _, name := range t.Queries {
			if i := slices.IndexFunc(s.Queries, func(q Query) bool { return q.Query == name }); i >= 0 {
				fmt.Fprintf(&out, "    %s\n", s.Queries[i].text(s.Time, t))
			}
		}
	}
	out.WriteString("\n")
	for _, st := range s.Stores {
		fmt.Fprintln(&out, st.Text(s.Time))
	}
	for _, l := range s.Leases {
		fmt.Fprintln(&out, l.Line(s.Time))
	}
	if c := b.Last; c != nil {
		fmt.Fprintf(&out, "\nlast change: %s\n%s", c.Text(s.Time), c.Timeline())
	}
	return out.String()
}

// ExplainQuery returns why a query is as it is, and who uses it.
func (s Status) ExplainQuery(q Query) string {
	var b strings.Builder
	fmt.Fprintln(&b, q.text(s.Time, Template{}))
	for _, st := range s.Stores {
		if st.Name == q.Store {
			fmt.Fprintf(&b, "  %s\n", st.Text(s.Time))
		}
	}
	b.WriteString("\n")
	for _, bundle := range s.Bundles {
		for _, t := range bundle.Templates {
			if slices.Contains(t.Queries, q.Query) {
				fmt.Fprintf(&b, "%s\n  template %s: %s\n", cmp.Or(t.Destination, "(no file)"), t.Name, t.Text(s.Time))
			}
		}
	}
	return b.String()
}

// FindQueries returns the queries that a text means: by their identity, by their
// plain words, or by the name of what they ask for.
func (s Status) FindQueries(text string) (found []Query) {
	for _, q := range s.Queries {
		if q.Query == text || q.Name == text || strings.HasSuffix(q.Name, " "+text) {
			found = append(found, q)
		}
	}
	return found
}

// Text says what has become of a template.
func (t Template) Text(now time.Time) string {
	switch {
	case t.Error != "":
		return fmt.Sprintf("failed: %s", t.Error)
	case len(t.Waits) > 0 && t.Rendered.IsZero():
		return "waiting since " + duration(now.Sub(t.Since))
	case len(t.Waits) > 0:
		return fmt.Sprintf("waiting since %s, with the file of %s ago", duration(now.Sub(t.Since)), duration(now.Sub(t.Rendered)))
	case !t.Since.IsZero():
		return "being executed since " + duration(now.Sub(t.Since))
	case t.Rendered.IsZero():
		return "not rendered yet"
	}
	return fmt.Sprintf("rendered %s ago: %s (executed in %s)", duration(now.Sub(t.Rendered)), t.Cause.Text(), round(t.Took))
}

// text says how a query is, and of a template that waits for it, where it asks.
func (q Query) text(now time.Time, by Template) string {
	text := q.Query + ": "
	switch q.State {
	case "current":
		size := "nothing there"
		if q.Size > 0 {
			size = fmt.Sprintf("size %d", q.Size)
		}
		text += fmt.Sprintf("answered %s ago, %s", duration(now.Sub(q.Answered)), size)
		if q.Index > 0 {
			text += fmt.Sprintf(", index %d", q.Index)
		}
	case "failing":
		text += fmt.Sprintf("fails since %s: %s (attempt %d", duration(now.Sub(q.Failing)), firstLine(q.Error), q.Attempts)
		if q.Answers > 0 {
			text += fmt.Sprintf("; the answer of %s ago is used", duration(now.Sub(q.Answered)))
		}
		text += ")"
	default:
		text += "no answer yet"
	}
	if i := slices.IndexFunc(by.Waits, func(m Missing) bool { return m.Query == q.Query }); i >= 0 {
		text += "; missing since " + duration(now.Sub(by.Waits[i].Since))
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

// Text says why.
func (c Cause) Text() string {
	text := strings.Join(c.Queries, ", ")
	if c.More > 0 {
		text += fmt.Sprintf(" and %d more", c.More)
	}
	switch {
	case text != "" && c.Reason == "data":
		return text + " changed"
	case c.Reason == "start":
		return "first time since the start"
	case c.Reason == "drift":
		return "somebody else had changed the file"
	case c.Reason == "rollback":
		return "somebody rolled back"
	}
	return "its template or configuration changed, or it was tried again"
}

// Text says what came of a change.
func (c Change) Text(now time.Time) string {
	if c.Outcome == "" {
		return "under way: " + c.Cause.Text()
	}
	text := c.Outcome
	if c.Generation > 0 {
		text += fmt.Sprintf(" as generation %d", c.Generation)
	}
	text += fmt.Sprintf(" %s ago in %s: %s", duration(now.Sub(c.Began.Add(time.Duration(c.Took)))), round(c.Took), c.Cause.Text())
	if c.Error != "" {
		text += ": " + firstLine(c.Error)
	}
	return text
}

// Timeline returns the steps of a change, a line each.
func (c Change) Timeline() string {
	var rows [][]string
	for _, step := range c.Steps {
		took := ""
		if step.Took > 0 {
			took = "took " + round(step.Took)
		}
		rows = append(rows, []string{"  " + step.Name, step.At.Local().Format("15:04:05.000"), took})
	}
	return table(rows)
}

// Text says how a store is.
func (st Store) Text(now time.Time) string {
	text := st.Name + ": " + st.State
	if st.State == "away" {
		text += fmt.Sprintf(" since %s: %s", duration(now.Sub(st.Since)), st.Error)
	}
	for _, p := range st.Parts {
		text += fmt.Sprintf("; %s away since %s: %s", p.Name, duration(now.Sub(p.Since)), p.Error)
	}
	text += "; " + count(st.Queries, "query")
	if st.Failing > 0 {
		text += fmt.Sprintf(", %d failing", st.Failing)
	}
	if st.Requests > 0 {
		text += fmt.Sprintf("; %s made, %d under way", count(st.Requests, "request"), st.Open)
	}
	return text
}

// count returns "1 query", "2 queries".
func count(n int, noun string) string {
	switch {
	case n == 1:
	case strings.HasSuffix(noun, "y"):
		noun = strings.TrimSuffix(noun, "y") + "ies"
	default:
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}

func round(s Seconds) string { return duration(time.Duration(s)) }

// table returns rows in columns.
func table(rows [][]string) string {
	var b bytes.Buffer
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		fmt.Fprintln(w, strings.Join(row, "\t"))
	}
	_ = w.Flush() // to memory
	return b.String()
}
