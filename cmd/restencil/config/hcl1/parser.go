package hcl1

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/hcl/ast"
	hcl "github.com/hashicorp/hcl/hcl/parser"
	"github.com/hashicorp/hcl/hcl/scanner"
	hclstrconv "github.com/hashicorp/hcl/hcl/strconv"
	"github.com/hashicorp/hcl/hcl/token"
)

// maxDepth bounds the nesting of brackets. A configuration needs at most 5.
const maxDepth = 50

// A parser parses one file. It continues after a wrong literal, and stops at any other
// error.
type parser struct {
	Source
	json     bool
	text     []byte        // what is parsed as HCL: Text or, of JSON, what has the same structure
	tokens   []token.Token // of text, without comments; the last is EOF
	problems []error       // Diagnostics
}

// Parse parses a file. A file that begins with a brace is JSON. The error joins a
// [Diagnostic] for each problem; the fields must not be used then. The source gets Unix line
// endings, also at its end, and loses a mark of byte order.
func Parse(src *Source) ([]Field, error) {
	src.Text = strings.ReplaceAll(strings.TrimPrefix(src.Text, "\ufeff")+"\n", "\r\n", "\n")
	p := &parser{Source: *src, text: []byte(src.Text)}
	if strings.HasPrefix(strings.TrimSpace(src.Text), "{") {
		p.json, p.text = true, asHCL(src.Text)
	}
	var fields []Field
	if p.lexes() {
		file, err := hcl.ParseDontErrorOnDuplicateKeys(p.text)
		if err != nil {
			p.syntax(err)
		} else {
			fields = p.fields(file.Node.(*ast.ObjectList))
		}
	}
	return fields, errors.Join(p.problems...)
}

// asHCL returns JSON as HCL of the same length: without the braces around all, with = for
// each colon, and with other characters in strings, which HCL may not allow.
func asHCL(text string) []byte {
	hcl, inString := []byte(text), false
	for i := 0; i < len(hcl); i++ {
		switch c := hcl[i]; {
		case c == '"':
			inString = !inString
		case inString && c == '\\' && i+1 < len(hcl):
			hcl[i], hcl[i+1] = '-', '-'
			i++
		case inString && c != '\n' && c < utf8.RuneSelf:
			hcl[i] = '-'
		case c == ':':
			hcl[i] = '='
		case strings.HasPrefix(text[i:], "null"):
			copy(hcl[i:], `""  `)
			i += len("null") - 1
		}
	}
	if closed := bytes.TrimSpace(hcl); bytes.HasSuffix(closed, []byte("}")) {
		closed[0], closed[len(closed)-1] = ' ', ' '
	}
	return hcl
}

func (p *parser) problem(at Range, message, hint string) {
	p.problems = append(p.problems, p.Diagnose(at, message, hint))
}

// rangeOf returns where a token stands.
func (p *parser) rangeOf(t token.Token) Range {
	return Range{Position{p.Name, t.Pos.Line, t.Pos.Column}, t.Pos.Offset, t.Pos.Offset + len(t.Text)}
}

// lexes reports whether the file consists of tokens, and each bracket in it is closed. What
// is wrong it adds to the problems.
func (p *parser) lexes() bool {
	s := scanner.New(p.text)
	wrong := ""
	s.Error = func(_ token.Pos, message string) { wrong = cmp.Or(wrong, message) }
	var open []token.Token
	var last token.Token
	for p.problems == nil {
		t := s.Scan()
		at := p.rangeOf(t)
		switch {
		case wrong != "":
			p.problem(at, wrong, p.hint(at, lexical[wrong]))
		case t.Type == token.COMMENT:
			continue
		case t.Type == token.EOF && len(open) > 0:
			at = p.rangeOf(open[len(open)-1])
			p.problem(at, fmt.Sprintf("this %q is never closed", p.Text[at.Begin:at.End]), "")
		case t.Type == token.EOF && last.Type == token.ASSIGN:
			p.problem(p.rangeOf(last), "expected a value, found the end of the file", "")
		case t.Type == token.EOF:
			p.tokens = append(p.tokens, t)
			return true
		case t.Type == token.IDENT && (last.Type == token.NUMBER || last.Type == token.FLOAT) && p.rangeOf(last).End == at.Begin:
			word := last.Text + t.Text
			p.problem(p.rangeOf(last), word+" is not a number", fmt.Sprintf("write a duration as a string: %q", word))
		case t.Type == token.LBRACE, t.Type == token.LBRACK:
			if open = append(open, t); len(open) > maxDepth {
				p.problem(at, "this is nested too deep", "")
			}
		case len(open) > 0 && closes[t.Type] == open[len(open)-1].Type:
			open = open[:len(open)-1] // one of the wrong kind is for the parser to find
		}
		p.tokens, last = append(p.tokens, t), t
	}
	return false
}

// closes has the brackets that others close.
var closes = map[token.Type]token.Type{token.RBRACE: token.LBRACE, token.RBRACK: token.LBRACK}

const form = "write key = value, or key { … } for a block" // a hint

// lexical has hints for errors of the scanner.
var lexical = map[string]string{
	"illegal char":           form,
	"illegal char escape":    `a backslash itself is written \\`,
	"literal not terminated": "a string ends with a double quote on the same line; a heredoc can have several lines",
	"heredoc not terminated": "end it with a line that is just the word after <<",
}

var (
	// quoteInAction matches text up to a quote in a template action, which has ended the
	// string around it.
	quoteInAction = regexp.MustCompile(`"[^"\n]*\{\{[^}\n]*"[^}\n]*$`)

	errorPosition = regexp.MustCompile(`At (\d+:\d+): `)
)

