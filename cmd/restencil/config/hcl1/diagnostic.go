package hcl1

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"

	"restencil/watch/lazyregexp"
)

// A Position is a position in a configuration file. The zero Position is none.
type Position struct {
	File   string // the path as given, or CT_LOCAL_CONFIG
	Line   int    // from 1
	Column int    // from 1, in characters
}

// String returns file:line:column.
func (p Position) String() string { return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column) }

// PositionOf returns where a range begins.
func PositionOf(r hcl.Range) Position {
	return Position{File: r.Filename, Line: r.Start.Line, Column: r.Start.Column}
}

// A Diagnostic is an error or a warning about one place.
type Diagnostic struct {
	Position        // zero if it is not about a file
	Message  string // what is wrong, in one line
	Hint     string // what to do about it, or ""
	Line     string // the line at Position, or ""
	Width    int    // the number of characters that are wrong, from Column, at least 1
}

// Error formats the diagnostic as compilers do: position and message, then the line
// with carets under the wrong characters, then the hint.
func (d Diagnostic) Error() string {
	var b strings.Builder
	if d.Position != (Position{}) {
		fmt.Fprintf(&b, "%s: ", d.Position)
	}
	b.WriteString(d.Message)
	if d.Line != "" {
		// Of a very long line, show the part around Column. Tabs before the carets
		// stay tabs, so that the carets are aligned.
		const before, after = 60, 100
		text := []rune(d.Line)
		column := min(d.Column-1, len(text))
		if len(text) > column+after {
			text = append(text[:column+after:column+after], '…')
		}
		if column > after {
			text = append([]rune{'…'}, text[column-before:]...)
			column = before + 1
		}
		pad := notTab.Get().ReplaceAllString(string(text[:column]), " ")
		marks := strings.Repeat("^", max(1, min(d.Width, len(text)-column)))
		fmt.Fprintf(&b, "\n%5d | %s\n      | %s%s", d.Position.Line, string(text), pad, marks)
	}
	if d.Hint != "" {
		fmt.Fprintf(&b, "\n      = %s", d.Hint)
	}
	return b.String()
}

var notTab = lazyregexp.New(`[^\t]`)

// CutAfter removes what follows the wrong characters from the line.
func (d *Diagnostic) CutAfter() {
	if line := []rune(d.Line); d.Column-1+d.Width < len(line) {
		d.Line = string(line[:d.Column-1+d.Width]) + " …"
	}
}

// A Source is the text of one file.
type Source struct {
	Name, Text string

	// Secrets are the names of settings whose values are not shown in diagnostics.
	Secrets []string
}

// Diagnose returns a diagnostic about a part of the file.
func (s Source) Diagnose(at hcl.Range, message, hint string) Diagnostic {
	begin, end := min(at.Start.Byte, len(s.Text)), min(at.End.Byte, len(s.Text))
	first := strings.LastIndexByte(s.Text[:begin], '\n') + 1
	line, _, _ := strings.Cut(s.Text[first:], "\n")
	d := Diagnostic{
		Position: PositionOf(at),
		Message:  message,
		Hint:     hint,
		Line:     strings.TrimSuffix(line, "\r"),
		Width:    max(1, utf8.RuneCountInString(s.Text[begin:end])),
	}
	// What follows "token =" and the like is not shown.
	key := regexp.MustCompile(`\b(` + strings.Join(s.Secrets, "|") + `)"?\s*[=:]`)
	found := key.FindStringIndex(d.Line)
	if found == nil || len(s.Secrets) == 0 {
		return d
	}
	secret, offset := found[1], begin-first
	switch {
	case offset < secret:
		d.Line = d.Line[:secret] + " …"
	case strings.TrimSpace(d.Line[secret:offset]) == "":
		d.Message, d.Hint, d.Line = "expected a string in double quotes", "", ""
	default:
		d.Line = ""
	}
	return d
}
