package config

import (
	"fmt"
	"regexp"
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
		shown, marks := d.excerpt()
		gutter := fmt.Sprintf("%5d | ", d.Position.Line)
		fmt.Fprintf(&b, "\n%s%s\n%s%s", gutter, shown, blank(gutter), marks)
	}
	if d.Hint != "" {
		fmt.Fprintf(&b, "\n      = %s", d.Hint)
	}
	return b.String()
}

// excerpt returns the line, of a very long one the part around Column, and the
// marks that stand under the offending characters. Tabs before them stay tabs,
// so that the marks stand right.
func (d Diagnostic) excerpt() (line, marks string) {
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
	pad := make([]rune, column)
	for i := range pad {
		pad[i] = ' '
		if text[i] == '\t' {
			pad[i] = '\t'
		}
	}
	width := max(1, min(d.Width, len(text)-column))
	return string(text), string(pad) + strings.Repeat("^", width)
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
	at := s.position(start)
	line := s.line(at.Line)
	d := Diagnostic{Position: at, Message: message, Hint: hint, Line: line, Width: 1}
	if start < end && end <= len(s.text) {
		d.Width = utf8.RuneCountInString(s.text[start:end])
	}
	d.hideSecret(start - s.lines[at.Line-1])
	return d
}

// hideSecret takes out what follows "token =" and the like, as far as it
// stands in the line. The diagnostic is about the byte at offset of the line.
func (d *Diagnostic) hideSecret(offset int) {
	secret := secretAt(d.Line)
	switch {
	case secret < 0:
	case offset < secret:
		d.Line = d.Line[:secret] + " …"
	case strings.TrimSpace(d.Line[secret:offset]) == "":
		d.Message, d.Hint, d.Line = "expected a string in double quotes", "", ""
	default:
		d.Line = ""
	}
}

// cutAfter takes out the line after what the diagnostic is about.
func (d *Diagnostic) cutAfter() {
	if line := []rune(d.Line); d.Column-1+d.Width < len(line) {
		d.Line = string(line[:d.Column-1+d.Width]) + " …"
	}
}

// secretNames returns how the settings that are secrets end.
func secretNames() []string {
	return []string{"token", "password", "auth_password", "k8s_service_account_token", "secret_id"}
}

// secretKey finds the end of "token =" and the like.
var secretKey = regexp.MustCompile(`\b(` + strings.Join(secretNames(), "|") + `)"?\s*[=:]`)

// secretAt returns where in a line the value of a secret begins, -1 for
// nowhere.
func secretAt(line string) int {
	if found := secretKey.FindStringIndex(line); found != nil {
		return found[1]
	}
	return -1
}