// hint returns what may help where a token is wrong, or else general.
func (p *parser) hint(at Range, general string) string {
	switch {
	case quoteInAction.MatchString(p.Text[:at.Begin]):
		return "a quote in a string is written \\\"; in the place of quotes, backquotes do: {{ .Staged `x` }}"
	case strings.HasPrefix(p.Text[at.Begin:], "'"):
		return "a string stands in double quotes"
	case p.json:
		return `this file begins with "{" and so is read as JSON: "key": value`
	}
	return general
}

// syntax adds an error of the library to the problems, with the token that it is about.
func (p *parser) syntax(err error) {
	place := errorPosition.FindAllStringSubmatch(err.Error(), -1)
	i := slices.IndexFunc(p.tokens, func(t token.Token) bool { // the innermost place is the last
		return place != nil && t.Pos.String() == place[len(place)-1][1]
	})
	if i < 0 {
		i = len(p.tokens) - 1
	}
	want, hint := "the name of a setting or block", form
	switch text := err.Error(); {
	case strings.Contains(text, "expected start of object"), strings.Contains(text, "nested object expected"):
		isWord := func(i int) bool { return p.tokens[i].Type == token.IDENT || p.tokens[i].Type == token.STRING }
		for i > 1 && isWord(i-1) && isWord(i-2) && (i == 2 || p.tokens[i-3].Type != token.ASSIGN) {
			i-- // the words after a name are labels for the library
		}
		want = `"=" or "{" after ` + p.tokens[i-1].Text
		if p.json {
			want = `":" after ` + p.Text[p.tokens[i-1].Pos.Offset:][:len(p.tokens[i-1].Text)]
		}
	case strings.Contains(text, "error parsing list"):
		want, hint = `"," or "]" after an element of a list`, ""
	case strings.Contains(text, "Unknown token"), strings.Contains(text, "unexpected token while parsing list"):
		want, hint = "a value", ""
		if p.tokens[i].Type == token.IDENT {
			hint = fmt.Sprintf("a string stands in double quotes: %q", p.tokens[i].Text)
		}
	}
	at, found := p.rangeOf(p.tokens[i]), "the end of the file"
	if p.tokens[i].Type != token.EOF {
		found = shorten(p.Text[at.Begin:at.End])
	} else if i > 0 {
		at = p.rangeOf(p.tokens[i-1])
	}
	p.problem(at, fmt.Sprintf("expected %s, found %s", want, found), p.hint(at, hint))
}

// fields returns the settings and blocks of an object, or of the file.
func (p *parser) fields(list *ast.ObjectList) []Field {
	fields := []Field{}
	for _, item := range list.Items {
		name := item.Keys[0].Token
		f := Field{Name: p.quoted(name), Range: p.rangeOf(name), Value: p.value(item.Val)}
		f.Label = p.json && f.Value.IsBlock()
		for _, label := range slices.Backward(item.Keys[1:]) {
			at := p.rangeOf(label.Token)
			block := []Field{{Name: p.quoted(label.Token), Range: at, Value: f.Value, Label: true}}
			f.Value = Node{Value: block, Range: Range{at.Position, at.Begin, f.Value.Range.End}}
		}
		items, _ := f.Value.List()
		if !slices.ContainsFunc(items, Node.IsBlock) {
			fields = append(fields, f)
			continue
		}
		for _, item := range items {
			at := item.Range
			at.End = at.Begin
			fields = append(fields, Field{Name: f.Name, Range: at, Value: item})
		}
	}
	return fields
}

func (p *parser) value(n ast.Node) Node {
	switch n := n.(type) {
	case *ast.ObjectType:
		return Node{Value: p.fields(n.List), Range: p.between(n.Lbrace, n.Rbrace)}
	case *ast.ListType:
		items := []Node{}
		for _, item := range n.List {
			items = append(items, p.value(item))
		}
		return Node{Value: items, Range: p.between(n.Lbrack, n.Rbrack)}
	}
	t := n.(*ast.LiteralType).Token
	return Node{Value: p.literal(t), Range: p.rangeOf(t)}
}

// between returns the range from one bracket to the other.
func (p *parser) between(open, closed token.Pos) Range {
	return Range{Position{p.Name, open.Line, open.Column}, open.Offset, closed.Offset + 1}
}

func (p *parser) literal(t token.Token) any {
	switch t.Type {
	case token.BOOL, token.HEREDOC:
		return t.Value()
	case token.STRING:
		return p.quoted(t)
	}
	var value any
	var err error
	if value, err = strconv.ParseInt(t.Text, 0, 64); t.Type == token.FLOAT {
		value, err = strconv.ParseFloat(t.Text, 64)
	}
	if err != nil {
		p.problem(p.rangeOf(t), strings.TrimSpace(t.Text)+" is not a number: "+errors.Unwrap(err).Error(), "")
		return nil
	}
	return value
}

// quoted returns the value of a name or of a string in double quotes.
func (p *parser) quoted(t token.Token) string {
	raw := p.Text[t.Pos.Offset:][:len(t.Text)]
	switch {
	case t.Type == token.IDENT:
		return raw
	case raw[0] != '"': // null of JSON
		return ""
	}
	var value string
	if p.json && json.Unmarshal([]byte(raw), &value) == nil {
		return value
	}
	unquote := hclstrconv.Unquote
	if p.json {
		unquote = strconv.Unquote
	}
	value, err := unquote(raw)
	if err != nil {
		p.problem(p.rangeOf(t), "this is not a string: "+err.Error(), "")
	}
	return value
}
