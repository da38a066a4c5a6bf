package hcl1

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"restencil/watch/lazyregexp"
)

// maxDepth bounds the nesting of brackets. A configuration needs at most 5.
const maxDepth = 50

// A parser parses one file. It continues after a wrong literal, and stops at any other
// error.
type parser struct {
	Source
	json     bool
	tokens   []token
	at       int // the next token
	depth    int
	failed   bool
	problems []error // Diagnostics
}

// Parse parses a file. A file that begins with a brace is JSON. The error joins a
// [Diagnostic] for each problem; the fields must not be used then.
func Parse(src Source) ([]Field, error) {
	text := strings.TrimLeft(src.Text, "\ufeff \t\r\n\v\f\u0085\u00a0")
	p := &parser{Source: src, json: strings.HasPrefix(text, "{")}
	p.Text += "\n" // ends a heredoc at the end of the file
	p.lex()
	var fields []Field
	switch {
	case p.failed:
	case p.json:
		fields, _ = p.value(p.next()).Block()
		if t := p.next(); t.kind != hclsyntax.TokenEOF {
			p.expected("the end of the file", t, "")
		}
	default:
		fields = p.object(token{kind: hclsyntax.TokenEOF})
	}
	return fields, errors.Join(p.problems...)
}

// peek returns the next token. At the end of the file it is always the TokenEOF.
func (p *parser) peek() token { return p.tokens[p.at] }

// next returns the next token and moves on to the one after it.
func (p *parser) next() token {
	t := p.peek()
	p.at = min(p.at+1, len(p.tokens)-1)
	return t
}

func (p *parser) problem(at hcl.Range, message, hint string) {
	p.problems = append(p.problems, p.Diagnose(at, message, hint))
}

// fail reports a problem, if it is the first, and moves to the end of the file.
func (p *parser) fail(at hcl.Range, message, hint string) {
	if !p.failed {
		p.problem(at, message, hint)
	}
	p.failed = true
	p.at = max(0, len(p.tokens)-1)
}

const form = "write key = value, or key { … } for a block" // a hint

// quoteInAction matches text up to a quote in a template action, which has ended the
// string around it.
var quoteInAction = lazyregexp.New(`"[^"\n]*\{\{[^}\n]*"[^}\n]*$`)

// expected fails because of a token. The hint is used unless the token suggests a better
// one.
func (p *parser) expected(what string, t token, hint string) {
	at := t.Range
	if t.kind == hclsyntax.TokenEOF && len(p.tokens) > 1 {
		at = p.tokens[len(p.tokens)-2].Range
	}
	before, rest := p.Text[:t.Start.Byte], p.Text[t.Start.Byte:]
	switch {
	case quoteInAction.Get().MatchString(before):
		hint = "a quote in a string is written \\\"; in the place of quotes, backquotes do: {{ .Staged `x` }}"
	case strings.HasPrefix(rest, "'"):
		hint = "a string stands in double quotes"
	case strings.HasPrefix(rest, "/*"):
		hint = "this comment is never closed: end it with */"
	case strings.HasPrefix(rest, "<<"):
		hint = "a heredoc begins with << or <<- and a word, alone at the end of its line"
	case p.json && t.kind == hclsyntax.TokenIdent:
		hint = fmt.Sprintf("names and strings of JSON stand in double quotes: %q", p.raw(t))
	case p.json:
		hint = `this file begins with "{" and so is read as JSON: "key": value`
	}
	p.fail(at, fmt.Sprintf("expected %s, found %s", what, p.text(t)), hint)
}

// object parses settings and blocks up to the brace that closes opener, or to the end
// of the file if opener is TokenEOF.
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
		f := p.field(t)
		if items, _ := f.Value.List(); slices.ContainsFunc(items, Node.IsBlock) {
			for _, item := range items {
				at := item.Range
				at.End = at.Start
				fields = append(fields, Field{Name: f.Name, Range: at, Value: item})
			}
		} else {
			fields = append(fields, f)
		}
		if p.peek().kind == hclsyntax.TokenComma {
			p.next()
		}
	}
}

// field parses what follows a name: a value, or a block with its labels.
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
		f.Label = p.json && f.Value.IsBlock()
	case t.kind == hclsyntax.TokenOBrace && !p.json:
		f.Value = p.value(t)
	default:
		p.expected(after+" after "+p.text(name), first, form)
	}
	for _, label := range slices.Backward(labels) {
		block := []Field{{Name: p.name(label), Range: label.Range, Value: f.Value, Label: true}}
		f.Value = Node{Value: block, Range: hcl.RangeBetween(label.Range, f.Value.Range)}
	}
	return f
}

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

// list parses the elements of a list. HCL 1 allows extra commas.
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

