// Package hcl1 reads configuration files that were written for HCL 1, or for
// its JSON form, into a tree of values with their places.
//
// hcl/v2 cuts a file into tokens, once what it would take for its own
// interpolation is hidden from it ([Source.hidden]). Its grammar does not fit:
// HCL 1 lets a key stand twice, several settings stand on one line, and an
// object stand for a block. HCL 1's is small, and is that of parser.object.
package hcl1

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// A token is a word of a file. Its kind is that of hcl/v2, where a string is a
// TokenOQuote, a heredoc a TokenOHeredoc, and a TokenIdent anything that a name,
// a number or a duration is made of.
type token struct {
	hcl.Range
	kind hclsyntax.TokenType
}

// lex cuts the file into tokens, of which the last is a TokenEOF.
func (p *parser) lex() {
	lexed, _ := hclsyntax.LexConfig(p.hidden(p.json), p.Name, hcl.InitialPos)
	for i := 0; i < len(lexed); i++ {
		t := token{lexed[i].Range, lexed[i].Type}
		switch t.kind {
		case hclsyntax.TokenNewline:
			continue
		case hclsyntax.TokenComment:
			if p.json {
				p.fail(t.Range, "comments are not JSON", `this file begins with "{" and so is read as JSON`)
			}
			continue
		case hclsyntax.TokenOQuote:
			for i++; lexed[i].Type == hclsyntax.TokenQuotedLit; i++ {
			}
			switch lexed[i].Type {
			case hclsyntax.TokenCQuote:
			case hclsyntax.TokenBadUTF8:
				p.fail(lexed[i].Range, "this byte of the string is not UTF-8", "")
			default:
				t.End = lexed[i].Range.Start
				p.fail(t.Range, "this string is never closed", "end it with a double quote on the same line, or use a heredoc")
			}
		case hclsyntax.TokenOHeredoc:
			for i++; lexed[i].Type == hclsyntax.TokenStringLit; i++ {
			}
			if lexed[i].Type != hclsyntax.TokenCHeredoc {
				p.fail(t.Range, "this heredoc is never closed", "end it with a line that is just the word after <<")
			}
		default:
			for isWord(t.kind) && isWord(lexed[i+1].Type) && lexed[i+1].Range.Start == lexed[i].Range.End {
				i++
			}
			if isWord(t.kind) {
				t.kind = hclsyntax.TokenIdent
			}
		}
		t.End = lexed[i].Range.End
		p.tokens = append(p.tokens, t)
	}
}

// isWord reports whether a token of hcl/v2 is a part of what HCL 1 takes for one
// word: a.b, 0x1F, -5, or 10s, which nobody takes.
func isWord(kind hclsyntax.TokenType) bool {
	switch kind {
	case hclsyntax.TokenIdent, hclsyntax.TokenNumberLit, hclsyntax.TokenDot, hclsyntax.TokenMinus:
		return true
	}
	return false
}

// hidden returns the text without what means something to hcl/v2 and nothing to
// HCL 1: "${" and "%{" begin no expression, and a carriage return by itself is a
// blank.
// What stands between "${" and its closing brace is taken as it is, quotes and
// all. The length and the lines of the text stay. The newline at its end is for
// a heredoc that ends with the file.
func (s Source) hidden(json bool) []byte {
	text := []byte(s.Text)
	for i, c := range text {
		switch c {
		case '\r':
			if !strings.HasPrefix(s.Text[i:], "\r\n") {
				text[i] = ' '
			}
		case '%':
			text[i] = '?'
		case '$':
			text[i] = '?'
			if json {
				continue
			}
			for j := range interpolation(s.Text[i:]) {
				if strings.IndexByte(`"\{}`, text[i+j]) >= 0 {
					text[i+j] = '?'
				}
			}
		}
	}
	return append(text, '\n')
}

