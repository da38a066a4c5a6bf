package hcl1

import (
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// A token is a token of HCL 1. Its kind is that of hcl/v2: a whole string is a
// TokenOQuote, a whole heredoc a TokenOHeredoc, and a name or number a TokenIdent.
type token struct {
	hcl.Range
	kind hclsyntax.TokenType
}

// lex splits the file into tokens. The last is a TokenEOF.
func (p *parser) lex() {
	lexed, _ := hclsyntax.LexConfig(p.hidden(), p.Name, hcl.InitialPos)
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

// isWord reports whether a token of hcl/v2 is part of a word of HCL 1, such as a.b,
// 0x1F or -5.
func isWord(kind hclsyntax.TokenType) bool {
	switch kind {
	case hclsyntax.TokenIdent, hclsyntax.TokenNumberLit, hclsyntax.TokenDot, hclsyntax.TokenMinus:
		return true
	}
	return false
}

// hidden returns the text without what only hcl/v2 interprets: "${" and "%{" begin no
// expression in HCL 1, and a lone carriage return is white space. Text in "${…}" is
// literal, including quotes. The length and the lines of the text do not change.
func (p *parser) hidden() []byte {
	text := []byte(p.Text)
	for i, c := range text {
		switch c {
		case '\r':
			if !strings.HasPrefix(p.Text[i:], "\r\n") {
				text[i] = ' '
			}
		case '%':
			text[i] = '?'
		case '$':
			text[i] = '?'
			if p.json {
				continue
			}
			for j := range interpolation(p.Text[i:]) {
				if strings.IndexByte(`"\{}`, text[i+j]) >= 0 {
					text[i+j] = '?'
				}
			}
		}
	}
	return text
}

// interpolation returns the length of the ${…} at the beginning of a text, 0 if there
// is none. It ends on the same line, because "${" in a heredoc is plain text, and within
// 4096 bytes.
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
