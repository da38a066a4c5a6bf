package config

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// A Diagnostic is one thing that is wrong, or doubtful, at one place.
type Diagnostic struct {
	Position          // zero where no file is to blame
	Message  string   // what is wrong, in one line
	Hint     string   // what to do about it, or ""
	Line     string   // the offending line, or ""
	Width    int      // how many characters of it, from Column, at least 1
	Related  Position // another place that has to do with it, or zero
}

// Error returns the diagnostic as compilers print it: place and message, then
// the line with carets under what is meant, then the hint.
func (d Diagnostic) Error() string {
	var b strings.Builder
	if d.Position != (Position{}) {
		fmt.Fprintf(&b, "%s: ", d.Position)
	}
	b.WriteString(d.Message)
	if d.Line != "" {
		gutter := fmt.Sprintf("%5d | ", d.Position.Line)
		fmt.Fprintf(&b, "\n%s%s\n%s%s", gutter, d.Line, blank(gutter), d.carets())
	}
	if d.Hint != "" {
		fmt.Fprintf(&b, "\n      = %s", d.Hint)
	}
	return b.String()
}

// carets returns the marks that stand under the offending characters. Tabs
// before them stay tabs, so that the marks stand right.
func (d Diagnostic) carets() string {
	var b strings.Builder
	column := 1
	for _, r := range d.Line {
		if column == d.Column {
			break
		}
		if r != '\t' {
			r = ' '
		}
		b.WriteRune(r)
		column++
	}
	room := utf8.RuneCountInString(d.Line) - d.Column + 1
	return b.String() + strings.Repeat("^", max(1, min(d.Width, room)))
}

// blank returns the gutter of a line that has no number.
func blank(gutter string) string {
	return strings.Repeat(" ", len(gutter)-2) + "| "
}

// Diagnostics are all that is wrong with one file.
type Diagnostics []Diagnostic

// Error returns the diagnostics one after another.
func (ds Diagnostics) Error() string {
	texts := make([]string, len(ds))
	for i, d := range ds {
		texts[i] = d.Error()
	}
	return strings.Join(texts, "\n")
}

// diagnose makes a diagnostic about the bytes from start to end of a source.
func (s *source) diagnose(start, end int, message, hint string) Diagnostic {
	d := Diagnostic{Position: s.position(start), Message: message, Hint: hint}
	d.Line = s.line(d.Position.Line)
	end = min(max(end, start), len(s.text))
	d.Width = utf8.RuneCountInString(s.text[min(start, end):end])
	return d
}