// interpolation returns the length of the ${…} at the beginning of a text, 0
// where there is none. It does not go beyond the line: in a heredoc, "${" is
// nothing but text. Nor is it longer than anybody writes.
func interpolation(text string) int {
	const longest = 4096
	if !strings.HasPrefix(text, "${") {
		return 0
	}
	depth := 0
	for i, c := range text[:min(len(text), longest)] {
		switch c {
		case '\n':
			return 0
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return 0
}

// A Node is a value in a file.
type Node struct {
	// Value is a string, int64, float64 or bool, []Node for a list, or []Field
	// for an object or a block.
	Value any
	Range hcl.Range
}

// A Field is a setting or block of an object, in the order of the file. A label
// of a block is a block within it.
type Field struct {
	Name  string
	Range hcl.Range // of the name
	Value Node
}

// Block returns the fields of an object or a block.
func (n Node) Block() (fields []Field, ok bool) {
	fields, ok = n.Value.([]Field)
	return fields, ok
}

// List returns the elements of a list.
func (n Node) List() (items []Node, ok bool) {
	items, ok = n.Value.([]Node)
	return items, ok
}

// Blocks returns the blocks that n stands for: itself, or the elements of a
// list, which is how JSON repeats a block. It is nil where n is neither.
func (n Node) Blocks() []Node {
	if _, ok := n.Block(); ok {
		return []Node{n}
	}
	items, _ := n.List()
	for _, item := range items {
		if _, ok := item.Block(); !ok {
			return nil
		}
	}
	return items
}

// String names the value in error messages.
func (n Node) String() string {
	switch v := n.Value.(type) {
	case string:
		return "the string " + shorten(strconv.Quote(v))
	case int64, float64:
		return fmt.Sprintf("the number %v", v)
	case bool:
		return fmt.Sprint(v)
	case []Node:
		return "a list"
	}
	return "a block"
}

// shorten keeps messages to one line.
func shorten(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:37]) + "…"
	}
	return s
}

// Quote writes a string so that Parse reads it back. What follows "${" is taken
// as it is there, so that dollar is written as its code.
func Quote(s string) string {
	quoted := strconv.Quote(s)
	if !utf8.ValidString(s) {
		quoted = strconv.QuoteToASCII(s)
	}
	return strings.ReplaceAll(quoted, "${", `\x24{`)
}

// A Position is a place in a configuration file. The zero Position is none.
type Position struct {
	File   string // the path as it was given, or CT_LOCAL_CONFIG
	Line   int    // from 1
	Column int    // from 1, in characters
}

// String returns file:line:column.
func (p Position) String() string { return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column) }

// PositionOf returns where a range begins.
func PositionOf(r hcl.Range) Position {
	return Position{File: r.Filename, Line: r.Start.Line, Column: r.Start.Column}
}

// A Diagnostic is one thing that is wrong, or doubtful, at one place.
type Diagnostic struct {
	Position        // zero where no file is to blame
	Message  string // what is wrong, in one line
	Hint     string // what to do about it, or ""
	Line     string // the offending line, or ""
	Width    int    // how many characters of it, from Column, at least 1
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
		// Of a very long line the part around Column is shown. Tabs before the
		// marks stay tabs, so that the marks stand right.
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
		pad := notTab.ReplaceAllString(string(text[:column]), " ")
		marks := strings.Repeat("^", max(1, min(d.Width, len(text)-column)))
		fmt.Fprintf(&b, "\n%5d | %s\n      | %s%s", d.Position.Line, string(text), pad, marks)
	}
	if d.Hint != "" {
		fmt.Fprintf(&b, "\n      = %s", d.Hint)
	}
	return b.String()
}

var notTab = regexp.MustCompile(`[^\t]`)

// CutAfter takes out of the line what stands after the offending characters.
func (d *Diagnostic) CutAfter() {
	if line := []rune(d.Line); d.Column-1+d.Width < len(line) {
		d.Line = string(line[:d.Column-1+d.Width]) + " …"
	}
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

// A Source is the text of one file.
type Source struct {
	Name, Text string

	// Secrets are the names of settings whose values no diagnostic shows.
	Secrets []string
}

// Diagnose makes a diagnostic about a part of the file.
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
