package hcl1

import (
	"strings"

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
