package hcl1

import (
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
	at       int   // the next token
	last     token // the one before the one that next has returned
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
			p.fail(t.Range, "expected the end of the file, found "+p.text(t), "")
		}
	} else {
		fields = p.object(token{kind: hclsyntax.TokenEOF})
	}
	if p.problems != nil {
		return nil, p.problems
	}
	return fields, nil
}

func (p *parser) peek() token { return p.tokens[p.at] }

// next returns the next token, at the end of the file the TokenEOF each time.
func (p *parser) next() token {
	t := p.tokens[p.at]
	p.last = p.tokens[max(0, p.at-1)]
	p.at = min(p.at+1, len(p.tokens)-1)
	return t
}

func (p *parser) problem(at hcl.Range, message, hint string) {
	p.problems = append(p.problems, p.Diagnose(at, message, hint))
}

// fail notes what is wrong and goes to the end of the file. What is wrong with
// that is shown at the token before it.
func (p *parser) fail(at hcl.Range, message, hint string) {
	if at.Start.Byte >= len(p.Text) {
		at = p.last.Range
	}
	if !p.failed {
		p.problem(at, message, hint)
	}
	p.failed = true
	p.at = max(0, len(p.tokens)-1)
}

// object reads settings and blocks, up to the end of what opener opens, or of
// the file.
func (p *parser) object(opener token) []Field {
	fields := []Field{}
	for {
		t := p.next()
		switch {
		case p.closes(t, opener):
			return fields
		case !p.isName(t):
			p.fail(t.Range, "expected the name of a setting or block, found "+p.text(t), p.hint(t))
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
	equals := hclsyntax.TokenEqual
	if p.json {
		equals = hclsyntax.TokenColon
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
	case p.json:
		p.fail(first.Range, fmt.Sprintf(`expected ":" after %s, found %s`, p.text(name), p.text(first)), p.hint(first))
	default:
		p.fail(first.Range, fmt.Sprintf(`expected "=" or "{" after %s, found %s`, p.text(name), p.text(first)), p.hint(first))
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
	switch t.kind {
	case hclsyntax.TokenOBrace, hclsyntax.TokenOBrack:
		if p.depth++; p.depth > maxDepth {
			p.fail(t.Range, "this is nested too deep", "")
		}
		if t.kind == hclsyntax.TokenOBrace {
			n.Value = p.object(t)
		} else {
			n.Value = p.list(t)
		}
		p.depth--
		n.Range.End = p.tokens[max(0, p.at-1)].End
	case hclsyntax.TokenOQuote, hclsyntax.TokenOHeredoc, hclsyntax.TokenIdent:
		n.Value = p.literal(t)
	case hclsyntax.TokenCBrace, hclsyntax.TokenCBrack, hclsyntax.TokenComma, hclsyntax.TokenEOF:
		p.fail(p.last.Range, "a value is missing after this", p.hint(p.last))
	default:
		p.fail(t.Range, "expected a value, found "+p.text(t), p.hint(t))
	}
	return n
}

// list reads the elements of a list. HCL 1 does not mind commas too many.
func (p *parser) list(opener token) []Node {
	items := []Node{}
	for {
		t := p.next()
		switch {
		case p.closes(t, opener):
			return items
		case t.kind == hclsyntax.TokenComma:
			continue
		}
		items = append(items, p.value(t))
		switch after := p.peek(); after.kind {
		case hclsyntax.TokenComma, hclsyntax.TokenCBrack, hclsyntax.TokenCBrace, hclsyntax.TokenEOF:
		default:
			p.fail(after.Range, "expected a comma between the elements of a list, found "+p.text(after), "")
		}
	}
}

// closes reports whether t ends what opener begins, where TokenEOF begins the
// file, and complains where it ends something else.
func (p *parser) closes(t, opener token) bool {
	closer := map[hclsyntax.TokenType]hclsyntax.TokenType{
		hclsyntax.TokenOBrace: hclsyntax.TokenCBrace,
		hclsyntax.TokenOBrack: hclsyntax.TokenCBrack,
		hclsyntax.TokenEOF:    hclsyntax.TokenEOF,
	}[opener.kind]
	switch t.kind {
	case closer:
	case hclsyntax.TokenEOF:
		p.fail(opener.Range, fmt.Sprintf("this %q is never closed", rune(opener.kind)), "")
	case hclsyntax.TokenCBrace, hclsyntax.TokenCBrack:
		message := fmt.Sprintf("%q closes nothing", rune(t.kind))
		if opener.kind != hclsyntax.TokenEOF {
			message = fmt.Sprintf("%q cannot close the %q of %s", rune(t.kind), rune(opener.kind), PositionOf(opener.Range))
		}
		p.fail(t.Range, message, "")
	default:
		return false
	}
	return true
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
	raw := p.raw(t)
	switch {
	case raw == "'":
		return "a string stands in double quotes"
	case strings.HasPrefix(p.Text[min(t.Start.Byte, len(p.Text)):], "/*"):
		return "this comment is never closed: end it with */"
	case strings.HasPrefix(p.Text[min(t.Start.Byte, len(p.Text)):], "<<"):
		return "a heredoc begins with << or <<- and a word, alone at the end of its line"
	case p.json && t.kind == hclsyntax.TokenIdent:
		return fmt.Sprintf("names and strings of JSON stand in double quotes: %q", raw)
	case p.json:
		return `this file begins with "{" and so is read as JSON: "key": value`
	}
	return "write key = value, or key { … } for a block"
}