func (p *parser) isName(t token) bool {
	return t.kind == hclsyntax.TokenOQuote || t.kind == hclsyntax.TokenIdent && !p.json && isIdentifier(p.raw(t))
}

func (p *parser) raw(t token) string { return p.Text[t.Start.Byte:t.End.Byte] }

// text describes a token in messages.
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

func (p *parser) name(t token) string {
	if t.kind == hclsyntax.TokenIdent {
		return p.raw(t)
	}
	return p.quoted(t)
}

func (p *parser) literal(t token) any {
	raw := p.raw(t)
	switch {
	case t.kind == hclsyntax.TokenOQuote:
		return p.quoted(t)
	case t.kind == hclsyntax.TokenOHeredoc:
		return heredoc(raw)
	case raw == "true", raw == "false":
		return raw == "true"
	case raw == "null" && p.json:
		return ""
	case !isIdentifier(raw):
		return p.number(t, raw)
	}
	p.problem(t.Range, "expected a value, found "+shorten(raw), fmt.Sprintf("a string stands in double quotes: %q", raw))
	return nil
}

// isIdentifier reports whether a word is a name, not a number or boolean.
func isIdentifier(word string) bool {
	return strings.IndexByte("0123456789.-", word[0]) < 0 && word != "true" && word != "false"
}

// number parses an integer, octal with a leading 0 and hexadecimal with 0x, or a float.
func (p *parser) number(t token, raw string) any {
	digits := strings.TrimPrefix(raw, "-")
	octal := len(digits) > 1 && digits[0] == '0' && '0' <= digits[1] && digits[1] <= '9'
	i, err := strconv.ParseInt(raw, 0, 64)
	f, notFloat := strconv.ParseFloat(raw, 64)
	_, notDuration := time.ParseDuration(raw)
	switch {
	case octal && p.json:
		p.problem(t.Range, "a number of JSON does not begin with 0", fmt.Sprintf("write an octal file mode as a string: %q", raw))
	case err == nil && !strings.Contains(raw, "_"):
		return i
	case notDuration == nil:
		p.problem(t.Range, raw+" is not a number", fmt.Sprintf("write a duration as a string: %q", raw))
	case octal:
		p.problem(t.Range, raw+" is not a number: a leading 0 makes it octal", "")
	case errors.Is(err, strconv.ErrRange):
		p.problem(t.Range, raw+" is not a number: "+strconv.ErrRange.Error(), "")
	case notFloat == nil && !strings.ContainsAny(raw, "_xXpP"):
		return f
	default:
		p.problem(t.Range, raw+" is not a number", "")
	}
	return nil
}

// quoted returns the value of a string in double quotes. Its escapes are Go's, and JSON
// has more; in HCL, ${…} is literal.
func (p *parser) quoted(t token) string {
	raw := p.raw(t)
	var value string
	if p.json && json.Unmarshal([]byte(raw), &value) == nil {
		return value
	}
	raw = raw[1 : len(raw)-1]
	var b strings.Builder
	for rest := raw; rest != ""; {
		if n := interpolation(rest); n > 0 && !p.json {
			b.WriteString(rest[:n])
			rest = rest[n:]
			continue
		}
		r, multibyte, tail, err := strconv.UnquoteChar(rest, '"')
		if err != nil {
			at := t.Range
			at.Start.Byte += 1 + len(raw) - len(rest)
			at.Start.Column += 1 + utf8.RuneCountInString(raw[:len(raw)-len(rest)])
			at.End.Byte = at.Start.Byte + min(2, len(rest))
			p.problem(at, "unknown escape "+rest[:min(2, len(rest))], `a backslash itself is written \\`)
			return ""
		}
		if multibyte || r < utf8.RuneSelf {
			b.WriteRune(r)
		} else {
			b.WriteByte(byte(r))
		}
		rest = tail
	}
	return b.String()
}

// heredoc returns the value of <<MARK … MARK, with Unix line endings. With <<-MARK, the
// indentation of the closing mark is removed from all lines if all have it; without the
// dash, it ends the value.
func heredoc(raw string) string {
	raw = strings.ReplaceAll(raw, "\r\n", "\n")
	opening, body, _ := strings.Cut(raw, "\n")
	end := strings.LastIndexByte(body, '\n') + 1
	mark := strings.TrimLeft(opening, "<-")
	indent, _, _ := strings.Cut(body[end:], mark)
	body = body[:end]
	if !strings.HasPrefix(opening, "<<-") {
		return body + indent
	}
	lines := strings.SplitAfter(body, "\n")
	for i, line := range lines[:len(lines)-1] {
		if !strings.HasPrefix(line, indent) {
			return body
		}
		lines[i] = line[len(indent):]
	}
	return strings.Join(lines, "")
}
