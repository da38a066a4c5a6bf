package hcl1

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// maxDepth is how deep brackets may nest. No configuration needs more than 5.
const maxDepth = 50

// A parser reads one file. What is wrong with a literal is noted; after any
// other mistake the rest is not looked at.
type parser struct {
	Source
	json     bool
	tokens   []token
	at       int // the next token
	depth    int
	failed   bool
	problems Diagnostics
}

// Parse reads a file. One that begins with a brace is JSON. Either the fields or
// the diagnostics are nil.
func Parse(src Source) ([]Field, Diagnostics) {
	text := strings.TrimLeft(src.Text, "\ufeff \t\r\n\v\f\u0085\u00a0")
	p := &parser{Source: src, json: strings.HasPrefix(text, "{")}
	p.lex()
	if p.failed {
		return nil, p.problems
	}
	var fields []Field
	if p.json {
		fields, _ = p.value(p.next()).Block()
		if t := p.next(); t.kind != hclsyntax.TokenEOF {
			p.expected("the end of the file", t, "")
		}
	} else {
		fields = p.object(token{kind: hclsyntax.TokenEOF})
	}
	if p.problems != nil {
		return nil, p.problems
	}
	return fields, nil
}

// peek returns the next token, at the end of the file the TokenEOF.
func (p *parser) peek() token { return p.tokens[p.at] }

// next goes on to the token after it.
func (p *parser) next() token {
	t := p.peek()
	p.at = min(p.at+1, len(p.tokens)-1)
	return t
}

func (p *parser) problem(at hcl.Range, message, hint string) {
	p.problems = append(p.problems, p.Diagnose(at, message, hint))
}

// fail notes what is wrong and goes to the end of the file.
func (p *parser) fail(at hcl.Range, message, hint string) {
	if !p.failed {
		p.problem(at, message, hint)
	}
	p.failed = true
	p.at = max(0, len(p.tokens)-1)
}

// form is how HCL is written, for hints.
const form = "write key = value, or key { … } for a block"

// expected fails because of a token. The end of the file is shown at the token
// before it.
func (p *parser) expected(what string, t token, hint string) {
	at := t.Range
	if t.kind == hclsyntax.TokenEOF && len(p.tokens) > 1 {
		at = p.tokens[len(p.tokens)-2].Range
	}
	p.fail(at, fmt.Sprintf("expected %s, found %s", what, p.text(t)), cmp.Or(p.hint(t), hint))
}

// object reads settings and blocks, up to the brace that closes opener, or to
// the end of the file where opener is TokenEOF.
func (p *parser) object(opener token) []Field {
	closer := hclsyntax.TokenEOF
	if opener.kind == hclsyntax.TokenOBrace {
		closer = hclsyntax.TokenCBrace
	}
	fields := []Field{}
	for {
		t := p.next()
		switch {
		case t.kind == closer:
			return fields
		case t.kind == hclsyntax.TokenEOF:
			p.fail(opener.Range, `this "{" is never closed`, "")
			return fields
		case !p.isName(t):
			p.expected("the name of a setting or block", t, form)
			return fields
		}
		fields = append(fields, p.field(t))
		if p.peek().kind == hclsyntax.TokenComma {
			p.next()
		}
	}
}

// field reads what follows a name: a value, or a block with its labels.
func (p *parser) field(name token) Field {
	f := Field{Name: p.name(name), Range: name.Range}
	equals, after := hclsyntax.TokenEqual, `"=" or "{"`
	if p.json {
		equals, after = hclsyntax.TokenColon, `":"`
	}
	first := p.next()
	t, labels := first, []token(nil)
	for !p.json && p.isName(t) {
		labels = append(labels, t)
		t = p.next()
	}
	switch {
	case t.kind == equals && labels == nil:
		f.Value = p.value(p.next())
	case t.kind == hclsyntax.TokenOBrace && !p.json:
		f.Value = p.value(t)
	default:
		p.expected(after+" after "+p.text(name), first, form)
	}
	for _, label := range slices.Backward(labels) {
		block := []Field{{Name: p.name(label), Range: label.Range, Value: f.Value}}
		f.Value = Node{Value: block, Range: hcl.RangeBetween(label.Range, f.Value.Range)}
	}
	return f
}

// value reads the value that begins with t.
func (p *parser) value(t token) Node {
	n := Node{Range: t.Range}
	if p.depth++; p.depth > maxDepth {
		p.fail(t.Range, "this is nested too deep", "")
	}
	switch t.kind {
	case hclsyntax.TokenOBrace:
		n.Value = p.object(t)
	case hclsyntax.TokenOBrack:
		n.Value = p.list(t)
	case hclsyntax.TokenOQuote, hclsyntax.TokenOHeredoc, hclsyntax.TokenIdent:
		n.Value = p.literal(t)
	default:
		p.expected("a value", t, "")
	}
	p.depth--
	n.Range.End = p.tokens[max(0, p.at-1)].End
	return n
}

// list reads the elements of a list. HCL 1 does not mind commas too many.
func (p *parser) list(opener token) []Node {
	items := []Node{}
	for {
		t := p.next()
		switch t.kind {
		case hclsyntax.TokenCBrack:
			return items
		case hclsyntax.TokenEOF:
			p.fail(opener.Range, `this "[" is never closed`, "")
			return items
		case hclsyntax.TokenComma:
			continue
		}
		items = append(items, p.value(t))
		if after := p.peek(); after.kind != hclsyntax.TokenComma && after.kind != hclsyntax.TokenCBrack {
			p.expected(`"," or "]" after an element of a list`, after, "")
		}
	}
}

// isName reports whether a token can be the name of a setting or block.
func (p *parser) isName(t token) bool {
	return t.kind == hclsyntax.TokenOQuote || t.kind == hclsyntax.TokenIdent && !p.json && isIdentifier(p.raw(t))
}

// raw returns a token as it stands in the file.
func (p *parser) raw(t token) string {
	return p.Text[min(t.Start.Byte, len(p.Text)):min(t.End.Byte, len(p.Text))]
}

// text names a token in messages.
func (p *parser) text(t token) string {
	switch t.kind {
	case hclsyntax.TokenEOF:
		return "the end of the file"
	case hclsyntax.TokenBadUTF8:
		return "a byte that is not UTF-8"
	case hclsyntax.TokenInvalid:
		r, _ := utf8.DecodeRuneInString(p.raw(t))
		return fmt.Sprintf("the character %U", r)
	}
	return shorten(p.raw(t))
}

// hint says what may be meant by a token that cannot stand where it does.
func (p *parser) hint(t token) string {
	rest := p.Text[min(t.Start.Byte, len(p.Text)):]
	switch {
	case strings.HasPrefix(rest, "'"):
		return "a string stands in double quotes"
	case strings.HasPrefix(rest, "/*"):
		return "this comment is never closed: end it with */"
	case strings.HasPrefix(rest, "<<"):
		return "a heredoc begins with << or <<- and a word, alone at the end of its line"
	case p.json && t.kind == hclsyntax.TokenIdent:
		return fmt.Sprintf("names and strings of JSON stand in double quotes: %q", p.raw(t))
	case p.json:
		return `this file begins with "{" and so is read as JSON: "key": value`
	}
	return ""
}
